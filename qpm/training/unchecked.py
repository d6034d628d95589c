"""Losses and gradients that nobody has looked at yet: looking at one at once would make a GPU wait."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor

from qpm.files import write_atomic
from qpm.training.mixture import Batch
from qpm.training.together import gathered, largest


class Unchecked:
    """The numbers of the last iterations, with their batches.

    Parameters
    ----------
    folder : where an offending batch is kept
    stage : its name, for the message
    before : iterations of the stages before
    fabric : of the processes that train together, which stop together
    """

    def __init__(self, folder: Path, stage: str, before: int, fabric: Fabric) -> None:
        self.folder, self.stage, self.before, self.fabric = folder, stage, before, fabric
        self.numbers: list[tuple[int, Batch, str, Tensor]] = []

    def note(self, iteration: int, batch: Batch, name: str, value: Tensor) -> None:
        """Take a number, still on its device."""
        self.numbers.append((iteration, batch, name, value))

    @property
    def latest(self) -> tuple[int, Batch]:
        """The iteration and the batch that were last gone through."""
        return self.numbers[-1][:2]

    def check(self) -> None:
        """Stop at a number that is not finite in any process, and keep its batch; every process must call it.

        Raises
        ------
        FloatingPointError
            With the iteration and the names of the clips; the same in every process.
        """
        if self.numbers:
            flags = torch.stack([value.isfinite().logical_not() for *_, value in self.numbers]).int()
            bad = largest(self.fabric, flags)
            if any(bad):
                told = gathered(self.fabric, self._told(bad.index(1)))
                raise FloatingPointError(next(filter(None, told)))
        self.numbers = []

    def _told(self, place: int) -> str:
        """What is wrong with a number of this process, if anything."""
        iteration, batch, name, value = self.numbers[place]
        if value.isfinite():
            return ""
        clips = ", ".join(dict.fromkeys(batch.names))
        where = f"{self.stage}, iteration {iteration} (clips of {clips})"
        return f"{name} is {value.item()} in {where}; {self._kept(iteration, batch)}"

    def _kept(self, iteration: int, batch: Batch) -> str:
        """Keep a batch, and tell where; on a full disk, tell that."""
        process = f"-{self.fabric.global_rank}" if self.fabric.world_size > 1 else ""
        file = self.folder / f"bad_batch-{self.before + iteration:08d}{process}.npz"
        frames, labels = batch.frames.numpy(), batch.labels.numpy()
        try:
            write_atomic(file, lambda path: np.savez_compressed(path, frames=frames, labels=labels, names=batch.names))
        except OSError as error:
            return f"the batch cannot be kept in {file} ({error})"
        return f"the batch is in {file}"
