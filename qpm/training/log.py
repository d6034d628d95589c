"""The measures of a training, one row an iteration, in `metrics.parquet` beside the checkpoint."""

import time
from pathlib import Path

import pandas as pd

from qpm.files import write_atomic

METRICS = "metrics.parquet"


class TrainLog:
    """Collects rows in memory; `write` puts them on disk whole, `flush` averages those since the last call."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / METRICS
        self.rows: list[dict[str, float]] = []
        self.flushed = 0

    def start(self, iteration: int) -> None:
        """Keep what an earlier run logged up to `iteration`, and drop what it did beyond its checkpoint."""
        if iteration and self.path.is_file():
            kept = pd.read_parquet(self.path)
            self.rows = kept[kept["iteration"] < iteration].to_dict("records")
        self.flushed, self.clock = len(self.rows), time.perf_counter()

    def add(self, iteration: int, measures: dict[str, float]) -> None:
        """Append one iteration's measures."""
        self.rows.append({"iteration": iteration, **measures})

    def flush(self, waited: float) -> dict[str, float]:
        """Means since the last flush, with seconds an iteration and the seconds spent waiting for data so far."""
        recent = pd.DataFrame(self.rows[self.flushed :]).drop(columns="iteration").mean()
        now = time.perf_counter()
        seconds = (now - self.clock) / max(1, len(self.rows) - self.flushed)
        self.flushed, self.clock = len(self.rows), now
        return {**recent.to_dict(), "seconds": seconds, "waited": waited}

    def write(self) -> None:
        """Write all rows."""
        frame = pd.DataFrame(self.rows)
        write_atomic(self.path, lambda temporary: frame.to_parquet(temporary, index=False))
