"""What the loop reads at every frame, by hand, and the order in which it works."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from qpm.inference import FrameResult, propagate
from qpm.memory import MemoryPolicy
from tests.inference.fake_network import FakeNetwork, squares, video


def run(
    policy: Any, network: FakeNetwork | None = None, clip: Any = None, **options: Any
) -> list[FrameResult]:
    return list(
        propagate(network or FakeNetwork(), clip or video(), MemoryPolicy.model_validate(policy), **options)
    )


def test_stm_reads_frame_0_every_fifth_and_the_previous() -> None:
    network = FakeNetwork()
    run("stm", network)
    assert network.read == [
        (1, [[0]]),
        (2, [[0, 1]]),
        (3, [[0, 2]]),
        (4, [[0, 3]]),
        (5, [[0, 4]]),
        (6, [[0, 5]]),
        (7, [[0, 5, 6]]),
        (8, [[0, 5, 7]]),
        (9, [[0, 5, 8]]),
        (10, [[0, 5, 9]]),
        (11, [[0, 5, 10]]),
    ]


def test_the_gate_reads_no_bad_frame_but_the_previous_one() -> None:
    network = FakeNetwork({5: 0.3, 6: 0.5, 8: 0.1})  # relative to .8: .375, .625, .125
    results = run("qpm", network)
    assert [frames for _, (frames,) in network.read][5:] == [
        [0, 5],
        [0, 6],
        [0, 7],
        [0, 7, 8],
        [0, 7, 9],
        [0, 7, 10],
    ]
    assert [result.memorized for result in results][4:8] == [
        ("previous",),
        ("previous",),
        ("previous",),
        ("previous", "long"),
    ]


def test_eq_4_takes_the_first_frame_as_prior_after_a_bad_frame() -> None:
    network = FakeNetwork({3: 0.4, 4: 0.52, 5: 0.53})  # relative: .5, .65, .6625; .65 is not above .65
    results = run("qpm", network)
    assert [result.prior_frame for result in results][:7] == [None, 0, 1, 2, 0, 0, 5]
    assert all(prior is not None and prior.shape == (1, 1, 32, 48) for prior in network.priors)


def test_the_prior_is_the_soft_mask_merged_over_objects() -> None:
    network = FakeNetwork(drift=0.1)
    run("qpm", network, video(3, {1: 0, 2: 0}))
    prior = network.priors[1]
    assert prior is not None
    _, masks = network.memorized[1]
    assert torch.equal(prior, masks.amax(dim=1, keepdim=True))
    assert 0.8 < prior.max() < 0.99


def test_without_a_prior_rule_there_is_no_enhancement() -> None:
    network = FakeNetwork()
    results = run("stm", network)
    assert network.priors == [None] * 11
    assert {result.prior_frame for result in results} == {None}
    assert results[-1].gate is None and run("qpm")[-1].gate is not None


def test_every_frame_is_encoded_once_and_memorized_once_also_the_last() -> None:
    network = FakeNetwork()
    run("qpm", network)
    assert network.encoded == list(range(12))
    assert [index for index, _ in network.memorized] == list(range(12))


def test_every_frame_has_scores_and_the_first_relative_score_is_1() -> None:
    results = run("stm", FakeNetwork({0: 0.6, 4: 0.3, 11: 0.9}))
    assert [len(result.signals["score"]) for result in results] == [1] * 12
    assert results[0].signals["score"] == (1.0,)
    assert results[4].signals["score"] == pytest.approx((0.5,))
    assert results[11].signals["score_raw"] == pytest.approx((0.9,))
    assert results[11].signals["score"] == pytest.approx((1.5,))


def test_a_collapsed_first_score_does_not_divide(caplog: pytest.LogCaptureFixture) -> None:
    results = run("qpm", FakeNetwork({0: 1e-7}))
    assert results[5].signals["score"] == pytest.approx((0.8,))
    assert "object 1 scores 1e-07 with its given mask" in caplog.text


def test_the_results_say_what_happened() -> None:
    results = run("stm")
    assert [result.index for result in results] == list(range(12))
    assert [result.name for result in results][:2] == ["00000", "00001"]
    assert [result.bank_frames for result in results] == [0, 1, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3]
    assert results[0].annotated and results[0].memorized == ("annotated",) and not results[1].annotated
    assert results[5].memorized_objects == {"previous": (1,), "long": (1,)}
    assert all(np.array_equal(result.labels, squares(1)) for result in results)


def test_soft_masks_are_given_on_request_and_sum_to_1() -> None:
    (first, second) = run("stm", FakeNetwork(drift=0.3), video(2, {1: 0, 2: 0}), keep_probabilities=True)
    for result in (first, second):
        assert result.probabilities is not None and result.probabilities.shape == (3, 32, 48)
        assert torch.allclose(result.probabilities.sum(dim=0), torch.ones(32, 48))
    assert run("stm")[3].probabilities is None


def test_qdmn_forgets_the_worst_and_never_the_annotated_frame() -> None:
    policy = {"preset": "qdmn", "keep": {"n": 1}, "capacity": 3}
    network = FakeNetwork({2: 0.66, 5: 0.7})
    run(policy, network)
    assert [frames for _, (frames,) in network.read][3:7] == [
        [0, 1, 2, 3],
        [0, 1, 3, 4],
        [0, 3, 4, 5],  # 1: 1 + exp(-4) is less than 3: 1 + exp(-2)
        [0, 4, 5, 6],
    ]


def test_a_rule_that_needs_what_cannot_be_had_is_refused_before_the_run() -> None:
    def never_read(index: int) -> np.ndarray:
        raise AssertionError("the video was read")

    network, clip = FakeNetwork(), video(read_frame=never_read)
    network.config.quality = None
    with pytest.raises(
        ValueError, match="needs score, but a network has no quality head; gate on 'confidence'"
    ):
        propagate(network, clip, MemoryPolicy.model_validate("quality_gated"))
    network.config.prior = None
    with pytest.raises(ValueError, match="no prior gate for prior rule 'previous'"):
        propagate(network, clip, MemoryPolicy.model_validate({"keep": "always", "prior": "previous"}))
    with pytest.raises(ValueError, match="needs iou_true, but fake: still has no truth"):
        propagate(FakeNetwork(), video(truth_frames=()), MemoryPolicy.model_validate("oracle_gate"))
    with pytest.raises(ValueError, match="random_gate depends on the video; resolve the policy first"):
        propagate(FakeNetwork(), clip, MemoryPolicy.model_validate("random_gate"))
    with pytest.raises(ValueError, match="unknown signal 'scor'; did you mean 'score'"):
        propagate(FakeNetwork(), clip, MemoryPolicy.model_validate("stm"), signals=["scor"])
    with pytest.raises(ValueError, match=r"call network.eval\(\) first"):
        propagate(FakeNetwork().train(), clip, MemoryPolicy.model_validate("stm"))


def test_a_network_without_a_quality_head_runs_and_is_gated_on_its_confidence() -> None:
    network = FakeNetwork(drift=0.2)
    network.config.quality = None
    results = run({"keep": {"rule": "quality_gate", "signal": "confidence", "sigma_m": 0.6}}, network)
    assert "score" not in results[3].signals and 0.5 < results[1].signals["confidence"][0] < 1
    confident = [result.index for result in results if "long" in result.memorized]
    assert all(results[index].signals["confidence"][0] > 0.6 for index in confident)


def test_a_prior_rule_may_only_choose_a_frame_whose_mask_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    policy = MemoryPolicy.model_validate({"keep": "always", "prior": "previous"})
    monkeypatch.setattr(type(policy.prior), "__call__", lambda self, previous: max(previous.index - 1, 0))
    with pytest.raises(ValueError, match="prior rule 'previous' chose frame 1; masks are held of 0, 2"):
        list(propagate(FakeNetwork(), video(), policy))
