"""Losses and gradients that nobody has looked at yet: looking at one at once would make a GPU wait."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from torch import Tensor

from qpm.files import write_atomic
from qpm.training.mixture import Batch


class Unchecked:
    """The numbers of the last iterations, with their batches.

    Parameters
    ----------
    folder : where an offending batch is kept
    stage : its name, for the message
    before : iterations of the stages before
    process : what tells this process's file from another's
    """

    def __init__(self, folder: Path, stage: str, before: int, process: str) -> None:
        self.folder, self.stage, self.before, self.process = folder, stage, before, process
        self.numbers: list[tuple[int, Batch, str, Tensor]] = []

    def note(self, iteration: int, batch: Batch, name: str, value: Tensor) -> None:
        """Take a number, still on its device."""
        self.numbers.append((iteration, batch, name, value))

    @property
    def latest(self) -> tuple[int, Batch]:
        """The iteration and the batch that were last gone through."""
        return self.numbers[-1][:2]

    def check(self) -> None:
        """Stop at a number that is not finite, and keep its batch.

        Raises
        ------
        FloatingPointError
            With the iteration and the names of the clips.
        """
        for iteration, batch, name, value in self.numbers:
            if not value.isfinite():
                clips = ", ".join(dict.fromkeys(batch.names))
                where = f"{self.stage}, iteration {iteration} (clips of {clips}); the batch is in"
                raise FloatingPointError(f"{name} is {value.item()} in {where} {self._keep(iteration, batch)}")
        self.numbers = []

    def _keep(self, iteration: int, batch: Batch) -> Path:
        file = self.folder / f"bad_batch-{self.before + iteration:08d}{self.process}.npz"
        frames, labels = batch.frames.numpy(), batch.labels.numpy()
        write_atomic(file, lambda path: np.savez_compressed(path, frames=frames, labels=labels, names=batch.names))
        return file
