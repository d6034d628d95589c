"""The measures of a training in `metrics.parquet` beside its checkpoints, one row every few iterations."""

from __future__ import annotations

import logging
import resource
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import torch
from lightning_fabric import Fabric
from scipy import stats
from torch import Tensor

from qpm.files import write_atomic
from qpm.training.checkpoint import room_for
from qpm.training.together import gathered

METRICS = "metrics.parquet"
# How fast the machine was; all other columns are the same in an interrupted and in an uninterrupted run.
TIMES = ("seconds", "clips_per_second", "data_wait", "memory_gb")
WRITTEN = 20.0  # seconds between two writings of the file
log = logging.getLogger(__name__)


class TrainLog:
    """Collects measures on the device and averages them, over processes too, when a row is due.

    Columns: `iteration` (iterations done), `stage`, `loss` and its parts, `iou`, `score_error`, `score_correlation` (of
    predicted and true IoU over the row's masks), `first_score`, `gradient_norm`, `rate` (of new layers), what a
    validation found (`val_...`), and the times: `seconds` an iteration, `clips_per_second` of all processes,
    `data_wait` (share of the time spent waiting for clips), `memory_gb` (peak of the GPU, else of the process).
    """

    def __init__(self, folder: Path, fabric: Fabric) -> None:
        self.path, self.fabric = folder / METRICS, fabric
        self.rows: list[dict[str, float]] = []
        self.open: list[dict[str, Tensor]] = []  # iterations since the last row
        self.waited, self.clips, self.iterations = 0.0, 0, 0
        self.clock = self.written = time.perf_counter()

    def start(self, done: int, window: list[dict[str, Tensor]]) -> None:
        """Keep what an earlier run logged up to iteration `done`, and drop what it did beyond its checkpoint."""
        if done and self.path.is_file():
            try:
                kept = pd.read_parquet(self.path)
            except (OSError, ValueError):  # what remains of a checkpoint is worth more than its curves
                log.warning("%s is damaged, as by a crash of the machine; it begins anew", self.path)
            else:
                self.rows = kept[kept["iteration"] <= done].to_dict("records")
        self.open = window

    def begin(self) -> None:
        """Start the clock of a row that no iteration is in yet: what was set up before is not its time."""
        if not self.iterations:
            self.clock = time.perf_counter()

    def add(self, measures: Mapping[str, Tensor]) -> None:
        """Take the measures of a batch, still on their device."""
        self.open.append({name: value.detach() for name, value in measures.items()})

    def end_iteration(self, gradient_norm: Tensor, clips: int, waited: float) -> None:
        """Take what is known of a whole iteration: clips of all processes, seconds waited for them."""
        self.add({"gradient_norm": gradient_norm})
        self.clips += clips
        self.waited += waited
        self.iterations += 1

    def state(self) -> list[list[dict[str, Tensor]]]:
        """The iterations since the last row, of each process, for the checkpoint; every process must call it."""
        return gathered(self.fabric, [{name: value.cpu() for name, value in each.items()} for each in self.open])

    def row(self, done: int, stage: int, rate: float, found: Mapping[str, float]) -> dict[str, float]:
        """Close a row: means since the last one; every process must call it."""
        now = time.perf_counter()
        seconds = now - self.clock
        row: dict[str, Any] = {"iteration": done, "stage": stage, **self._means(), "rate": rate, **found}
        row |= {"seconds": seconds / max(1, self.iterations), "clips_per_second": self.clips / seconds}
        row |= {"data_wait": self.waited / seconds, "memory_gb": self._memory()}
        self.rows.append(row)
        self.open, self.waited, self.clips, self.iterations, self.clock = [], 0.0, 0, 0, now
        return row

    def write(self, now: bool = True) -> None:
        """Write all rows; not `now`, only if the last time is some seconds ago."""
        if self.rows and self.fabric.is_global_zero and (now or time.perf_counter() - self.written > WRITTEN):
            frame = pd.DataFrame(self.rows)
            with room_for(self.path, self.path.parent):
                write_atomic(self.path, lambda temporary: frame.to_parquet(temporary, index=False))
            self.written = time.perf_counter()

    def _means(self) -> dict[str, float]:
        names = dict.fromkeys(name for measures in self.open for name in measures if name != "judged")
        device = self.fabric.device
        columns = [torch.stack([m[name].float().to(device) for m in self.open if name in m]) for name in names]
        means = torch.stack([column.nanmean() for column in columns])
        reduced = cast(Tensor, self.fabric.all_reduce(means)) if self.fabric.world_size > 1 else means
        told = dict(zip(names, reduced.cpu().tolist(), strict=True))
        return told | self._correlation()

    def _correlation(self) -> dict[str, float]:
        """Rank correlation of predicted and true IoU; empty for a network without a quality head."""
        judged = [m["judged"].to(self.fabric.device) for m in self.open if "judged" in m]
        if not judged:
            return {}
        pairs = torch.cat(gathered(self.fabric, torch.cat(judged).cpu()))
        score, iou = pairs[~pairs.isnan().any(dim=1)].numpy().T
        varied = len(score) > 2 and np.ptp(score) > 0 and np.ptp(iou) > 0
        return {"score_correlation": float(stats.spearmanr(score, iou).statistic) if varied else float("nan")}

    def _memory(self) -> float:
        """GB at the peak so far: of the GPU, else of this process."""
        if self.fabric.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.fabric.device) / 1e9
        unit = 1 if sys.platform == "darwin" else 1024  # bytes or kilobytes
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9
