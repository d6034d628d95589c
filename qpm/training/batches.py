"""Batches through loader processes, and as tensors on the device."""

from __future__ import annotations

import signal
from collections.abc import Generator
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from qpm.frames import normalise
from qpm.training.mixture import Batch, ClipMixture

Place = tuple[int, int]  # iteration, part of its batch
GRACE = 300  # seconds that a loader process works on after SIGTERM, while its training saves


class _Batches(Dataset[Batch | Exception]):
    """A map-style view for the loader's worker processes; what a worker draws depends on the place alone."""

    def __init__(self, mixture: ClipMixture, parts: int) -> None:
        self.mixture, self.parts = mixture, parts

    def __getitem__(self, place: Place) -> Batch | Exception:
        try:
            return self.mixture.batch(*place, self.parts)
        except (OSError, ValueError) as error:  # handed over: raised here, its words would hold a traceback
            error.__cause__ = error.__context__ = None
            return error.with_traceback(None)  # where tblib pickles one, it would keep the loader alive


def batches(mixture: ClipMixture, begin: int, rank: int, ranks: int, workers: int, pinned: bool) -> Generator[Batch]:
    """The batches of a process from an iteration to the stage's end, `accumulate` to an iteration.

    Raises
    ------
    OSError, ValueError
        If clips cannot be made of the data.
    """
    each = mixture.stage.accumulate
    order = [(iteration, micro * ranks + rank)
             for iteration in range(begin, mixture.stage.iterations) for micro in range(each)]  # fmt: skip
    loader: DataLoader[Any] = DataLoader(
        _Batches(mixture, each * ranks), batch_size=None, sampler=order, num_workers=workers, collate_fn=_as_is,
        pin_memory=pinned, worker_init_fn=_as_worker, prefetch_factor=4 if workers else None,
    )  # fmt: skip
    for batch in loader:
        if isinstance(batch, Exception):
            raise batch
        yield batch


def tensors(batch: Batch, device: torch.device) -> tuple[Tensor, Tensor]:
    """Normalised frames (B, T, 3, H, W) and one-hot masks (B, T, O, H, W)."""
    pixels = normalise(batch.frames.to(device, non_blocking=True).movedim(-1, -3))
    ids = torch.arange(1, batch.objects + 1, device=device).view(-1, 1, 1)
    masks = (batch.labels.to(device, non_blocking=True).unsqueeze(2) == ids).float()
    return pixels, masks * masks[:, :1].amax(dim=(-2, -1), keepdim=True)  # a slot empty at first stays empty


def _as_is(batch: Any) -> Any:
    return batch


def _as_worker(number: int) -> None:
    """One thread; and a signal to the whole group, as batch systems send, is the training's to answer.

    It gets `GRACE` seconds: a worker that lived on would be waited for without end by whoever terminates it.
    """
    torch.set_num_threads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: signal.alarm(GRACE))
