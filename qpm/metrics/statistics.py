"""Is one setting better than another? Paired differences over the same videos and objects.

The unit is the video: settings are compared object by object, and a video's objects stay together whenever
videos are drawn or swapped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from qpm.metrics import summary
from qpm.metrics.pairing import VIDEO, object_means, object_pairs, video_sums
from qpm.metrics.resampling import Method, bootstrap, holm, interval, pooled_mean, sign_flip_p
from qpm.names import lookup

__all__ = [
    "PairedDifference", "bootstrap", "compare", "holm", "paired", "paired_objects", "sign_flip_p",
    "video_differences",
]  # fmt: skip

TIE = 1e-9
"""Videos whose difference is smaller count as a tie: rounding, not quality."""


@dataclass(frozen=True)
class PairedDifference:
    """How far a case lies from a baseline on the same videos and objects, and how sure that is.

    Attributes
    ----------
    metric, case, baseline : str
        What is compared.
    case_score, baseline_score, difference : float
        Scores of both (0..1) and case minus baseline.
    low, high : float
        95 % confidence interval of the difference; NaN for fewer than two videos.
    se : float
        Standard error of the difference: standard deviation of its bootstrap draws.
    p : float
        Two-sided sign-flip permutation p over videos, exact for up to 16 of them.
    win, tie, loss : int
        Videos on which the case is better, equal, worse.
    n_videos, n_objects, n_seeds : int
        What was compared; objects are counted once, however many seeds.
    smallest_p : float
        The smallest p that this number of videos allows.
    note : str
        Says so if no difference over so few videos could be significant; else empty.
    """

    metric: str
    case: str
    baseline: str
    case_score: float
    baseline_score: float
    difference: float
    low: float
    high: float
    se: float
    p: float
    win: int
    tie: int
    loss: int
    n_videos: int
    n_objects: int
    n_seeds: int
    smallest_p: float
    note: str


def paired(
    rows: pd.DataFrame,
    case: str,
    baseline: str,
    metric: str | None = None,
    *,
    resamples: int = 9999,
    seed: int = 0,
    method: Method = "percentile",
) -> PairedDifference:
    """Compare two cases on the same videos, objects and seeds.

    Parameters
    ----------
    rows : DataFrame
        See `qpm.rows`; holds both cases.
    case, baseline : str
        Names in the column `case`.
    metric : str, optional
        "J&F", "J", "F" or "G", computed in every resample by its own rule; default as `summary.overall`.
    resamples, seed, method
        See `qpm.metrics.resampling`.

    Raises
    ------
    ValueError
        If a case is unknown or has no scored rows, the two do not cover the same objects, or G has no unseen
        objects.
    """
    metric = metric or summary.metric_name(rows)
    objects = _two_cases(rows, case, baseline)
    return paired_objects(objects, case, baseline, metric, resamples=resamples, seed=seed, method=method)


def paired_objects(
    objects: pd.DataFrame,
    case: str,
    baseline: str,
    metric: str,
    *,
    resamples: int = 9999,
    seed: int = 0,
    method: Method = "percentile",
) -> PairedDifference:
    """`paired` from `pairing.object_means`: for many comparisons of one table, whose means are taken once."""
    pairs = object_pairs(objects, case, baseline)
    case_sums, counts = video_sums(pairs, "case", metric)
    baseline_sums, _ = video_sums(pairs, "baseline", metric)
    sums = case_sums - baseline_sums
    scores = [float(pooled_mean(s.sum(axis=0), counts.sum(axis=0))) for s in (case_sums, baseline_sums)]
    return PairedDifference(
        metric=metric,
        case=case,
        baseline=baseline,
        case_score=scores[0],
        baseline_score=scores[1],
        difference=scores[0] - scores[1],
        p=sign_flip_p((sums / counts.sum(axis=0)).mean(axis=1), resamples, seed),
        n_videos=len(sums),
        n_objects=len(pairs[[*VIDEO, "object_id"]].drop_duplicates()),
        n_seeds=pairs["seed"].nunique(),
        smallest_p=2.0 ** (1 - len(sums)),
        note=_too_few(len(sums)),
        **_spread(sums, counts, resamples, seed, method),
        **_won(_video_means(sums, counts)),
    )


def compare(rows: pd.DataFrame, baseline: str, metric: str | None = None) -> pd.DataFrame:
    """Every other case against the baseline: one row of `PairedDifference` each, and p_holm over all of them.

    Raises
    ------
    ValueError
        See `paired`.
    """
    metric = metric or summary.metric_name(rows)
    known = {name: name for name in dict.fromkeys(rows["case"])}
    lookup("case", baseline, known)
    cases = [name for name in known if name != baseline]
    objects = object_means(rows)
    table = pd.DataFrame([vars(paired_objects(objects, name, baseline, metric)) for name in cases])
    return table.assign(p_holm=holm(table["p"].to_numpy())) if len(table) else table


def video_differences(rows: pd.DataFrame, case: str, baseline: str, metric: str = "J&F") -> pd.DataFrame:
    """The score of both cases on each video, and the difference, largest first whatever its sign.

    Returns
    -------
    DataFrame
        Columns dataset, sequence, objects, case, baseline, difference. For G, a video counts with the mean of
        the columns that it has.
    """
    pairs = object_pairs(_two_cases(rows, case, baseline), case, baseline)
    table = pairs.groupby(VIDEO, sort=True)["object_id"].nunique().rename("objects").reset_index()
    for side in ("case", "baseline"):
        table[side] = _video_means(*video_sums(pairs, side, metric))
    table["difference"] = table["case"] - table["baseline"]
    order = table["difference"].abs().sort_values(ascending=False, kind="stable").index
    return table.loc[order].reset_index(drop=True)


def _two_cases(rows: pd.DataFrame, case: str, baseline: str) -> pd.DataFrame:
    known = {name: name for name in rows["case"].unique()}
    return object_means(rows[rows["case"].isin([lookup("case", name, known) for name in (case, baseline)])])


def _video_means(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Score of each video alone, over the columns that it has; (V, C) to (V,)."""
    means = np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0)
    return means.sum(axis=1) / (counts > 0).sum(axis=1)


def _spread(
    sums: np.ndarray, counts: np.ndarray, resamples: int, seed: int, method: Method
) -> dict[str, Any]:
    """Interval and standard error of a difference, from one set of draws."""
    draws = bootstrap(sums, counts, resamples, seed)
    low, high = interval(sums, counts, draws, method=method)
    return {"low": low, "high": high, "se": float(np.nanstd(draws, ddof=1)) if len(sums) > 1 else np.nan}


def _won(by_video: np.ndarray) -> dict[str, Any]:
    return {
        "win": int(np.sum(by_video > TIE)),
        "tie": int(np.sum(np.abs(by_video) <= TIE)),
        "loss": int(np.sum(by_video < -TIE)),
    }


def _too_few(videos: int) -> str:
    smallest_p = 2.0 ** (1 - videos)
    if smallest_p < 0.05:
        return ""
    return (
        f"n = {videos} videos: the smallest possible p is {smallest_p:.3g}, so no difference can be "
        "significant at 0.05; at least 6 videos are needed"
    )
