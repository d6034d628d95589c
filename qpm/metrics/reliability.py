"""Does a score of 0.8 mean an IoU of 0.8? Reliability bins, calibration error and recalibration."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from sklearn.isotonic import IsotonicRegression


def reliability(
    score: np.ndarray, iou: np.ndarray, bins: int = 10, by: Literal["width", "count"] = "width"
) -> pd.DataFrame:
    """Mean score and mean IoU in bins of the score: the points of a reliability diagram.

    Parameters
    ----------
    score, iou : ndarray, (N,)
        Predicted and true quality; a score outside 0..1 (a relative one can be) counts in the outer bin.
    bins : int
        Number of bins.
    by : {"width", "count"}
        Bins of one width on 0..1, or quantiles of the score (fewer where quantiles coincide).

    Returns
    -------
    DataFrame
        Columns low, high (the bin's bounds), count, score, iou (means; NaN in an empty bin).
    """
    inner = np.linspace(0, 1, bins + 1) if by == "width" else _quantiles(score, bins)
    index = np.clip(np.searchsorted(inner, score, side="right") - 1, 0, len(inner) - 2)
    count = np.bincount(index, minlength=len(inner) - 1)
    filled = np.where(count > 0, count, np.nan)
    return pd.DataFrame(
        {
            "low": inner[:-1],
            "high": inner[1:],
            "count": count,
            "score": np.bincount(index, weights=score, minlength=len(count)) / filled,
            "iou": np.bincount(index, weights=iou, minlength=len(count)) / filled,
        }
    )


def calibration_error(
    score: np.ndarray, iou: np.ndarray, bins: int = 10, by: Literal["width", "count"] = "width"
) -> float:
    """Expected calibration error: |mean score - mean IoU| of each bin, averaged over the samples."""
    table = reliability(score, iou, bins, by)
    gap = (table["score"] - table["iou"]).abs().fillna(0)
    return float((gap * table["count"]).sum() / table["count"].sum()) if len(score) else float("nan")


def recalibrate(score: np.ndarray, iou: np.ndarray, video: np.ndarray) -> np.ndarray:
    """IoU expected from each score, by isotonic regression on the *other* videos.

    Every video is held out in turn, so no sample is predicted by a curve that was fitted to its own video.

    Parameters
    ----------
    score, iou : ndarray, (N,)
        Predicted and true quality.
    video : ndarray, (N,)
        Name of each sample's video.

    Returns
    -------
    ndarray, (N,)
        NaN throughout if there is but one video.
    """
    expected = np.full(len(score), np.nan)
    names, index = np.unique(np.asarray(video), return_inverse=True)
    if len(names) < 2:
        return expected
    for held_out in range(len(names)):
        inside = index == held_out
        curve = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(score[~inside], iou[~inside])
        expected[inside] = curve.predict(score[inside])
    return expected


def _quantiles(score: np.ndarray, bins: int) -> np.ndarray:
    bounds = np.unique(np.quantile(score, np.linspace(0, 1, bins + 1)))
    return bounds if len(bounds) > 1 else np.array([bounds[0], bounds[0]])
