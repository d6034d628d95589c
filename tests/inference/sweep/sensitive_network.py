"""A network without weights whose masks and scores depend on everything that it is given: no two runs agree by luck."""

from __future__ import annotations

import weakref
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from qpm.datasets.video import Video
from qpm.inference import FrameResult, propagate
from qpm.memory import MemoryPolicy
from qpm.model import Memory, Query
from qpm.seeding import derive
from tests.inference.fake_network import FakeNetwork, number


class SensitiveNetwork(FakeNetwork):
    """Masks fade by an amount drawn from the frames read and the prior; scores are drawn from the masks.

    Attributes
    ----------
    living : WeakSet
        The memories that somebody still holds.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.seed = seed
        self.living: weakref.WeakSet[Tensor] = weakref.WeakSet()

    def memorize(self, frame: Tensor, masks: Tensor) -> Memory:
        memory = super().memorize(frame, masks)
        self.living.add(memory.value)
        drawn = [self.draw(number(frame), round(one.double().sum().item(), 6)) for one in masks[0]]
        return memory._replace(score=torch.tensor([drawn]).clamp(min=0.1))

    def segment(self, query: Query, memory_key: Tensor, memory_value: Tensor) -> Tensor:
        super().segment(query, memory_key, memory_value)
        given = [
            memory_key.tolist(),
            memory_value.tolist(),
            None if query.gate is None else query.gate.tolist(),
        ]
        fading = 1 - 0.04 * self.draw(*given)
        return interpolate(memory_value[:, :, 0, -1] * fading, scale_factor=16, mode="nearest").clamp(0, 1)

    def draw(self, *facts: object) -> float:
        """A number from 0 to 1 that depends on the facts and the seed alone."""
        return derive(self.seed, *facts) / 2**63


def facts(result: FrameResult) -> tuple[object, ...]:
    """Everything in a result, in a form in which equal is bit for bit equal (NaN included)."""
    gate = None if result.gate is None else result.gate.tolist()
    signals = {name: tuple(value.hex() for value in values) for name, values in result.signals.items()}
    masks = (result.index, result.name, result.labels.tobytes(), result.object_ids, result.annotated)
    decided = (result.memorized, dict(result.memorized_objects), result.prior_frame, result.bank_frames)
    return *masks, signals, *decided, gate


def alone(network: object, video: Video, policy: MemoryPolicy, **options: object) -> list[tuple[object, ...]]:
    """The facts of an independent run."""
    return [facts(result) for result in propagate(network, video, policy, **options)]  # type: ignore[arg-type]


def history(network: FakeNetwork) -> Sequence[object]:
    """What an independent run has read at each of its frames, without the values."""
    frames: dict[int, list[object]] = {index: [] for index in network.encoded}
    for index, read in network.read:
        frames[index].append(read)
    priors = [None if prior is None else prior.tolist() for prior in network.priors]
    return [(read, prior) for read, prior in zip(frames.values(), [None, *priors], strict=True)]
