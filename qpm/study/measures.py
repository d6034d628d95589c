"""The few numbers that stand for a trial in a list: from its rows, or from a training's log."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

HISTORY = "metrics.parquet"  # a training's measures, one row an iteration


def measures(folder: Path) -> dict[str, float]:
    """J&F and its parts, seen and unseen where they exist, seconds a frame; or the end of a training's log.

    NaN is left out. A folder that holds neither gives an empty dictionary.
    """
    if (folder / "rows.parquet").is_file():
        numbers = _scores(folder / "rows.parquet")
    else:
        numbers = {name: value for step in history(folder)[-1:] for name, value in step.items()}
    return {name: float(value) for name, value in numbers.items() if value == value}


def history(folder: Path, after: int = -1) -> list[dict[str, float]]:
    """A training's measures after an iteration, one dictionary an iteration, the iteration as "step"."""
    path = folder / HISTORY
    if not path.is_file():
        return []
    table = pd.read_parquet(path).rename(columns={"iteration": "step"})
    return [{str(name): value for name, value in row.items()} for row in table[table.step > after].to_dict("records")]


def per_sequence(folder: Path) -> pd.DataFrame | None:
    """Mean J, F and J&F of each video, with its objects and the frames that count; None if the folder has no rows."""
    if not (folder / "rows.parquet").is_file():
        return None
    from qpm.rows import read_rows

    rows = read_rows(folder / "rows.parquet")
    scored = rows[rows.scored].groupby("sequence")
    table = scored.agg(
        objects=("object_id", "nunique"), frames=("frame_index", "nunique"), J=("j", "mean"), F=("f", "mean")
    )
    return table.assign(**{"J&F": (table.J + table.F) / 2}).reset_index()


def _scores(path: Path) -> dict[str, float]:
    from qpm.metrics import summary
    from qpm.rows import read_rows

    rows = read_rows(path)
    numbers = summary.davis(rows)
    if summary.has_seen_and_unseen(rows):
        numbers |= summary.youtube(rows)
    frames = rows.drop_duplicates(["sequence", "frame_index"])
    return numbers | {"seconds_per_frame": float(frames.seconds.mean())}
