"""A network in a mirror, and the flips of an ensemble."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from qpm.datasets.video import Video
from qpm.inference import Ensemble, propagate
from qpm.inference.flipped import Flipped
from qpm.memory import MemoryPolicy
from qpm.model import Network, build

QPM = MemoryPolicy.model_validate("qpm")


@pytest.fixture(scope="module")
def tiny() -> Network:
    torch.manual_seed(0)
    return build("tiny").eval()


def clip(mirrored: bool = False) -> Video:
    """Four random frames, a multiple of 16 pixels large so that no padding takes sides, and a first mask."""
    generator = np.random.default_rng(0)
    frames = generator.integers(0, 256, (4, 48, 64, 3), dtype=np.uint8)
    labels = np.zeros((48, 64), np.uint8)
    labels[10:30, 5:25], labels[20:40, 40:60] = 1, 2
    if mirrored:
        frames, labels = frames[:, :, ::-1], labels[:, ::-1]
    names = tuple(f"{index:05d}" for index in range(4))
    return Video("own", "clip", names, labels.shape, (1, 2), {1: 0, 2: 0}, frames.__getitem__, {0: labels}.get)


def soft_maps(network: Ensemble, video: Video) -> list[torch.Tensor]:
    return [r.probabilities for r in propagate(network, video, QPM, keep_probabilities=True)]  # type: ignore[misc]


def test_a_mirrored_network_answers_for_the_mirrored_video_as_the_network_for_the_video(tiny: Network) -> None:
    plain = soft_maps(Ensemble([tiny]), clip())
    turned = soft_maps(Ensemble([Flipped(tiny)]), clip(mirrored=True))
    for ours, theirs in zip(plain, turned, strict=True):
        assert torch.allclose(ours, theirs.flip(-1), atol=1e-5)


def test_with_flips_left_and_right_are_equal(tiny: Network) -> None:
    both = Ensemble.of(tiny, flip=True)
    assert len(both.members) == 2
    for ours, theirs in zip(soft_maps(both, clip()), soft_maps(both, clip(mirrored=True)), strict=True):
        assert torch.allclose(ours, theirs.flip(-1), atol=1e-5)


def test_a_mirror_costs_no_weights_in_low_precision_either(tiny: Network) -> None:
    plain, mirror = Ensemble.of(tiny, flip=True).lowered(torch.bfloat16).members
    assert next(plain.parameters()) is next(mirror.parameters())
    assert next(plain.parameters()) is not next(tiny.parameters())


def test_a_mirror_of_a_network_in_training_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="training mode"):
        Ensemble([Flipped(build("tiny").train())])
