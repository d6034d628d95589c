"""Every case of a study in one table of numbers: its score, its difference to the baseline, and what it kept."""

from __future__ import annotations

import numpy as np
import pandas as pd

from qpm.metrics import statistics, summary
from qpm.report.load import NotMeasuredError
from qpm.rows import is_kept

FRAME = ["case", "trial", "seed", "dataset", "sequence", "frame_index"]
MEASUREMENT = ["case", "dataset", "sequence", "object_id", "frame"]
ABOUT_OBJECTS = ["study", "category", "seen", "attributes"]


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
    NotMeasuredError
        If the baseline has no rows.
    """
    names = list(dict.fromkeys(rows.case))
    if baseline not in names:
        raise NotMeasuredError(
            f"the baseline '{baseline}' has no finished trial; cases with rows: {', '.join(names)}"
        )
    metric = metric_name(rows)
    records = [_level(rows[rows.case == case], case, metric) for case in names]
    table = pd.DataFrame(records).merge(memory_use(rows), on="case", how="left")
    table = table.merge(differences(rows, baseline, metric), on="case", how="left")
    order = [
        "case",
        "metric",
        "measured",
        "spread",
        "difference",
        "low",
        "high",
        "p",
        "p_holm",
        "win",
        "tie",
        "loss",
    ]
    return table[[*order, "n_videos", "n_objects", "n_seeds", "kept_share", "bank_frames", "seconds"]]


def metric_name(rows: pd.DataFrame) -> str:
    """Return "G" (the YouTube-VOS mean of J and F over seen and unseen) where the data have both, else "J&F"."""
    return "G" if summary.has_seen_and_unseen(rows) else "J&F"


def value(rows: pd.DataFrame, metric: str) -> float:
    """Return the score of one case under a named metric."""
    return summary.youtube(rows)["overall"] if metric == "G" else summary.davis(rows)["J&F"]


def differences(rows: pd.DataFrame, baseline: str, metric: str) -> pd.DataFrame:
    """Return each other case's paired difference to the baseline, with its interval, p and Holm-corrected p.

    Seeds are averaged first, so a random control of five draws can stand against a baseline of one. Where the
    baseline has several seeds, those that the case has too are compared.
    """
    records = []
    for case in dict.fromkeys(rows.case):
        if case != baseline:
            paired = statistics.paired(side_by_side(rows, case, baseline), case, baseline, metric)
            fields = ("difference", "low", "high", "p", "win", "tie", "loss")
            records.append({"case": case} | {name: getattr(paired, name) for name in fields})
    columns = ["case", "difference", "low", "high", "p", "win", "tie", "loss"]
    table = pd.DataFrame(records, columns=columns)
    table["p_holm"] = statistics.holm(table.p.tolist()) if len(table) else []
    return table


def side_by_side(rows: pd.DataFrame, case: str, baseline: str) -> pd.DataFrame:
    """Return what a comparison reads of two cases: `average_seeds` of `shared_seeds`, without the other columns."""
    columns = [*MEASUREMENT, "trial", "seed", "frame_index", "scored", "j", "f", *ABOUT_OBJECTS]
    return average_seeds(shared_seeds(rows[[name for name in columns if name in rows]], case, baseline))


def shared_seeds(rows: pd.DataFrame, case: str, baseline: str) -> pd.DataFrame:
    """Return the rows of two cases, only the seeds of both if the baseline has several and they share any."""
    both = rows[rows.case.isin([case, baseline])]
    seeds = {name: set(group.seed) for name, group in both.groupby("case")}
    shared = seeds[case] & seeds[baseline]
    return both[both.seed.isin(shared)] if len(seeds[baseline]) > 1 and shared else both


def average_seeds(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row per object and frame of a case, with the mean J and F over its seeds; the rest is the first's."""
    means = rows.groupby(MEASUREMENT)[["j", "f"]].transform("mean")
    first = ~rows.duplicated(MEASUREMENT)
    return rows.assign(j=means.j, f=means.f, seed=0, trial=rows.case)[first]


def memory_use(rows: pd.DataFrame) -> pd.DataFrame:
    """Return per case the share of frames kept beyond the previous one, the frames read, and the seconds a frame.

    Only frames without a given mask count, each once; where objects are kept one by one, their share counts.
    """
    frames = rows.assign(kept=kept(rows.memorized)).groupby(FRAME, sort=False).agg(
        annotated=("annotated", "any"), kept=("kept", "mean"), bank_frames=("bank_frames", "mean"),
        seconds=("seconds", "first"),
    )  # fmt: skip
    decided = frames[~frames.annotated]
    means = decided.groupby("case", sort=False).agg(
        kept_share=("kept", "mean"), bank_frames=("bank_frames", "mean"), seconds=("seconds", "mean")
    )
    return means.astype("float64").reset_index()


def kept(memorized: pd.Series) -> pd.Series:
    """Return `is_kept` of each row; the same few words stand on all of them, so each is read once."""
    which, words = pd.factorize(memorized)
    answers = np.array([is_kept(str(shelves).split(";")) for shelves in words], dtype=bool)
    return pd.Series(answers[which], memorized.index)


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
