"""Random numbers of a training step: they follow from seed, stage, iteration and clip, and need no saving."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from qpm.seeding import derive


class Draws:
    """Generators on the CPU for these clips of an iteration: one that all parts of the batch share, one a clip."""

    def __init__(self, seed: int, stage: int, iteration: int, numbers: Sequence[int]) -> None:
        self.shared = seeded(seed, "step", stage, iteration)
        self.clips = [seeded(seed, "step", stage, iteration, number) for number in numbers]

    def dropped(self, share: float) -> bool:
        """Whether something is left out in this iteration."""
        return torch.rand((), generator=self.shared).item() < share

    def one_of(self, count: int) -> int:
        """The same number below `count` for all clips."""
        return int(torch.randint(count, (), generator=self.shared))

    def coins(self) -> torch.Tensor:
        """One fair coin a clip, bool (B,)."""
        return torch.tensor([torch.rand((), generator=clip).item() < 0.5 for clip in self.clips])


def seeded(seed: int, *names: object) -> torch.Generator:
    """A torch generator of its own for one purpose."""
    return torch.Generator().manual_seed(derive(seed, *names))
