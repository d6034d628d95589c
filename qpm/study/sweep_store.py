"""What a shared sweep has found so far, video by video: a study that was killed goes on where it was.

A folder ``trials/.shared/<key>/`` with `plan.json` (which trials share the sweep) and, for each video by its place in
the dataset, Parquet files with the rows of all trials. Several processes may work on it: each claims a video at a time.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from qpm import rows as tidy
from qpm.files import write_atomic, write_json
from qpm.study import locks

PLAN = "plan.json"
FACTS = b"qpm.sweep"  # in a file's metadata: which trials it holds, with their signals, and what they cost
TRIES = 2  # of a video in one launch; where they all died, its trials are evaluated alone
GROUP = 4096  # rows that are read at once, so that one trial's are found without reading all


class SweepStore:
    """The files of one sweep.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def plan(self, trials: Mapping[str, Mapping[str, Any]]) -> None:
        """Say which trials share the sweep (folder name -> what is its own), and forget tries of earlier launches."""
        write_json(self.folder / PLAN, dict(trials))
        for path in self.folder.glob("*.tries"):
            path.unlink()

    def trials(self) -> dict[str, dict[str, Any]]:
        """Folder name of each trial that shares the sweep -> what is its own."""
        return dict(json.loads((self.folder / PLAN).read_text(encoding="utf-8")))

    @property
    def is_begun(self) -> bool:
        """Whether rows of some video are there."""
        return any(self.folder.glob("*.parquet"))

    @contextmanager
    def claim(self, place: int, wait: bool = False) -> Iterator[bool]:
        """Have a video to oneself in a with block; False if another process has it and `wait` is not set."""
        with ExitStack() as stack:
            try:
                path = self.folder / f"{place:05d}.lock"
                stack.enter_context(locks.hold(path, f"video {place} of a sweep", wait))
                mine = True
            except locks.Locked:
                mine = False
            yield mine

    def is_claimed(self, place: int) -> bool:
        """Whether a process is at work on a video."""
        return locks.owner(self.folder / f"{place:05d}.lock") is not None

    def holds(self, place: int) -> set[str]:
        """The trials for which the sweep is done with a video."""
        return {name for path in self._files(place) for name in _facts(path)["trials"]}

    def rows(self, place: int, trial: str) -> pd.DataFrame | None:
        """The rows of a video for one trial, as it would have them alone; None if they are not there."""
        for path in self._files(place):
            signals = _facts(path)["trials"].get(trial)
            if signals is not None:
                table = pd.read_parquet(path, filters=[("trial", "==", trial)])
                return tidy.check(table[[*tidy.COLUMNS, *signals]])
        return None

    def write(
        self, place: int, rows: pd.DataFrame, trials: Mapping[str, Sequence[str] | None], cost: Mapping[str, int]
    ) -> None:
        """Add the rows of a video.

        Parameters
        ----------
        rows : DataFrame
            The tidy table of all trials, one after the other.
        trials : mapping
            Folder name -> the trial's signals beyond the fixed columns; None for a trial that has to run alone.
        cost : mapping
            Frames through the network, as `cost` gives them.
        """
        arrow = pa.Table.from_pandas(rows, preserve_index=False)
        facts = json.dumps({"trials": dict(trials), "cost": dict(cost)}).encode()
        arrow = arrow.replace_schema_metadata({**(arrow.schema.metadata or {}), FACTS: facts})
        digest = hashlib.sha256(json.dumps(sorted(trials)).encode()).hexdigest()[:12]
        path = self.folder / f"{place:05d}-{digest}.parquet"
        write_atomic(path, lambda partial: pq.write_table(arrow, partial, row_group_size=GROUP))

    def may_try(self, place: int) -> bool:
        """Whether the video has not been given up in this launch."""
        path = self._tries(place)
        return not path.exists() or path.stat().st_size < TRIES

    def begin(self, place: int) -> None:
        """Note that work on a video begins: who dies over it leaves that behind."""
        with open(self._tries(place), "ab") as file:
            file.write(b".")

    def give_up(self, place: int) -> None:
        """Let the trials be evaluated alone on this video."""
        self._tries(place).write_bytes(b"." * TRIES)

    def cost(self) -> dict[str, int]:
        """Frames through the network so far: ``encoded``, ``segmented``, and ``alone`` for independent trials."""
        costs = [_facts(path)["cost"] for path in sorted(self.folder.glob("*.parquet"))]
        return {name: sum(cost[name] for cost in costs) for name in ("encoded", "segmented", "alone")}

    def clear(self) -> None:
        """Remove everything but the plan: the trials have their rows."""
        for path in self.folder.iterdir():
            if path.name != PLAN:
                path.unlink()

    def _files(self, place: int) -> Sequence[Path]:
        return sorted(self.folder.glob(f"{place:05d}-*.parquet"))

    def _tries(self, place: int) -> Path:
        return self.folder / f"{place:05d}.tries"


def _facts(path: Path) -> dict[str, Any]:
    return dict(json.loads(pq.read_schema(path).metadata[FACTS]))
