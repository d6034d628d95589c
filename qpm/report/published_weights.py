"""Weights of others on DAVIS 2016 and 2017: what this loop measures, beside what their authors published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from qpm.memory import PRESETS, MemoryPolicy
from qpm.metrics import summary
from qpm.report import captions, numbers, style
from qpm.report.cases import memory_use
from qpm.report.load import NotMeasuredError, Results, published, settings, trial_case
from qpm.report.publish import Section, publish
from qpm.report.write import Table

VALIDATION = {2016: 20, 2017: 30}  # sequences of the split
NAMES = {"stm": "STM", "mivos": "MiVOS", "qdmn": "QDMN"}
MEASURES = {"jf": "J&F", "j": "J_mean", "f": "F_mean"}


def prepare(results: Results, paper: pd.DataFrame) -> pd.DataFrame:
    """Return one row per weights, policy and year, 2016 first.

    Parameters
    ----------
    results : Results
        Trials on the dataset `davis`; other trials are left out.
    paper : DataFrame
        ``results/published/davis.csv``: ``weights policy year j f jf source``.

    Returns
    -------
    DataFrame
        ``year weights policy published_jf jf j f kept_share bank_frames seconds n_videos n_objects whole source``,
        and ``difference``, measured minus published, only where the whole split was scored.

    Raises
    ------
    NotMeasuredError
        If no trial is on DAVIS.
    """
    records = list(_measured(results))
    if not records:
        raise NotMeasuredError("no finished trial on the dataset 'davis'")
    table = pd.DataFrame(records).merge(memory_use(results.rows), on="case", how="left")
    told = paper.rename(columns={"jf": "published_jf"})[
        ["weights", "policy", "year", "published_jf", "source"]
    ]
    table = table.merge(told, on=["weights", "policy", "year"], how="left")
    table["difference"] = (table.jf - table.published_jf).where(table.whole)
    first = [
        "year",
        "weights",
        "policy",
        "published_jf",
        "jf",
        "difference",
        "j",
        "f",
        "kept_share",
        "bank_frames",
    ]
    order = [*first, "seconds", "n_videos", "n_objects", "whole", "source"]
    return table.sort_values("year", kind="stable")[order].reset_index(drop=True)


def table(results: Results) -> Table:
    """Return the table of a study's results, ready to print or write."""
    numeric = prepare(results, published(results.folder, "davis"))
    return Table(
        cells(numeric),
        numeric,
        caption(results, numeric),
        "davis",
        _rules(numeric),
        left=("Weights", "Policy"),
    )


def cells(numeric: pd.DataFrame) -> pd.DataFrame:
    """Return the table as a reader sees it; empty where nothing was published or measured."""
    shown = pd.DataFrame({"DAVIS": [str(year) for year in numeric.year]})
    shown["Weights"] = [NAMES.get(name, name) for name in numeric.weights]
    shown["Policy"] = [style.label(name) for name in numeric.policy]
    shown["Published J&F"] = [numbers.fixed(value) for value in numeric.published_jf]
    shown["Measured J&F"] = [numbers.fixed(value) for value in numeric.jf]
    shown["Difference"] = [numbers.signed(value) for value in numeric.difference]
    shown["J"] = [numbers.fixed(value) for value in numeric.j]
    shown["F"] = [numbers.fixed(value) for value in numeric.f]
    shown["Kept"] = [numbers.share(value) for value in numeric.kept_share]
    shown["Bank"] = [numbers.fixed(value, 1) for value in numeric.bank_frames]
    shown["s/frame"] = [numbers.fixed(value, 2) for value in numeric.seconds]
    shown["Videos"] = [numbers.count(value) for value in numeric.n_videos]
    return shown


def caption(results: Results, numeric: pd.DataFrame) -> str:
    """Return where the numbers are from, and which must not be compared."""
    sources = {
        name: rows.source.dropna().iloc[0] for name, rows in numeric.groupby("weights") if rows.source.any()
    }
    parts = sorted({int(year) for year in numeric.year[~numeric.whole]})
    few = " and ".join(f"{VALIDATION[year]} sequences of {year}" for year in parts)
    sides = sorted({side for trial in results.trials for side in settings(trial["config"], "max_side")})
    return captions.join(
        "Weights that others published under this loop and its policies, on DAVIS validation.",
        "Published: "
        + "; ".join(f"{NAMES.get(name, name)}: {source}" for name, source in sources.items())
        + "."
        if sources
        else "",
        f"A part was scored, not all frames of {few}, so no difference to the published number."
        if few
        else "",
        f"The network saw {' or '.join(map(str, sides))} px at most, the authors' the whole frame."
        if sides
        else "",
        "Kept: share of frames that entered memory by the keep rule; bank: frames read, on average.",
    )


def report(results: Results) -> Section:
    """Write davis.md, .tex and .csv into the study's folder."""
    return publish(results.folder, "published_weights", "Published weights on DAVIS", table(results))


def policy_name(policy: Mapping[str, Any], case: str) -> str:
    """Return the preset that a policy is, else the case's name."""
    chosen = MemoryPolicy.model_validate(policy)
    known = (name for name in PRESETS if MemoryPolicy.model_validate(name) == chosen)
    return next(known, case.partition(",")[0])


def _measured(results: Results) -> Iterator[dict[str, object]]:
    for trial in results.trials:
        config, case = trial["config"], trial_case(trial)
        if config["dataset"]["name"] != "davis":
            continue
        rows = results.rows[(results.rows.case == case) & (results.rows.seed == config.get("seed", 0))]
        scores, scored = summary.davis(rows), rows[rows.scored]
        yield {
            "case": case,
            "year": int(config["dataset"]["year"]),
            "weights": _weights_name(config["weights"]),
            "policy": policy_name(config["policy"], case),
            **{ours: scores[name] for ours, name in MEASURES.items()},
            "n_videos": scored.sequence.nunique(),
            "whole": _is_whole(config["dataset"], scored.sequence.nunique()),
            "n_objects": len(scored[["sequence", "object_id"]].drop_duplicates()),
        }


def _is_whole(dataset: Mapping[str, Any], videos: int) -> bool:
    return videos == VALIDATION[int(dataset["year"])] and not dataset.get("frames")


def _weights_name(weights: str | list[str]) -> str:
    names = [weights] if isinstance(weights, str) else weights
    return " + ".join(Path(name).stem for name in names)


def _rules(numeric: pd.DataFrame) -> tuple[int, ...]:
    """Before the first row of another year."""
    return tuple(k for k in range(1, len(numeric)) if numeric.year[k] != numeric.year[k - 1])
