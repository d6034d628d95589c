"""If only the masks with the best scores are used: how good are those? Risk and coverage.

Geifman and El-Yaniv, "Selective classification for deep neural networks", 2017; risk is 1 - IoU.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd


def risk_coverage(score: np.ndarray, iou: np.ndarray) -> pd.DataFrame:
    """Mean risk 1 - IoU of the best-scored share of the samples, for each share.

    Samples of one score are kept in no order: each counts with their mean risk.

    Parameters
    ----------
    score, iou : ndarray, (N,)
        Predicted and true quality.

    Returns
    -------
    DataFrame
        N rows with columns coverage (1/N .. 1) and risk.
    """
    if not len(score):
        return pd.DataFrame({"coverage": [], "risk": []}, dtype=float)
    levels, index, count = np.unique(-score, return_inverse=True, return_counts=True)
    level_risk = np.bincount(index, weights=1 - iou, minlength=len(levels)) / count
    kept = np.arange(1, len(score) + 1)
    return pd.DataFrame(
        {"coverage": kept / len(score), "risk": np.cumsum(np.repeat(level_risk, count)) / kept}
    )


def aurc(score: np.ndarray, iou: np.ndarray) -> float:
    """Area under the risk-coverage curve: the mean of its N risks; lower is better, NaN of nothing."""
    return float(risk_coverage(score, iou)["risk"].mean())


def excess_aurc(score: np.ndarray, iou: np.ndarray) -> float:
    """`aurc` beyond that of an oracle that sorts by the IoU itself; 0 is perfect."""
    return aurc(score, iou) - aurc(iou, iou)


def gate_confusion(score: np.ndarray, iou: np.ndarray, sigma: float, bad: float = 0.5) -> Mapping[str, float]:
    """What a gate `score > sigma` (Eq. 3, Eq. 4) keeps and what it loses.

    Parameters
    ----------
    score, iou : ndarray, (N,)
        Predicted and true quality; a NaN score is never kept.
    sigma : float
        The gate's threshold, strict.
    bad : float
        A mask below this IoU is bad, any other is good.

    Returns
    -------
    mapping
        kept (share of all that pass), iou_kept and iou_dropped (mean IoU), bad_in_memory (share of the kept
        that are bad), bad_kept (share of the bad that pass), good_lost (share of the good that do not).
        NaN where a share is of nothing.
    """
    kept, poor = score > sigma, iou < bad
    return {
        "kept": _mean(kept),
        "iou_kept": _mean(iou[kept]),
        "iou_dropped": _mean(iou[~kept]),
        "bad_in_memory": _mean(poor[kept]),
        "bad_kept": _mean(kept[poor]),
        "good_lost": _mean(~kept[~poor]),
    }


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")
