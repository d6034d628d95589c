"""Scores that another method predicted, from a CSV: they become a case of the rows, which every figure can judge."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

KEY = ["sequence", "frame", "object_id"]


def read_scores(path: Path) -> pd.DataFrame:
    """Read ``sequence, frame, object_id, score`` and perhaps ``iou``; frames are stems of files ("00005").

    Raises
    ------
    ValueError
        If a column is missing, a mask has two scores, or an IoU is outside 0..1.
    """
    table = pd.read_csv(path, dtype={"sequence": str, "frame": str})
    missing = [name for name in [*KEY, "score"] if name not in table]
    if missing:
        raise ValueError(f"{path} lacks the columns {missing}; it has {list(table.columns)}")
    twice = table[table.duplicated(KEY)]
    if len(twice):
        raise ValueError(f"{path} has {len(twice)} masks with a second score, the first is {_name(twice)}")
    if "iou" in table and len(wrong := table[~table.iou.between(0, 1) & table.iou.notna()]):
        raise ValueError(f"{path}: iou must lie in 0..1, {_name(wrong)} has {wrong.iou.iloc[0]}")
    return table


def with_scores(rows: pd.DataFrame, path: Path, like: str) -> pd.DataFrame:
    """Return the rows with one more case, named as the file: a copy of the case `like` with the scores of a CSV.

    Parameters
    ----------
    rows : DataFrame
        The tidy table (`qpm.rows`).
    path : Path
        See `read_scores`. Without ``iou``, the scores are of the masks of `like`; with it, of masks whose IoU it is.
    like : str
        The case that has the frames, the truth and the attributes; its first seed.

    Returns
    -------
    DataFrame
        In the new case `score_raw` is the CSV's score and `score` that over its value where the object was given;
        where the CSV has no value there, the relative score is missing. Rows without a score do not count.

    Raises
    ------
    ValueError
        If there is no such case, or the CSV has masks that the case has not.
    """
    own = rows[rows.case == like]
    if own.empty:
        raise ValueError(f"no case '{like}' in the rows; cases: {', '.join(dict.fromkeys(rows.case))}")
    own = own[own.seed == own.seed.min()]
    table = read_scores(path)
    joined = own[KEY].merge(table, on=KEY, how="left")
    unknown = table.merge(own[KEY], on=KEY, how="left", indicator=True).query("_merge != 'both'")
    if len(unknown):
        raise ValueError(f"{path} scores {len(unknown)} masks that case '{like}' has not, such as {_name(unknown)}")
    raw = pd.Series(joined.score.to_numpy(np.float64), own.index)
    given = raw.where(own.annotated.astype(bool))
    first = given.groupby([own.dataset, own.sequence, own.object_id]).transform("first")
    new = own.assign(case=path.stem, score_raw=raw, score=raw / first.where(first > 0))
    if "iou" in table:
        iou = joined.iou.to_numpy(np.float64)
        new = new.assign(j=iou, iou_true=iou, scored=new.scored.astype(bool) & ~np.isnan(iou))
    return pd.concat([rows[rows.case != path.stem], new], ignore_index=True)


def _name(table: pd.DataFrame) -> str:
    row = table.iloc[0]
    return f"{row.sequence} frame {row.frame} object {row.object_id}"
