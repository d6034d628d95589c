"""Is one folder of masks better than another? The same statistics as between the cases of a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from qpm.metrics import statistics
from qpm.metrics.scorer.folder import score_folder
from qpm.metrics.scorer.profiles import find_profile
from qpm.metrics.scorer.refusal import Refusal
from qpm.metrics.scorer.report import ScoreReport, plain
from qpm.metrics.scorer.store import open_store, store_name


@dataclass(frozen=True)
class Comparison:
    """Several result folders against one of them.

    Attributes
    ----------
    baseline : str
        Name of the folder that the others are compared with.
    reports : mapping
        Name -> scores of each folder, the baseline first.
    table : DataFrame
        A row per other folder: the fields of `qpm.metrics.statistics.PairedDifference` and p_holm.
    videos : mapping
        Name of each other folder -> its videos, those that differ most first.
    """

    baseline: str
    reports: Mapping[str, ScoreReport]
    table: pd.DataFrame
    videos: Mapping[str, pd.DataFrame]

    def furthest(self, name: str, count: int = 5) -> list[dict[str, str]]:
        """The sequences on which a folder differs most from the baseline, with both scores, for reading."""
        differing = self.videos[name].query("difference != 0").head(count)
        return [
            {
                "differs most": f"{name} - {self.baseline}",
                "sequence": row["sequence"],
                name: f"{row['case']:.4f}",
                self.baseline: f"{row['baseline']:.4f}",
                "difference": f"{row['difference']:+.4f}",
            }
            for row in differing.to_dict("records")
        ]

    def to_json(self) -> dict[str, Any]:
        """Everything as plain values; what is undefined (NaN) is None."""
        return plain(
            {
                "baseline": self.baseline,
                "scores": {name: report.scores for name, report in self.reports.items()},
                "differences": self.table.to_dict("records"),
                "sequences": {name: table.to_dict("records") for name, table in self.videos.items()},
            }
        )


def compare_folders(
    gt: Path, folders: Sequence[Path], protocol: str, *, metric: str | None = None, **settings: Any
) -> Comparison:
    """Compare result folders with the first of them, paired by sequence and object.

    Parameters
    ----------
    gt : Path
        Truth, see `score_folder`.
    folders : sequence of Path
        At least two folders or zips; the first is the baseline.
    protocol : str
        See `score_folder`.
    metric : str, optional
        "J&F", "J", "F" or "G"; default G where seen and unseen categories are scored, else J&F.
    **settings
        Passed to `score_folder`; with ``subset=True`` all folders must hold the same subset.

    Raises
    ------
    Refusal
        If the folders do not cover the same sequences, or `score_folder` refuses one of them.
    ValueError
        If there are fewer than two folders.
    """
    if len(folders) < 2:
        raise ValueError(f"comparing needs two folders or more, got {[str(folder) for folder in folders]}")
    _check_same_sequences(folders, find_profile(protocol).depth)
    names = _names(folders)
    reports = {
        name: score_folder(gt, folder, protocol, **settings)
        for name, folder in zip(names, folders, strict=True)
    }
    rows = pd.concat([report.rows.assign(case=name) for name, report in reports.items()], ignore_index=True)
    table = statistics.compare(rows, names[0], metric)
    return Comparison(
        baseline=names[0],
        reports=reports,
        table=table,
        videos={
            name: statistics.video_differences(rows, name, names[0], table["metric"].iloc[0])
            for name in names[1:]
        },
    )


def _check_same_sequences(folders: Sequence[Path], depth: int) -> None:
    held = {Path(folder): set(open_store(folder, depth).folders) for folder in folders}
    everywhere = set.intersection(*held.values())
    faults = [
        f"{folder}: sequence '{name}' is not in every folder"
        for folder, names in held.items()
        for name in sorted(names - everywhere)
    ]
    if faults:
        raise Refusal(faults)


def _names(folders: Sequence[Path]) -> list[str]:
    """Short names of the folders; whole paths where short ones coincide."""
    short = [store_name(folder) for folder in folders]
    return short if len(set(short)) == len(short) else [str(folder) for folder in folders]
