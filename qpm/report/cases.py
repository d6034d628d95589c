"""Every case of a study in one table of numbers: its score, its difference to the baseline, and what it kept."""

from __future__ import annotations

import pandas as pd

from qpm.metrics import statistics, summary

FRAME = ["case", "trial", "seed", "dataset", "sequence", "frame_index"]
MEASUREMENT = ["case", "seed", "dataset", "sequence", "object_id", "frame"]
NOT_LONG_TERM = ("annotated", "previous")  # every policy holds these; what a keep rule decides is the rest


def compare(rows: pd.DataFrame, baseline: str) -> pd.DataFrame:
    """Return one row per case, in the order of the rows.

    Parameters
    ----------
    rows : DataFrame
        The tidy table (`qpm.rows`), any number of cases and seeds.
    baseline : str
        The case that the others are compared with, paired by video and object.

    Returns
    -------
    DataFrame
        ``case metric measured spread`` (mean and standard deviation over seeds), ``difference low high p``
        (95 % cluster bootstrap over videos; sign-flip permutation), ``p_holm`` (over all cases of the table),
        ``win tie loss`` (videos), ``n_videos n_objects n_seeds kept_share bank_frames seconds``.
        The baseline's comparison is empty (NaN).

    Raises
    ------
    ValueError
        If the baseline has no rows.
    """
    names = list(dict.fromkeys(rows.case))
    if baseline not in names:
        raise ValueError(f"the baseline '{baseline}' has no finished trial; cases with rows: {', '.join(names)}")
    metric = metric_name(rows)
    records = [_level(rows[rows.case == case], case, metric) for case in names]
    table = pd.DataFrame(records).merge(memory_use(rows), on="case", how="left")
    table = table.merge(differences(rows, baseline, metric), on="case", how="left")
    order = ["case", "metric", "measured", "spread", "difference", "low", "high", "p", "p_holm", "win", "tie", "loss"]
    return table[[*order, "n_videos", "n_objects", "n_seeds", "kept_share", "bank_frames", "seconds"]]


def metric_name(rows: pd.DataFrame) -> str:
    """Return "G" (the YouTube-VOS mean of J and F over seen and unseen) where the data have both, else "J&F"."""
    return "G" if summary.has_seen_and_unseen(rows) else "J&F"


def value(rows: pd.DataFrame, metric: str) -> float:
    """Return the score of one case under a named metric."""
    return summary.youtube(rows)["overall"] if metric == "G" else summary.davis(rows)["J&F"]


def differences(rows: pd.DataFrame, baseline: str, metric: str) -> pd.DataFrame:
    """Return each other case's paired difference to the baseline, with its interval, p and Holm-corrected p.

    Repeats of a random control are averaged first; a seed that only one of the two has is left out.
    """
    rows = average_repeats(rows)
    seeds = {case: set(group.seed) for case, group in rows.groupby("case")}
    records = []
    for case in dict.fromkeys(rows.case):
        if case != baseline and (shared := seeds[case] & seeds[baseline]):
            paired = statistics.paired(rows[rows.seed.isin(shared)], case, baseline, metric)
            fields = ("difference", "low", "high", "p", "win", "tie", "loss")
            records.append({"case": case} | {name: getattr(paired, name) for name in fields})
    columns = ["case", "difference", "low", "high", "p", "win", "tie", "loss"]
    table = pd.DataFrame(records, columns=columns)
    table["p_holm"] = statistics.holm(table.p.tolist()) if len(table) else []
    return table


def average_repeats(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with the mean J and F of an object on a frame where a case was repeated (`load.pool`)."""
    if "repeat" not in rows or rows.repeat.isna().all():
        return rows
    repeated = rows[rows.repeat.notna()]
    means = repeated.groupby(MEASUREMENT)[["j", "f"]].transform("mean")
    first = ~repeated.duplicated(MEASUREMENT)
    averaged = repeated.assign(j=means.j, f=means.f)[first]
    return pd.concat([rows[rows.repeat.isna()], averaged.assign(trial=averaged.case)], ignore_index=True)


def memory_use(rows: pd.DataFrame) -> pd.DataFrame:
    """Return per case the share of frames kept beyond the previous one, the frames read, and the seconds a frame.

    Only frames without a given mask count; an object more does not make a frame count twice.
    """
    frames = rows.groupby(FRAME, sort=False).agg(
        annotated=("annotated", "any"), memorized=("memorized", "first"), bank_frames=("bank_frames", "max"),
        seconds=("seconds", "first"),
    )  # fmt: skip
    decided = frames[~frames.annotated].assign(kept=lambda table: table.memorized.map(is_kept))
    means = decided.groupby("case", sort=False).agg(
        kept_share=("kept", "mean"), bank_frames=("bank_frames", "mean"), seconds=("seconds", "mean")
    )
    return means.astype("float64").reset_index()


def is_kept(shelves: str) -> bool:
    """Return whether a frame entered a shelf by decision: "previous;long" did, "previous" alone did not."""
    return any(shelf and shelf not in NOT_LONG_TERM for shelf in shelves.split(";"))


def _level(rows: pd.DataFrame, case: str, metric: str) -> dict[str, object]:
    scored = rows[rows.scored]
    values = [value(group, metric) for _, group in rows.groupby(["trial", "seed"], sort=True)]
    videos = scored[["dataset", "sequence"]].drop_duplicates()
    objects = scored[["dataset", "sequence", "object_id"]].drop_duplicates()
    return {
        "case": case, "metric": metric, "measured": sum(values) / len(values),
        "spread": float(pd.Series(values).std(ddof=1)) if len(values) > 1 else float("nan"),
        "n_videos": len(videos), "n_objects": len(objects), "n_seeds": len(values),
    }  # fmt: skip
