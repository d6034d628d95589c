"""Scores of a trial from its rows: per object, for a whole set, per attribute.

Every object weighs the same, however many share a video; frames of an object are averaged first.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

Decay = Literal["fixed", "compatible"]

TRIAL = ["study", "case", "trial", "seed"]
OBJECT = ["dataset", "sequence", "object_id"]
DAVIS_NAMES = ("J_mean", "J_recall", "J_decay", "F_mean", "F_recall", "F_decay")
MEASURES = [name.lower() for name in DAVIS_NAMES]


def recall(values: np.ndarray) -> float:
    """Share of the scored frames above 0.5, strictly."""
    return float(np.mean(values > 0.5))


def decay(values: np.ndarray, mode: Decay = "fixed") -> float:
    """Mean of the first quarter of the scored frames minus that of the last; positive = gets worse.

    Neighbouring quarters share a frame, as in every DAVIS evaluator.

    Parameters
    ----------
    values : ndarray, (frames,)
        A measure on the scored frames, in order.
    mode : {"fixed", "compatible"}
        The public Python evaluators keep the quarters' bounds in 8 bits, which gives NaN or a wrong number
        from 257 scored frames on; "compatible" repeats that, "fixed" does not.
    """
    bounds = np.floor(1 + np.arange(5) * (len(values) - 1) / 4 + 0.5).astype(np.int64) - 1
    if mode == "compatible":
        bounds %= 256
    first, last = values[bounds[0] : bounds[1] + 1], values[bounds[3] : bounds[4] + 1]
    return float(first.mean() - last.mean()) if len(last) else float("nan")


def objects(rows: pd.DataFrame, decay_mode: Decay = "fixed") -> pd.DataFrame:
    """One row per object of each trial with mean, recall and decay of J and F over its scored frames.

    Parameters
    ----------
    rows : DataFrame
        See `qpm.rows`; rows that are not scored are left out.
    decay_mode : {"fixed", "compatible"}
        See `decay`.

    Returns
    -------
    DataFrame
        Columns study case trial seed dataset sequence object_id category seen attributes, `MEASURES`, and
        frames, the number of scored frames. Objects without a scored frame do not appear.
    """
    keys = [name for name in TRIAL + OBJECT if name in rows]
    carried = [name for name in ("category", "seen", "attributes") if name in rows]
    scored = rows.loc[rows["scored"].astype(bool), [*keys, *carried, "frame_index", "j", "f"]]
    scored = scored.sort_values("frame_index", kind="stable")
    owner = scored.groupby(keys, sort=True).ngroup().to_numpy()
    scored = scored.iloc[np.argsort(owner, kind="stable")]  # object by object, the frames of each in order
    ends = np.cumsum(np.bincount(owner)) if len(owner) else np.array([], dtype=np.int64)
    frames = np.diff(ends, prepend=0)
    table = scored[[*keys, *carried]].iloc[ends - frames].reset_index(drop=True)
    for measure in ("j", "f"):
        values = np.split(scored[measure].to_numpy(dtype=np.float64), ends[:-1])[: len(ends)]
        table[f"{measure}_mean"] = np.array([each.mean() for each in values])
        table[f"{measure}_recall"] = np.array([recall(each) for each in values])
        table[f"{measure}_decay"] = np.array([decay(each, decay_mode) for each in values])
    return table.assign(frames=frames)


def davis(rows: pd.DataFrame, decay_mode: Decay = "fixed") -> dict[str, float]:
    """The DAVIS table of one case: J&F, then mean, recall and decay of J and F (0..1), over objects.

    Several seeds of the case are averaged. NaN throughout if nothing is scored.

    Raises
    ------
    ValueError
        If the rows hold more than one case.
    """
    table = objects(_one_case(rows), decay_mode)
    means = {name: _mean(table[name.lower()]) for name in DAVIS_NAMES}
    return {"J&F": (means["J_mean"] + means["F_mean"]) / 2} | means


def youtube(rows: pd.DataFrame) -> dict[str, float]:
    """The YouTube-VOS table of one case: J and F over seen and over unseen categories, and their mean.

    Objects of unknown category count in neither. A column without objects is NaN, and so is `overall` then.

    Raises
    ------
    ValueError
        If the rows hold more than one case.
    """
    return youtube_means(objects(_one_case(rows)))


def youtube_means(table: pd.DataFrame) -> dict[str, float]:
    """`youtube` of one case from its `objects`."""
    seen = _seen(table)
    scores = {
        f"{measure}_{kind}": _mean(table.loc[(seen == flag).fillna(False), f"{measure.lower()}_mean"])
        for measure in ("J", "F")
        for kind, flag in (("seen", True), ("unseen", False))
    }
    return {"overall": float(np.mean(list(scores.values())))} | scores


def overall(rows: pd.DataFrame) -> tuple[str, float]:
    """The one number of a case and its name: G where both seen and unseen categories are scored, else J&F."""
    if has_seen_and_unseen(rows):
        return "G", youtube(rows)["overall"]
    return "J&F", davis(rows)["J&F"]


def score(table: pd.DataFrame, metric: str) -> float:
    """J&F (as `davis`) or G (as `youtube`) of one case, from its `objects`."""
    return youtube_means(table)["overall"] if metric == "G" else (_mean(table.j_mean) + _mean(table.f_mean)) / 2


def metric_name(rows: pd.DataFrame) -> str:
    """"G" where both seen and unseen categories are scored, else "J&F"."""
    return "G" if has_seen_and_unseen(rows) else "J&F"


def has_seen_and_unseen(rows: pd.DataFrame) -> bool:
    """Whether scored objects of both seen and unseen categories are there, so that G is defined."""
    return _seen(rows[rows["scored"].astype(bool)]).nunique() == 2


def has_empty_union(rows: pd.DataFrame) -> pd.Series:
    """Whether neither truth nor prediction holds the object: J is 1 although the truth has nothing.

    False where it is not known whether the truth holds the object.
    """
    if "present" not in rows:
        return pd.Series(False, index=rows.index)
    absent = (~rows["present"].astype("boolean")).fillna(False).astype(bool)
    return absent & (rows["j"] == 1)


def per_attribute(rows: pd.DataFrame) -> pd.DataFrame:
    """J&F of each case on the videos of each attribute; a video with two attributes counts in both.

    Returns
    -------
    DataFrame
        Columns case (where the rows have it), attribute, videos, objects, J&F, J_mean, F_mean.
    """
    table = objects(rows)
    table["attribute"] = table["attributes"].str.split(";")
    table = table.explode("attribute")
    table = table[table["attribute"].fillna("") != ""]
    keys = [name for name in ("case", "attribute") if name in table]
    groups = table.groupby(keys, sort=True)
    summary = groups.agg(
        videos=("sequence", "nunique"), J_mean=("j_mean", "mean"), F_mean=("f_mean", "mean")
    ).reset_index()
    unique = table.drop_duplicates([*keys, *(name for name in OBJECT if name in table)])
    summary["objects"] = unique.groupby(keys, sort=True).size().to_numpy()
    summary["J&F"] = (summary.J_mean + summary.F_mean) / 2
    return summary[[*keys, "videos", "objects", "J&F", "J_mean", "F_mean"]]


def _seen(table: pd.DataFrame) -> pd.Series:
    """Whether each row's category is seen; NA where that is unknown."""
    if "seen" not in table:
        return pd.Series(pd.NA, index=table.index, dtype="boolean")
    return table["seen"].astype("boolean")


def _mean(values: pd.Series) -> float:
    """Plain mean; NaN of nothing, and NaN where one value is NaN: a gap is shown, not skipped."""
    return float(values.to_numpy(dtype=np.float64).mean()) if len(values) else float("nan")


def _one_case(rows: pd.DataFrame) -> pd.DataFrame:
    cases = sorted(rows["case"].unique()) if "case" in rows else []
    if len(cases) > 1:
        raise ValueError(f"rows hold {len(cases)} cases, choose one: {cases}")
    return rows
