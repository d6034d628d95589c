"""What a study of trainings found: the validation of each case over its seeds, and the course of the loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from qpm.report import captions, numbers, style
from qpm.report.load import NotMeasuredError, Results, trained, trial_case
from qpm.report.publish import Section, publish
from qpm.report.training_words import policy, recipe
from qpm.report.write import Table

MEASURES = {"val_J_and_F": "J&F", "val_score_spearman": "Score ρ", "val_score_raw_spearman": "Raw score ρ"}
FEW_SEEDS = 5  # with fewer a mean is an example
JUDGED = "val_J_and_F"  # where a training does not say by which measure its best weights are chosen
AXES = {"val_J_and_F": "J&F", "val_score_spearman": "rank correlation of score and IoU"}


def read(results: Results) -> pd.DataFrame:
    """Return the logs of a study's finished trainings, one table.

    Returns
    -------
    DataFrame
        ``case seed`` and the columns of a training's ``metrics.parquet``.

    Raises
    ------
    NotMeasuredError
        If no training is finished.
    """
    tables = [
        pd.read_parquet(results.folder / "trials" / trial["folder"] / "metrics.parquet").assign(
            case=trial_case(trial), seed=int(trial["config"].get("seed", 0))
        )
        for trial in trained(results.folder)
    ]
    if not tables:
        raise NotMeasuredError("no training of the study is finished")
    return pd.concat(tables, ignore_index=True)


def prepare(logs: pd.DataFrame, baseline: str, judged: str = JUDGED) -> pd.DataFrame:
    """Return one row per case: what the last validation found, over the seeds.

    Parameters
    ----------
    logs : DataFrame
        From `read`.
    baseline : str
        The case that the others are compared with, seed by seed.
    judged : str
        The measure that is compared.

    Returns
    -------
    DataFrame
        ``case iterations n_seeds``, of each measure that was taken its mean and ``<measure>_spread`` (standard
        deviation over seeds), and ``difference difference_spread better`` (mean and standard deviation over the
        seeds that both have, and on how many of them the case is better; empty for the baseline); in the order of
        the logs.
    """
    ends = _ends(logs)
    measures = [name for name in MEASURES if name in ends]
    groups = ends.groupby("case", sort=False)
    table = groups.agg(iterations=("iteration", "max"), n_seeds=("seed", "nunique"))
    for name in measures:
        table[name], table[f"{name}_spread"] = groups[name].mean(), groups[name].std(ddof=1)
    if judged in measures and len(table) > 1:
        values = ends.set_index(["case", "seed"])[judged].unstack("case")
        change = values.sub(values[baseline], axis=0).drop(columns=baseline)
        table["difference"], table["difference_spread"] = change.mean(), change.std(ddof=1)
        table["better"] = (change > 0).sum()  # the baseline is no column of it
    return table.reset_index()


def trainings_table(numeric: pd.DataFrame, caption: str) -> Table:
    """Return the table as a reader sees it."""
    cells = pd.DataFrame({"Training": [style.label(case) for case in numeric.case]})
    cells["Iterations"] = [numbers.count(value) for value in numeric.iterations]
    for name, words in MEASURES.items():
        if name in numeric:
            pairs = zip(numeric[name], numeric[f"{name}_spread"], strict=True)
            cells[words] = [numbers.spread(value, deviation) for value, deviation in pairs]
    if "difference" in numeric:
        pairs = zip(numeric.difference, numeric.difference_spread, strict=True)
        cells["Difference"] = [
            numbers.signed(value) + (f" ± {numbers.fixed(deviation)}" if numbers.measured(deviation) else "")
            for value, deviation in pairs
        ]
        cells["Better"] = [
            "" if pd.isna(row.better) else f"{int(row.better)} of {row.n_seeds}" for row in numeric.itertuples()
        ]
    cells["Seeds"] = [numbers.count(value) for value in numeric.n_seeds]
    return Table(cells, numeric, caption, "trainings", left=("Training",))


def draw_loss(logs: pd.DataFrame, ax: Axes) -> None:
    """Draw the loss over the iterations: each training faint, the mean over the seeds on top."""
    for place, (case, own) in enumerate(logs.groupby("case", sort=False)):
        lines = own.pivot(index="iteration", columns="seed", values="loss")
        window = max(1, len(lines) // 10)
        ax.plot(lines.index, lines, color=_hue(place), alpha=0.25, linewidth=0.7)
        mean = lines.mean(axis=1).rolling(window, min_periods=1, center=True).mean()
        ax.plot(lines.index, mean, color=_hue(place), label=style.label(str(case)))
    ax.set(xlabel="iteration", ylabel="loss")
    ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    ax.legend(fontsize=6.5, frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0)


def draw_measure(logs: pd.DataFrame, judged: str, ax: Axes) -> None:
    """Draw what the last validation found: a dot per seed, a line at the mean."""
    ends = _ends(logs)
    names = list(dict.fromkeys(ends.case))
    for place, case in enumerate(names):
        values = ends.loc[ends.case == case, judged]
        ax.plot(values, [place] * len(values), "o", color=_hue(place), markersize=4, alpha=0.8)
        ax.vlines(values.mean(), place - 0.25, place + 0.25, color=_hue(place))
    ax.set_yticks(range(len(names)), [style.label(case) for case in names])
    ax.set_ylim(len(names) - 0.5, -0.5)
    ax.grid(axis="y", visible=False)
    ax.set_xlabel(AXES.get(judged, judged))
    ax.margins(x=0.15)


def figure(logs: pd.DataFrame, judged: str) -> style.PrintFigure:
    """Return the page-wide figure: loss, and the validation where there was one."""
    validated = judged in logs and logs[judged].notna().any()
    drawing = style.figure(style.PAGE, 2.3)
    axes = drawing.subplots(1, 2 if validated else 1, squeeze=False)[0]
    draw_loss(logs, axes[0])
    if validated:
        draw_measure(logs, judged, axes[1])
    return drawing


def report(results: Results, baseline: str) -> Section:
    """Write trainings.md, .tex, .csv, .png, .pdf and the caption; see `read` for what it raises."""
    logs = read(results)
    logs = logs.sort_values("case", key=lambda cases: cases != baseline, kind="stable")
    trials = trained(results.folder)
    check = trials[0]["config"]["training"].get("validation") or {}
    judged = str(check.get("best", JUDGED))
    compared = baseline if baseline in set(logs.case) else str(logs.case.iloc[0])
    numeric = prepare(logs, compared, judged)
    text = captions.join(recipe(trials), caption(check, numeric, compared, judged))
    table = trainings_table(numeric, text)
    return publish(results.folder, "trainings", "Trainings", table, lambda: figure(logs, judged), text)


def caption(check: Mapping[str, Any], numeric: pd.DataFrame, baseline: str, judged: str) -> str:
    """Return what was validated on, how the numbers came about, and what so few seeds cannot show."""
    dataset, seeds = check.get("dataset") or {}, int(numeric.n_seeds.max())
    size = [captions.plural(int(dataset[key]), noun) for key, noun in (("videos", "video"), ("frames", "frame"))
            if dataset.get(key)]  # fmt: skip
    on = captions.dataset_name(dataset) + (f": {' of '.join(size)}" if size else "")
    compared = "difference" in numeric and len(numeric) > 1
    return captions.join(
        "The loss over the iterations, every training faint, the mean over the seeds smoothed on top",
        "(left); the last validation of each training (right, and in the table mean ± standard deviation over seeds)."
        if dataset else "of each case.",
        f"Validated on {on}{policy(check)}." if dataset else "",
        "ρ: rank correlation with the true IoU, over the masks of all videos together, of the score relative to the "
        "first frame's and of the raw one." if dataset else "",
        f"Difference in {MEASURES.get(judged, judged)} to {style.label(baseline)}, seed by seed; better: the seeds on "
        "which it is above." if compared else "",
        f"{captions.plural(seeds, 'seed')}: an example, not a test." if seeds < FEW_SEEDS else "",
    )  # fmt: skip


def _ends(logs: pd.DataFrame) -> pd.DataFrame:
    """Each training's last known value of every measure."""
    return logs.groupby(["case", "seed"], sort=False).last().reset_index()


def _hue(place: int) -> str:
    return style.RESERVE[place % len(style.RESERVE)]
