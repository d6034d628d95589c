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
    index = _bin_of(score, inner)
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


def reliability_band(
    score: np.ndarray, iou: np.ndarray, video: np.ndarray, bins: int = 10, resamples: int = 2000, seed: int = 0
) -> pd.DataFrame:
    """95 % interval of the mean IoU in each bin of `reliability` (by width): a bootstrap over videos.

    Parameters
    ----------
    score, iou, video : ndarray, (N,)
        Predicted and true quality, and the name of each sample's video; a drawn video brings all its samples.

    Returns
    -------
    DataFrame
        Columns iou_low and iou_high, one row per bin; NaN where fewer than two videos have samples.
    """
    names, owner = np.unique(np.asarray(video), return_inverse=True)
    place = owner * bins + _bin_of(score, np.linspace(0, 1, bins + 1))
    shape = (len(names), bins)
    count = np.bincount(place, minlength=len(names) * bins).reshape(shape)
    total = np.bincount(place, weights=iou, minlength=len(names) * bins).reshape(shape)
    chance = np.full(len(names), 1 / max(1, len(names)))
    drawn = np.random.default_rng(seed).multinomial(len(names), chance, size=resamples)
    several = (count > 0).sum(axis=0) > 1
    band = np.full((2, bins), np.nan)
    with np.errstate(invalid="ignore"):
        means = (drawn @ total)[:, several] / (drawn @ count)[:, several]
    if several.any():
        band[:, several] = np.nanquantile(means, (0.025, 0.975), axis=0)
    return pd.DataFrame({"iou_low": band[0], "iou_high": band[1]})


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


def _bin_of(score: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Index of each score's bin; what lies outside counts in the outer one."""
    return np.clip(np.searchsorted(bounds, score, side="right") - 1, 0, len(bounds) - 2)


def _quantiles(score: np.ndarray, bins: int) -> np.ndarray:
    bounds = np.unique(np.quantile(score, np.linspace(0, 1, bins + 1)))
    return bounds if len(bounds) > 1 else np.array([bounds[0], bounds[0]])
