"""Several networks in the one loop."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from qpm.inference import Ensemble, propagate
from qpm.memory import MemoryPolicy
from tests.inference.fake_network import FakeNetwork, video

CLIP = video(8, {1: 0, 2: 3})
QPM = MemoryPolicy.model_validate("qpm")


def test_two_equal_networks_are_one() -> None:
    one = list(propagate(FakeNetwork({5: 0.2}, drift=0.1), CLIP, QPM, keep_probabilities=True))
    pair = [FakeNetwork({5: 0.2}, drift=0.1), FakeNetwork({5: 0.2}, drift=0.1)]
    two = list(propagate(pair, CLIP, QPM, keep_probabilities=True))
    for first, second in zip(one, two, strict=True):
        assert torch.allclose(first.probabilities, second.probabilities)  # type: ignore[arg-type]
        assert np.array_equal(first.labels, second.labels)
        assert (first.memorized, first.prior_frame) == (second.memorized, second.prior_frame)


def test_soft_maps_and_scores_are_averaged() -> None:
    sure, unsure = FakeNetwork({1: 0.9}), FakeNetwork({1: 0.5}, drift=0.2)
    apart = [
        list(propagate(network, video(2), QPM, keep_probabilities=True))[1].probabilities
        for network in (FakeNetwork(), FakeNetwork(drift=0.2))
    ]
    together = list(propagate([sure, unsure], video(2), QPM, keep_probabilities=True))[1]
    assert torch.allclose(together.probabilities, (apart[0] + apart[1]) / 2)  # type: ignore[operator]
    assert together.signals["score_raw"] == pytest.approx((0.7,))


def test_every_network_reads_its_own_memory_of_the_common_mask() -> None:
    first, second = FakeNetwork(), FakeNetwork(drift=0.3)
    list(propagate([first, second], CLIP, QPM))
    assert first.read == second.read
    for (_, ours), (_, theirs) in zip(first.memorized, second.memorized, strict=True):
        assert torch.equal(ours, theirs)


def test_an_ensemble_has_a_score_or_a_prior_only_if_every_network_has() -> None:
    blind = FakeNetwork()
    blind.config.quality = blind.config.prior = None
    mixed = Ensemble([FakeNetwork(), blind])
    assert not mixed.scores_quality and not mixed.takes_prior
    assert "score" not in next(propagate(mixed, CLIP, MemoryPolicy.model_validate("stm"))).signals


def test_networks_that_pad_frames_differently_do_not_segment_together() -> None:
    stm = FakeNetwork()
    stm.config.padding = "black"
    with pytest.raises(ValueError, match="pad frames differently"):
        propagate([FakeNetwork(), stm], CLIP, MemoryPolicy.model_validate("stm"))


def test_an_ensemble_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one network"):
        Ensemble([])
