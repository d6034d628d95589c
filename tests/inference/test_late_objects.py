"""Objects that are given in mid-video."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from qpm.inference import FrameResult, propagate
from qpm.memory import MemoryPolicy
from tests.inference.fake_network import FakeNetwork, squares, video


def run(policy: object, network: FakeNetwork, first: dict[int, int], **changes: object) -> list[FrameResult]:
    return list(propagate(network, video(12, first, **changes), MemoryPolicy.model_validate(policy)))


def test_frames_before_the_first_given_mask_are_skipped() -> None:
    results = run("stm", FakeNetwork(), {1: 3})
    assert [result.index for result in results] == list(range(3, 12))


def test_an_object_reads_only_frames_from_its_own_first_on() -> None:
    network = FakeNetwork()
    run("stm", network, {2: 0, 1: 7})
    by_frame = {frame: [] for frame, _ in network.read}  # type: ignore[var-annotated]
    for frame, groups in network.read:
        by_frame[frame] += [sorted(read) for read in groups]
    assert by_frame[7] == [[0, 5, 6]]
    assert sorted(by_frame[8]) == [[0, 5, 7], [7]]
    assert sorted(by_frame[10]) == [[0, 5, 7, 9], [7, 9]]


def test_the_frame_with_the_new_mask_is_a_permanent_entry_for_every_object_and_restarts_the_count() -> None:
    network = FakeNetwork()
    results = run("stm", network, {1: 0, 2: 3})
    assert results[3].memorized == ("annotated",) and results[3].object_ids == (1, 2)
    assert [result.index for result in results if "long" in result.memorized] == [8]
    assert (11, [[0, 3, 8, 10]]) in network.read and (11, [[3, 8, 10]]) in network.read


def test_newly_given_pixels_belong_to_nobody_else() -> None:
    late = np.where(squares(2) > 0, 2, squares(1)).astype(np.uint8)
    late[0:16, 8:16] = 2  # half of object 1 is now object 2

    def labels(index: int) -> np.ndarray:
        return late if index >= 4 else squares(1)

    network = FakeNetwork()
    results = run("stm", network, {1: 0, 2: 4}, read_labels=labels)
    assert np.array_equal(results[4].labels, late)
    _, masks = network.memorized[4]
    assert torch.allclose(masks[0, 0, :16, 8:16], torch.zeros(16, 8), atol=1e-5)
    assert torch.allclose(masks[0, 1, :16, 8:32], torch.ones(16, 24), atol=1e-5)
    assert torch.allclose(masks[0, 0, :16, :8], torch.ones(16, 8), atol=1e-5)


def test_a_0_in_a_given_mask_says_nothing_about_the_other_objects() -> None:
    def only_the_new_one(index: int) -> np.ndarray:
        return squares(1) if index == 0 else squares(2)

    results = run("stm", FakeNetwork(), {1: 0, 2: 4}, read_labels=only_the_new_one)
    assert np.array_equal(results[4].labels, squares(1, 2))
    assert np.array_equal(results[11].labels, squares(1, 2))


def test_objects_keep_the_order_of_their_ids_whenever_they_enter() -> None:
    network = FakeNetwork(lambda frame, place: 0.5 + 0.1 * place)
    results = run("stm", network, {3: 0, 1: 2, 4: 5})
    assert [result.object_ids for result in results[::3]] == [(3,), (1, 3), (1, 3, 4), (1, 3, 4)]
    assert all(np.array_equal(r.labels, squares(*r.object_ids)) for r in results)


def test_each_object_is_measured_against_its_own_first_score() -> None:
    network = FakeNetwork(lambda frame, place: 0.4 if frame == 6 and place == 1 else 0.8)
    results = run("stm", network, {1: 0, 2: 6})
    assert results[6].signals["score"] == (1.0, 1.0)
    assert results[7].signals["score"] == pytest.approx((1.0, 2.0))


def test_frame_1_of_eq_4_is_the_latest_annotated_frame_or_the_very_first_on_request() -> None:
    bad = {8: 0.1}
    latest = run("prior_only", FakeNetwork(bad), {1: 0, 2: 6})
    assert latest[9].prior_frame == 6
    first = run({"preset": "prior_only", "prior": {"annotated": "first"}}, FakeNetwork(bad), {1: 0, 2: 6})
    assert first[9].prior_frame == 0


def test_a_gate_per_object_gives_objects_different_banks() -> None:
    network = FakeNetwork(lambda frame, place: 0.1 if frame == 5 and place == 1 else 0.8)
    policy = {"keep": {"rule": "quality_gate", "over": "each"}, "hold_previous": False}
    results = run(policy, network, {1: 0, 2: 0})
    assert results[5].memorized_objects == {"long": (1,)}
    assert results[6].memorized_objects == {"long": (2,)}
    assert results[8].bank_frames == 3
    assert (8, [[0, 5]]) in network.read and (8, [[0, 6]]) in network.read


def test_an_object_that_is_followed_after_another_video_is_followed_as_if_alone() -> None:
    network = FakeNetwork({5: 0.3}, drift=0.05)
    alone = run("samurai_gate", FakeNetwork({5: 0.3}, drift=0.05), {2: 0})
    run("samurai_gate", network, {1: 0})
    after = run("samurai_gate", network, {2: 0})
    assert [result.signals for result in after] == [result.signals for result in alone]
    assert [result.memorized for result in after] == [result.memorized for result in alone]


def test_many_objects_can_be_followed() -> None:
    labels = np.zeros((32, 256), dtype=np.uint8)
    labels[:] = np.minimum(np.arange(256), 254)[None]
    ids = tuple(range(1, 255))
    clip = video(
        2,
        dict.fromkeys(ids, 0),
        size=(32, 256),
        read_labels=lambda index: labels,
        read_frame=lambda index: np.full((32, 256, 3), index, dtype=np.uint8),
    )
    first, second = propagate(FakeNetwork(), clip, MemoryPolicy.model_validate("stm"))
    assert first.object_ids == second.object_ids == ids
    assert np.array_equal(first.labels, labels)
