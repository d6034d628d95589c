"""Two cases of one table, paired object by object, and summed per video."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from qpm.metrics import summary
from qpm.names import lookup

VIDEO = ["dataset", "sequence"]
PAIR = [*VIDEO, "object_id", "seed"]

METRICS: dict[str, tuple[tuple[str, bool | None], ...]] = {
    "J&F": (("j_mean", None), ("f_mean", None)),
    "J": (("j_mean", None),),
    "F": (("f_mean", None),),
    "G": (("j_mean", True), ("j_mean", False), ("f_mean", True), ("f_mean", False)),
}
"""Metric -> the columns whose means over objects it averages: a measure, over seen or unseen or all objects."""


def object_means(rows: pd.DataFrame) -> pd.DataFrame:
    """`summary.objects` of any number of cases, with every column that a comparison reads."""
    defaults = {name: value for name, value in _DEFAULTS.items() if name not in rows}
    return summary.objects(rows.assign(**defaults))


def object_pairs(objects: pd.DataFrame, case: str, baseline: str) -> pd.DataFrame:
    """One row per object and seed, with the mean J and F of both cases.

    Parameters
    ----------
    objects : DataFrame
        From `object_means`; holds both cases, each object and seed of a case in one trial.
    case, baseline : str
        Names in the column `case`.

    Returns
    -------
    DataFrame
        Columns dataset sequence object_id seed seen, and j_mean_case, j_mean_baseline, f_mean_case,
        f_mean_baseline; sorted by the first four.

    Raises
    ------
    ValueError
        If a case has no scored rows, if one covers objects, frames or seeds that the other does not, or if an object
        stands in more than one trial of a case and seed; the message names them.
    """
    left, right = (_of_case(objects, name) for name in (case, baseline))
    keys = [*PAIR, "frames"]
    if not left[keys].equals(right[keys]):
        _check_coverage(left, right, case, baseline)
    pairs = left[[*PAIR, "seen"]].copy()  # both are sorted and hold the same objects
    for measure in ("j_mean", "f_mean"):
        pairs[f"{measure}_case"], pairs[f"{measure}_baseline"] = left[measure], right[measure]
    return pairs


def video_sums(pairs: pd.DataFrame, side: str, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """Sums over each video's objects and their number, for each column of the metric.

    Parameters
    ----------
    pairs : DataFrame
        From `object_pairs`.
    side : {"case", "baseline"}
        Whose measures.
    metric : str
        Name in `METRICS`.

    Returns
    -------
    sums, counts : ndarray, (V, C) float64
        Videos in sorted order; counts are the same for both sides.

    Raises
    ------
    ValueError
        If the metric is unknown, or a column of it has no object at all.
    """
    columns = lookup("metric", metric, METRICS)
    seen = pairs["seen"].astype("boolean")
    videos = pairs.groupby(VIDEO, sort=True).ngroup().to_numpy()
    sums = np.zeros((videos.max() + 1, len(columns)))
    counts = np.zeros_like(sums)
    for column, (measure, flag) in enumerate(columns):
        member = (
            np.full(len(pairs), True) if flag is None else (seen == flag).fillna(False).to_numpy(dtype=bool)
        )
        if not member.any():
            kind = "seen" if flag else "unseen"
            raise ValueError(
                f"{metric} needs objects of seen and of unseen categories; none is known as {kind}"
            )
        np.add.at(sums[:, column], videos[member], pairs[f"{measure}_{side}"].to_numpy()[member])
        np.add.at(counts[:, column], videos[member], 1)
    return sums, counts


def _of_case(objects: pd.DataFrame, case: str) -> pd.DataFrame:
    table = objects[objects["case"] == case]
    if table.empty:
        raise ValueError(f"case '{case}' has no scored rows")
    twice = table[table.duplicated(PAIR)]
    if len(twice):
        raise ValueError(f"case '{case}' holds {_names(twice[PAIR])} in more than one trial")
    return table.sort_values(PAIR, kind="stable", ignore_index=True)


def _check_coverage(left: pd.DataFrame, right: pd.DataFrame, case: str, baseline: str) -> None:
    """Refuse two cases that do not hold the same objects, seeds and numbers of scored frames."""
    keys = [*PAIR, "frames"]
    both = left[keys].merge(right[keys], how="outer", on=keys, indicator=True)
    parts = [
        f"only '{name}' has {_names(both.loc[both['_merge'] == side, keys])}"
        for name, side in ((case, "left_only"), (baseline, "right_only"))
        if (both["_merge"] == side).any()
    ]
    if parts:
        raise ValueError(f"'{case}' and '{baseline}' do not cover the same objects: " + "; ".join(parts))


def _names(table: pd.DataFrame, shown: int = 10) -> str:
    """Objects by name, the first few of many."""
    frames = table["frames"] if "frames" in table else [None] * len(table)
    names = [
        f"{row.sequence} object {row.object_id} seed {row.seed}" + (f" ({count} frames)" if count else "")
        for row, count in zip(table.head(shown).itertuples(), frames, strict=False)
    ]
    return ", ".join(names) + (f" and {len(table) - shown} more" if len(table) > shown else "")


_DEFAULTS: dict[str, Any] = {"dataset": "", "seed": 0, "seen": pd.NA}
