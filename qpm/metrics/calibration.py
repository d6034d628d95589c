"""How well the predicted mask quality tells the true one.

The unit is one object on one frame: its score, and the IoU of its mask with the truth. Annotated frames are
left out, since their mask is given.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.metrics import average_precision_score

from qpm.metrics.reliability import calibration_error, recalibrate, reliability, reliability_band
from qpm.metrics.selective import aurc, excess_aurc, gate_confusion, risk_coverage
from qpm.metrics.summary import has_empty_union

__all__ = [
    "SCORES",
    "aurc",
    "auroc",
    "average_precision",
    "calibration_error",
    "calibration_table",
    "excess_aurc",
    "gate_confusion",
    "pearson",
    "per_video",
    "recalibrate",
    "reliability",
    "reliability_band",
    "risk_coverage",
    "samples",
    "spearman",
]

SCORES = ("score_raw", "score")
"""The quality as predicted (Eq. 2), and relative to the frame where the mask was given."""

Measure = Callable[[np.ndarray, np.ndarray], float]


def spearman(score: np.ndarray, iou: np.ndarray) -> float:
    """Rank correlation of two (N,) arrays, all samples pooled; NaN if either is constant."""
    return float(stats.spearmanr(score, iou).statistic) if _varies(score) and _varies(iou) else float("nan")


def pearson(score: np.ndarray, iou: np.ndarray) -> float:
    """Linear correlation of two (N,) arrays, all samples pooled; NaN if either is constant."""
    return float(stats.pearsonr(score, iou).statistic) if _varies(score) and _varies(iou) else float("nan")


def auroc(score: np.ndarray, iou: np.ndarray, tau: float = 0.5) -> float:
    """Chance that a failed mask (IoU below `tau`) scores lower than a good one; NaN without both kinds."""
    failed = iou < tau
    if not _varies(failed):
        return float("nan")
    bad, good = int(failed.sum()), int((~failed).sum())
    return float((stats.rankdata(-score)[failed].sum() / bad - (bad + 1) / 2) / good)  # Mann and Whitney's U


def average_precision(score: np.ndarray, iou: np.ndarray, tau: float = 0.5) -> float:
    """Average precision of finding failed masks (IoU below `tau`) by low scores; NaN without both kinds.

    To be read beside the share of failed masks, which a random score would reach.
    """
    failed = iou < tau
    return float(average_precision_score(failed, -score)) if _varies(failed) else float("nan")


def per_video(measure: Measure, score: np.ndarray, iou: np.ndarray, video: np.ndarray) -> float:
    """Mean of a measure over the videos, each taken alone; videos where it is undefined are left out."""
    if not len(video):
        return float("nan")
    owner = pd.factorize(video, sort=True)[0]
    order = np.argsort(owner, kind="stable")
    ends = np.cumsum(np.bincount(owner))[:-1]
    parts = zip(np.split(score[order], ends), np.split(iou[order], ends), strict=True)
    values = [measure(own_score, own_iou) for own_score, own_iou in parts]
    defined = [value for value in values if np.isfinite(value)]
    return float(np.mean(defined)) if defined else float("nan")


def samples(
    rows: pd.DataFrame, score: str = "score", empty_union: bool = True, also: Sequence[str] = ()
) -> pd.DataFrame:
    """The rows that count for the quality of a score, with columns video, score and iou.

    Parameters
    ----------
    rows : DataFrame
        See `qpm.rows`. Scored rows that are not annotated and have the score count; the IoU is their J.
    score : str
        Name of the score's column.
    empty_union : bool
        False leaves out frames where neither truth nor prediction holds the object: their IoU is 1 by rule.
    also : sequence of str
        Further columns of the rows to carry along.

    Raises
    ------
    ValueError
        If there is no such column.
    """
    if score not in rows:
        raise ValueError(f"rows have no score '{score}'; columns: {list(rows.columns)}")
    counts = rows["scored"].astype(bool) & ~rows["annotated"].astype(bool) & rows[score].notna()
    if not empty_union:
        counts &= ~has_empty_union(rows)
    chosen = rows[counts]
    return pd.DataFrame(
        {
            "video": chosen["dataset"].astype(str) + "/" + chosen["sequence"].astype(str),
            "score": chosen[score].astype(np.float64),
            "iou": chosen["j"].astype(np.float64),
        }
        | {name: chosen[name] for name in also}
    ).reset_index(drop=True)


def calibration_table(rows: pd.DataFrame, scores: Sequence[str] = SCORES, tau: float = 0.5) -> pd.DataFrame:
    """Quality of each score, for each case, with and without frames of an empty union.

    Parameters
    ----------
    rows : DataFrame
        See `qpm.rows`.
    scores : sequence of str
        Columns to judge; one that has no value in a case is left out there.
    tau : float
        IoU below which a mask has failed.

    Returns
    -------
    DataFrame
        Columns case, score, empty_union (bool), n, videos; spearman, pearson, auroc, average_precision
        (pooled) and spearman_video, pearson_video, auroc_video (per video, then averaged); failed (share of
        failed masks); mae, bias (score - IoU), ece; mae_recalibrated, ece_recalibrated (isotonic, fitted on
        the other videos); aurc, excess_aurc. NaN where a measure is undefined.
    """
    records = []
    for case, group in rows.groupby("case", sort=True):
        for score in scores:
            for empty_union in (True, False):
                table = samples(group, score, empty_union)
                if len(table):
                    record = {"case": case, "score": score, "empty_union": empty_union}
                    records.append(record | _judge(table, tau))
    return pd.DataFrame(records)


def _judge(table: pd.DataFrame, tau: float) -> dict[str, float]:
    score, iou, video = (table[name].to_numpy() for name in ("score", "iou", "video"))
    expected = recalibrate(score, iou, video)
    known = np.isfinite(expected)

    def detection(score: np.ndarray, iou: np.ndarray) -> float:
        return auroc(score, iou, tau)

    return {
        "n": len(table),
        "videos": table["video"].nunique(),
        "spearman": spearman(score, iou),
        "spearman_video": per_video(spearman, score, iou, video),
        "pearson": pearson(score, iou),
        "pearson_video": per_video(pearson, score, iou, video),
        "auroc": auroc(score, iou, tau),
        "auroc_video": per_video(detection, score, iou, video),
        "average_precision": average_precision(score, iou, tau),
        "failed": float((iou < tau).mean()),
        "mae": float(np.abs(score - iou).mean()),
        "bias": float((score - iou).mean()),
        "ece": calibration_error(score, iou),
        "mae_recalibrated": float(np.abs(expected - iou).mean()),
        "ece_recalibrated": calibration_error(expected[known], iou[known]),
        "aurc": aurc(score, iou),
        "excess_aurc": excess_aurc(score, iou),
    }


def _varies(values: np.ndarray) -> bool:
    return len(values) > 1 and bool(np.any(values != values[0]))
