"""Intervals and tests that treat a video as the unit: its frames and objects are no independent samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from scipy import stats

EXACT_UP_TO = 16
"""Videos up to which every assignment of signs is tried (2^16 of them)."""

Method = Literal["percentile", "bca"]


def bootstrap(sums: np.ndarray, counts: np.ndarray, resamples: int = 9999, seed: int = 0) -> np.ndarray:
    """Cluster bootstrap of `pooled_mean`: videos are drawn with replacement and bring all their objects.

    Parameters
    ----------
    sums, counts : ndarray, (V, C)
        For each video, the sum over its objects of each of C columns, and how many objects it has there.
    resamples : int
        Number of draws of V videos.
    seed : int
        The same seed gives the same draws.

    Returns
    -------
    ndarray, (resamples,)
        NaN where a draw left a column without objects.
    """
    videos = len(sums)
    generator = np.random.default_rng(seed)
    weights = generator.multinomial(videos, np.full(videos, 1 / videos), size=resamples)
    return pooled_mean(weights @ sums, weights @ counts)


def pooled_mean(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Mean over the objects of each column, then over the columns: (..., C) to (...).

    With columns J and F that is J&F, with the four of seen and unseen categories it is G.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        return (sums / counts).mean(axis=-1)


def interval(
    sums: np.ndarray,
    counts: np.ndarray,
    draws: np.ndarray,
    level: float = 0.95,
    method: Method = "percentile",
) -> tuple[float, float]:
    """Confidence interval of `pooled_mean` from its bootstrap draws; draws that are NaN are left out.

    "percentile" takes the draws' quantiles, "bca" corrects them for bias and for an error that depends on the
    value (Efron 1987, acceleration by leaving out one video at a time). NaN for fewer than two videos.
    """
    draws = draws[np.isfinite(draws)]
    if len(sums) < 2 or not len(draws):
        return float("nan"), float("nan")
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    if method == "bca":
        tails = _bca_tails(sums, counts, draws, tails)
    low, high = np.quantile(draws, tails)
    return float(low), float(high)


def sign_flip_p(contributions: np.ndarray, resamples: int = 9999, seed: int = 0) -> float:
    """Two-sided p of a paired difference: how often swapping the settings within videos gives as large a one.

    Parameters
    ----------
    contributions : ndarray, (V,)
        What each video adds to the difference; it changes sign when the settings of that video are swapped.
    resamples : int
        Random assignments for more than `EXACT_UP_TO` videos; below, all 2^V are tried and p is exact.
    seed : int
        Seed of the random assignments.

    Returns
    -------
    float
        At least 2^(1-V), or 1 / (resamples + 1); NaN without videos.
    """
    videos = len(contributions)
    if not videos:
        return float("nan")
    observed = abs(contributions.sum()) * (1 - 1e-9)  # an equal sum in another order of addition is as large
    if videos <= EXACT_UP_TO:
        bits = (
            np.arange(2 ** (videos - 1))[:, None] >> np.arange(videos) & 1
        )  # the other half has opposite signs
        return float(np.mean(np.abs((1 - 2 * bits) @ contributions) >= observed))
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], size=(resamples, videos))
    return float((1 + np.sum(np.abs(signs @ contributions) >= observed)) / (1 + resamples))


def holm(p_values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Holm's correction of several p values, in their order; a NaN stays NaN and is not counted as a test."""
    p = np.asarray(p_values, dtype=np.float64)
    corrected = np.full(len(p), np.nan)
    tests = np.flatnonzero(np.isfinite(p))
    order = tests[np.argsort(p[tests], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * factors), 1)
    return corrected


def _bca_tails(sums: np.ndarray, counts: np.ndarray, draws: np.ndarray, tails: np.ndarray) -> np.ndarray:
    estimate = pooled_mean(sums.sum(axis=0), counts.sum(axis=0))
    below = np.mean(draws < estimate) + np.mean(draws == estimate) / 2
    if below in (0, 1):  # all draws on one side, as where every video is alike
        return tails
    left_out = pooled_mean(sums.sum(axis=0) - sums, counts.sum(axis=0) - counts)
    deviation = np.nanmean(left_out) - left_out[np.isfinite(left_out)]
    spread = np.sum(deviation**2) ** 1.5
    acceleration = np.sum(deviation**3) / (6 * spread) if spread else 0.0
    bias, normal = stats.norm.ppf(below), stats.norm.ppf(tails)
    return stats.norm.cdf(bias + (bias + normal) / (1 - acceleration * (bias + normal)))
