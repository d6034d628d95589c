"""The tidy table: one row per object and frame of a trial. Every table and figure is a projection of it.

Columns with a name that is not in `COLUMNS` are signals (numbers per object and frame, such as
``temporal_iou``); they are kept as float64.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from qpm.files import write_atomic


class Column(NamedTuple):
    """Storage type, value where a writer leaves it out (REQUIRED: it may not), and meaning with unit."""

    dtype: str
    default: Any
    meaning: str


REQUIRED = object()

COLUMNS: dict[str, Column] = {
    "study": Column("str", "", "name of the study"),
    "case": Column("str", "", "name of the setting that is compared"),
    "trial": Column("str", "", "identity of the trial: case and hash"),
    "seed": Column("int64", 0, "seed of the trial"),
    "dataset": Column("str", "", "name of the dataset"),
    "sequence": Column("str", REQUIRED, "name of the video"),
    "object_id": Column("int64", REQUIRED, "pixel value of the object in the label maps"),
    "category": Column("str", "", "category of the object; empty = unknown"),
    "seen": Column("boolean", pd.NA, "whether training held the category; NA = unknown"),
    "attributes": Column("str", "", "challenges of the video, joined by ';'"),
    "frame": Column("str", REQUIRED, "stem of the frame's file"),
    "frame_index": Column("int64", REQUIRED, "position of the frame in the video, from 0"),
    "annotated": Column("bool", False, "the object's mask was given on this frame"),
    "scored": Column("bool", REQUIRED, "the protocol counts this object on this frame"),
    "present": Column("boolean", pd.NA, "the truth holds the object on this frame; NA = no truth"),
    "area": Column("float64", np.nan, "share of the frame that the truth gives the object, 0..1; NaN = no truth"),
    "j": Column("float64", REQUIRED, "region similarity, 0..1; NaN where there is no truth"),
    "f": Column("float64", REQUIRED, "boundary measure, 0..1; NaN where there is no truth"),
    "score_raw": Column("float64", np.nan, "predicted mask quality A(m_t), Eq. 2"),
    "score": Column("float64", np.nan, "predicted quality relative to the given frame, which is 1"),
    "iou_true": Column("float64", np.nan, "IoU with the truth, 0..1, on every frame that has truth"),
    "memorized": Column("str", "", "shelves that kept the frame, joined by ';'; empty = none"),
    "prior_frame": Column("Int64", pd.NA, "index of the frame whose mask was the prior; NA = none"),
    "bank_frames": Column("Int64", pd.NA, "number of frames in memory that were read"),
    "bank_bytes": Column("Int64", pd.NA, "size of the keys and values in memory that were read"),
    "peak_bytes": Column("Int64", pd.NA, "most that the frame allocated on a GPU at once; NA = not measured"),
    "seconds": Column("float64", np.nan, "time of the frame, the same on each of its objects' rows"),
}

KEY = ("study", "case", "trial", "seed", "dataset", "sequence", "object_id", "frame")

NOT_LONG_TERM = ("annotated", "previous")  # every policy holds these; what a keep rule decides is the rest


def is_kept(shelves: Iterable[str]) -> bool:
    """Whether a frame entered a shelf by decision: "previous" and "long" did, "previous" alone did not."""
    return any(shelf and shelf not in NOT_LONG_TERM for shelf in shelves)


def signals(rows: pd.DataFrame) -> list[str]:
    """Names of the columns that are signals beyond the fixed ones, in the order they have."""
    return [name for name in rows.columns if name not in COLUMNS]


def check(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with every column, in order and with its type.

    Parameters
    ----------
    rows : DataFrame
        One row per object and frame; columns that have a default may be left out.

    Raises
    ------
    ValueError
        If a required column is missing, a value does not fit its column, an object appears twice on a
        frame, or a scored row has no measure.
    """
    missing = [name for name, column in COLUMNS.items() if column.default is REQUIRED and name not in rows]
    if missing:
        raise ValueError(f"rows lack the columns {missing}; they have {list(rows.columns)}")
    typed = {name: _typed(rows, name, column) for name, column in COLUMNS.items()}
    typed |= {name: _typed(rows, name, Column("float64", np.nan, "signal")) for name in signals(rows)}
    table = pd.DataFrame(typed).reset_index(drop=True)
    _check_measures(table)
    _check_unique(table)
    return table


def write_rows(path: Path, rows: pd.DataFrame) -> None:
    """Check the rows and write them as one Parquet file, whole or not at all."""
    table = check(rows)
    write_atomic(Path(path), lambda temporary: table.to_parquet(temporary, index=False))


def read_rows(*paths: Path) -> pd.DataFrame:
    """Read the rows that `write_rows` wrote, of several files one after the other.

    Raises
    ------
    ValueError
        If a file is no such table; the message names it.
    """
    tables = [pd.read_parquet(path) for path in paths]
    if len({tuple(table.columns) for table in tables}) == 1:  # else a column that one lacks would be filled as unknown
        with contextlib.suppress(ValueError):
            return check(pd.concat(tables, ignore_index=True))
    checked = [_checked(path, table) for path, table in zip(paths, tables, strict=True)]
    return pd.concat(checked, ignore_index=True)


def _checked(path: Path, table: pd.DataFrame) -> pd.DataFrame:
    try:
        return check(table)
    except ValueError as error:
        raise ValueError(f"{path} is not a table of rows: {error}") from error


def _typed(rows: pd.DataFrame, name: str, column: Column) -> pd.Series:
    if name not in rows:
        return pd.Series(column.default, index=rows.index, dtype=column.dtype)
    values = rows[name]
    try:
        if column.dtype == "str":  # a missing text is the empty text, so that comparisons never meet NaN
            texts = values if values.dtype == "str" else values.astype(object).where(values.notna(), "").astype("str")
            return texts.fillna("")
        return values.astype(pd.api.types.pandas_dtype(column.dtype))
    except (TypeError, ValueError) as error:
        raise ValueError(f"column '{name}' must hold {column.dtype} ({column.meaning}): {error}") from error


def _check_measures(table: pd.DataFrame) -> None:
    for name in ("j", "f", "iou_true"):
        wrong = table[(table[name] < 0) | (table[name] > 1)]
        if len(wrong):
            raise ValueError(f"{name} must lie in 0..1, {_where(wrong)} has {wrong[name].iloc[0]}")
    unmeasured = table[table.scored & (table.j.isna() | table.f.isna())]
    if len(unmeasured):
        raise ValueError(f"{_where(unmeasured)} is scored but has no measure")


def _check_unique(table: pd.DataFrame) -> None:
    twice = table[table.duplicated(list(KEY))]
    if len(twice):
        raise ValueError(f"{_where(twice)} appears twice in one trial ({len(twice)} such rows)")


def _where(table: pd.DataFrame) -> str:
    row = table.iloc[0]
    return f"{row.sequence} object {row.object_id} frame {row.frame}"
