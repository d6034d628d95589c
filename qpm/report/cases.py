"""Every case of a study in one table of numbers: its score, its difference to the baseline, and what it kept."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from qpm.metrics import statistics, summary
from qpm.metrics.pairing import object_means
from qpm.report.load import NotMeasuredError
from qpm.rows import is_kept

FRAME = ["case", "trial", "seed", "dataset", "sequence", "frame_index"]
MEASUREMENT = ["case", "dataset", "sequence", "object_id", "frame"]
OBJECT = ["dataset", "sequence", "object_id"]


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
    metric, objects = summary.metric_name(rows), object_means(rows)
    runs = rows[["case", "trial", "seed"]].drop_duplicates()
    records = [_level(objects[objects.case == case], runs[runs.case == case], case, metric) for case in names]
    table = pd.DataFrame(records).merge(memory_use(rows), on="case", how="left")
    table = table.merge(differences(objects, names, baseline, metric), on="case", how="left")
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


def differences(objects: pd.DataFrame, names: Sequence[str], baseline: str, metric: str) -> pd.DataFrame:
    """Return each other case's paired difference to the baseline, with its interval, p and Holm-corrected p.

    `objects` is from `pairing.object_means`.
    """
    records = []
    for case in names:
        if case != baseline:
            both = side_by_side(objects, case, baseline)
            paired = statistics.paired_objects(both, case, baseline, metric)
            fields = ("difference", "low", "high", "p", "win", "tie", "loss")
            records.append({"case": case} | {name: getattr(paired, name) for name in fields})
    columns = ["case", "difference", "low", "high", "p", "win", "tie", "loss"]
    table = pd.DataFrame(records, columns=columns)
    table["p_holm"] = statistics.holm(table.p.tolist()) if len(table) else []
    return table


def side_by_side(objects: pd.DataFrame, case: str, baseline: str) -> pd.DataFrame:
    """Return the objects of two cases as a comparison reads them, each once: the means over its trials.

    So a random control of five draws can stand against a baseline of one, and so can several trainings. Where the
    baseline has several seeds, those that the case has too are compared.
    """
    both = objects[objects.case.isin([case, baseline])]
    seeds = [set(both.seed[both.case == name]) for name in (case, baseline)]
    shared = seeds[0] & seeds[1]
    if len(seeds[1]) > 1 and shared:
        both = both[both.seed.isin(shared)]
    again = both.duplicated(["case", *OBJECT])
    if again.any():
        means = both.groupby(["case", *OBJECT])[["j_mean", "f_mean"]].transform("mean")
        both = both.assign(**means)[~again]
    return both.assign(seed=0)


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


def _level(objects: pd.DataFrame, runs: pd.DataFrame, case: str, metric: str) -> dict[str, object]:
    """One case's score over its runs; a run without a scored object has none, and so has the case then."""
    of_run = dict(list(objects.groupby(["trial", "seed"])))
    named = sorted(zip(runs.trial, runs.seed, strict=True))
    values = [summary.score(of_run.get(run, objects.iloc[:0]), metric) for run in named]
    return {
        "case": case, "metric": metric, "measured": sum(values) / len(values),
        "spread": float(pd.Series(values).std(ddof=1)) if len(values) > 1 else float("nan"),
        "n_videos": len(objects[OBJECT[:2]].drop_duplicates()), "n_objects": len(objects[OBJECT].drop_duplicates()),
        "n_seeds": len(values),
    }  # fmt: skip
