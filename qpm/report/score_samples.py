"""The samples behind every figure about the score: one object on one frame, a score of some kind, the true IoU."""

from __future__ import annotations

import pandas as pd

from qpm.metrics import calibration
from qpm.report.load import NotMeasuredError

KINDS = {"score_raw": "raw", "score": "relative", "recalibrated": "recalibrated"}
COLOURS = {"score_raw": "#de8f05", "score": "#0173b2", "recalibrated": "#029e73"}
MARKERS = {"score_raw": "s", "score": "o", "recalibrated": "^"}
USED = ["case", "dataset", "sequence", "object_id", "seed", "frame_index", "annotated", "scored", "present", "area",
        "attributes", "j", "score", "score_raw"]  # columns, of the rows that samples are made of
STEPS = ["dataset", "sequence", "object_id", "seed"]  # an object's life in one trial


def samples(rows: pd.DataFrame, case: str, kind: str, empty_union: bool = True) -> pd.DataFrame:
    """Return the samples of a case: every scored object and frame whose mask was not given.

    Parameters
    ----------
    rows : DataFrame
        The tidy table (`qpm.rows`).
    case : str
    kind : "score_raw", "score" or "recalibrated"
        As predicted; relative to the frame where the object was given; or the IoU that isotonic regression on the
        *other* videos expects of the relative score (of the raw score where there is no relative one).
    empty_union : bool
        False leaves out frames where neither truth nor prediction holds the object: their IoU is 1 by rule.

    Returns
    -------
    DataFrame
        ``video score iou area since attributes present``: `since` counts frames since the object was given.
    """
    own = rows.loc[rows.case == case, [name for name in USED if name in rows]]
    if kind == "recalibrated":
        return _recalibrated(own, empty_union)
    own = own.assign(since=since_given(own), **{name: own.get(name) for name in ("area", "attributes", "present")})
    return calibration.samples(own, kind, empty_union, also=("area", "since", "attributes", "present"))


def kinds(rows: pd.DataFrame, case: str) -> tuple[str, ...]:
    """Return the kinds of score that a case has; recalibration takes two videos."""
    return tuple(kind for kind in KINDS if len(samples(rows, case, kind)))


def gated_kind(rows: pd.DataFrame, case: str) -> str:
    """Return the kind that a gate compares with its threshold: the relative score, or the raw one where it is alone.

    Raises
    ------
    NotMeasuredError
        If the case has no predicted score.
    """
    for kind in ("score", "score_raw"):
        if len(samples(rows, case, kind)):
            return kind
    raise NotMeasuredError(f"case '{case}' has no predicted score, so there is nothing to calibrate")


def since_given(rows: pd.DataFrame) -> pd.Series:
    """Return how many frames ago each row's object was given first; from its first row where no row says so."""
    keys = [name for name in STEPS if name in rows]
    given = rows.frame_index.where(rows.annotated.astype(bool))
    first = given.groupby([rows[name] for name in keys]).transform("min")
    fallback = rows.groupby(keys).frame_index.transform("min")
    return rows.frame_index - first.fillna(fallback).astype("int64")


def _recalibrated(own: pd.DataFrame, empty_union: bool) -> pd.DataFrame:
    name = str(own.case.iloc[0]) if len(own) else ""
    relative = samples(own, name, "score", empty_union)
    base = relative if len(relative) else samples(own, name, "score_raw", empty_union)
    expected = calibration.recalibrate(base.score.to_numpy(), base.iou.to_numpy(), base.video.to_numpy())
    return base.assign(score=expected).dropna(subset="score").reset_index(drop=True)
