"""Exact curves: the score at every value of a threshold, with every jump where it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from qpm.metrics.pairing import METRICS, VIDEO
from qpm.metrics.resampling import bootstrap, interval, pooled_mean
from qpm.report import captions, numbers, signs, style
from qpm.report.load import Results, trial_case
from qpm.report.publish import Section, publish
from qpm.report.signs import AXES, PAPER
from qpm.report.write import Table, write_text

FILE = "curves.parquet"  # beside a trial's rows, from `qpm.study.evaluate_curves`
RESAMPLES = 1999


def read(results: Results) -> dict[str, pd.DataFrame]:
    """Return the curves by case, of the lowest seed of each; cases without curves are left out."""
    found: dict[str, pd.DataFrame] = {}
    for trial in sorted(results.trials, key=lambda trial: int(trial["config"].get("seed", 0))):
        path = results.folder / "trials" / trial["folder"] / FILE
        if path.is_file() and trial_case(trial) not in found:
            found[trial_case(trial)] = pd.read_parquet(path)
    return found


def name(setting: str) -> str:
    """Return the last word of a setting: "keep.sigma_m" gives "sigma_m"."""
    return setting.rpartition(".")[2]


def settings(curves: pd.DataFrame) -> list[str]:
    """Return the settings that have a curve, in order."""
    return list(dict.fromkeys(curves.setting)) if len(curves) else []


def prepare(curves: pd.DataFrame, setting: str) -> pd.DataFrame:
    """Return the score over all objects at every value of one threshold.

    Parameters
    ----------
    curves : DataFrame
        One row per object and interval without a jump, of one case: ``setting low high dataset sequence object_id
        seen j f kept bank_frames``.
    setting : str
        Such as ``keep.sigma_m``.

    Returns
    -------
    DataFrame
        One row per interval between two jumps of any video, in order: ``low high`` (low <= threshold < high),
        ``metric measured``, ``difference lower upper`` (to the reference, 95 % cluster bootstrap over videos),
        ``reference`` (True where the paper's value lies, else at the lowest), ``kept_share
        bank_frames n_videos``.
    """
    rows = curves[curves.setting == setting].sort_values("low", kind="stable")
    ends = np.unique(rows[["low", "high"]].to_numpy())
    objects = list(rows.groupby([*VIDEO, "object_id"], sort=True))
    values = {column: np.stack([_at(group, column, ends[:-1]) for _, group in objects]) for column in ("j", "f")}
    kept, bank = (
        np.stack([_at(group, column, ends[:-1]) for _, group in objects]).mean(axis=0)
        for column in ("kept", "bank_frames")
    )
    seen = pd.Series([group.seen.iloc[0] for _, group in objects], dtype="boolean")
    metric = "G" if seen.nunique() == 2 else "J&F"
    videos = pd.factorize(pd.Series([key[:2] for key, _ in objects]))[0]
    sums, counts = _video_sums(values, seen, videos, metric)
    measured = pooled_mean(sums.sum(axis=0).T, counts.sum(axis=0))
    paper = PAPER.get(name(setting), -np.inf)
    reference = max(0, int(np.searchsorted(ends, paper, side="right")) - 1) if paper < ends[-1] else 0
    spread = [_interval(sums[:, :, place] - sums[:, :, reference], counts) for place in range(len(ends) - 1)]
    table = pd.DataFrame({"low": ends[:-1], "high": ends[1:], "metric": metric, "measured": measured})
    table["difference"] = measured - measured[reference]
    table[["lower", "upper"]] = np.array(spread)
    table["reference"] = np.arange(len(table)) == reference
    return table.assign(kept_share=kept, bank_frames=bank, n_videos=len(sums))


def draw(table: pd.DataFrame, setting: str, ax: Axes) -> None:
    """Draw the score as steps, and the interval of the difference to the reference as a band."""
    base = float(table.loc[table.reference, "measured"].iloc[0])
    ends = [*table.low, table.high.iloc[-1]]
    lower, upper = (base + table.lower).to_numpy(), (base + table.upper).to_numpy()
    ax.stairs(upper, ends, baseline=lower, fill=True, color=style.SCORE, alpha=0.15, linewidth=0)
    ax.stairs(table.measured, ends, baseline=None, color=style.SCORE, linewidth=1.2)
    _mark_paper(ax, setting)
    if name(setting) in PAPER:
        ax.annotate("paper", (PAPER[name(setting)], 1.0), xycoords=("data", "axes fraction"), xytext=(3, -7),
                    textcoords="offset points", fontsize=7, color=style.PAPER_VALUE,
                    bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5})  # fmt: skip
    ax.set(ylabel=str(table.metric.iloc[0]), xlim=(ends[0], ends[-1]))


def draw_memory(table: pd.DataFrame, setting: str, ax: Axes) -> Axes:
    """Draw the share of frames that are kept (left axis) and how many are read (right axis, returned), as steps."""
    ends, right = [*table.low, table.high.iloc[-1]], ax.twinx()
    ax.stairs(100 * table.kept_share, ends, baseline=None, color=style.KEPT, linewidth=1.2)
    right.stairs(table.bank_frames, ends, baseline=None, color=style.BANK, linewidth=1.2, linestyle="--")
    right.spines["right"].set_visible(True)
    right.grid(visible=False)
    _mark_paper(ax, setting)
    ax.set_xlabel(AXES.get(name(setting), setting))
    return right


def figure(tables: dict[str, pd.DataFrame]) -> style.PrintFigure:
    """Return one column of panels for each threshold; the score has one scale."""
    drawing, banks = style.figure(style.PAGE if len(tables) > 1 else style.COLUMN, 3.0), list[Axes]()
    axes = drawing.subplots(2, len(tables), sharex="col", sharey="row", height_ratios=[3, 2], squeeze=False)
    for column, (setting, table) in enumerate(tables.items()):
        draw(table, setting, axes[0, column])
        banks.append(draw_memory(table, setting, axes[1, column]))
        title = f"{'abcdefgh'[column]}  {AXES.get(name(setting), setting)}"
        axes[0, column].set_title(title if len(tables) > 1 else "")
        if column:
            axes[0, column].set_ylabel("")
    axes[0, 0].set_ylim(*span(list(tables.values())))
    axes[1, 0].set_ylabel("kept (%)", color=style.KEPT)
    banks[-1].set_ylabel("bank (frames)", color=style.BANK)
    axes[1, 0].set_ylim(0, style.headroom(100 * table.kept_share.max() for table in tables.values()))
    for bank in banks:
        bank.set_ylim(0, style.headroom(table.bank_frames.max() for table in tables.values()))
    drawing.align_ylabels(axes[:, 0])
    return drawing


def span(tables: list[pd.DataFrame], least: float = 0.005) -> tuple[float, float]:
    """Return the limits of the score's axis: lines and bands whole, and half a point to both sides of the reference."""
    ends = []
    for table in tables:
        base = float(table.loc[table.reference, "measured"].iloc[0])
        band = np.concatenate([table.measured, base + table.lower.fillna(0), base + table.upper.fillna(0)])
        ends += [band.min(), band.max(), base - least, base + least]
    margin = 0.06 * (max(ends) - min(ends))
    return min(ends) - margin, max(ends) + margin


def summary(tables: dict[str, pd.DataFrame], caption: str, stem: str = "curves") -> Table:
    """Return a line for the paper's value, the widest plateau and the best value of each threshold."""
    cells, kept = [], []
    for setting, table in tables.items():
        width = table.high - table.low
        places = {
            "reference": int(np.flatnonzero(table.reference)[0]),
            "widest step": int(np.argmax(width)),
            "best, in hindsight": int(np.argmax(table.measured)),
        }
        for what, place in places.items():
            row = table.iloc[place]
            kept.append({"threshold": name(setting), "what": what, **row.to_dict(), "steps": len(table)})
            cells.append(_cells(setting, what, row, table))
    return Table(pd.DataFrame(cells), pd.DataFrame(kept), caption, stem, left=("Threshold", "Step"))


def report(results: Results, curves: pd.DataFrame, of: str = "") -> Section:
    """Write curves.png, .pdf, .txt, a summary as curves.md, .tex, .csv, and every step as curve_<threshold>.csv.

    `of` tells the case in the names of the files and in the title, where a study has curves of several.
    """
    stem, end = (f"curves_{of}", f"_{of}") if of else ("curves", "")
    tables = {setting: prepare(curves, setting) for setting in settings(curves)}
    case = str(curves.case.iloc[0])
    text = caption(results, case, tables)
    printed = summary(tables, table_caption(results, case, tables), stem)
    title = f"Exact curves of {style.label(of)}" if of else "Exact curves"
    section = publish(results.folder, stem, title, printed, lambda: figure(tables), text)
    steps = [_write_steps(results.folder, f"{name(setting)}{end}", table) for setting, table in tables.items()]
    return Section(stem, title, (*section.files, *steps), printed, section.figure, text)


def caption(results: Results, case: str, tables: dict[str, pd.DataFrame]) -> str:
    """Return the caption of the figure."""
    metric = next(iter(tables.values())).metric.iloc[0]
    ranges = " and ".join(
        f"{signs.sign(name(setting))} from {table.low.iloc[0]:g} to {table.high.iloc[-1]:g}"
        for setting, table in tables.items()
    )
    what = (
        f"{metric} of {style.label(case)} at every value of {ranges}, all else as it is: between two jumps nothing "
        "changes. Band: 95 % interval of the paired difference to the step of the paper's value (dashed; bootstrap "
        "over videos). Below: share of frames kept, and frames read (dashed line, right axis)."
    )
    return captions.join(what, _about(results, tables))


def table_caption(results: Results, case: str, tables: dict[str, pd.DataFrame]) -> str:
    """Return the caption of the table."""
    metric = next(iter(tables.values())).metric.iloc[0]
    what = (
        f"{metric} of {style.label(case)} at three steps of each curve: the paper's value (reference), the widest, and "
        "the best in hindsight. From and To: the values of the threshold between which nothing changes; ≤ and ≥: the "
        "curve ends there, the step may go on. Difference: to the reference, with the 95 % interval (bootstrap over "
        "videos). Kept: share of frames that entered memory by the keep rule; bank: frames read, on average; steps: "
        "all of the curve; n: videos."
    )
    return captions.join(what, captions.measure(metric), _about(results, tables))


def _about(results: Results, tables: dict[str, pd.DataFrame]) -> str:
    n = int(next(iter(tables.values())).n_videos.iloc[0])
    few = f"{captions.plural(n, 'video')}: a bootstrap over so few is no interval to rely on."
    unreliable = few if n < captions.FEWEST_VIDEOS else ""
    return captions.join(captions.data(results), captions.network(results), unreliable)


def _at(group: pd.DataFrame, column: str, points: np.ndarray) -> np.ndarray:
    """The value of an object's steps, which are sorted, at each point."""
    return group[column].to_numpy()[np.searchsorted(group.low.to_numpy(), points, side="right") - 1]


def _video_sums(
    values: dict[str, np.ndarray], seen: pd.Series, videos: np.ndarray, metric: str
) -> tuple[np.ndarray, np.ndarray]:
    """(V, C, P) sums over each video's objects for the columns of the metric, and (V, C) counts."""
    columns = METRICS[metric]
    sums = np.zeros((videos.max() + 1, len(columns), values["j"].shape[1]))
    counts = np.zeros(sums.shape[:2])
    for column, (measure, flag) in enumerate(columns):
        everyone = np.ones(len(seen), dtype=bool)
        member = everyone if flag is None else (seen == flag).fillna(False).to_numpy(dtype=bool)
        np.add.at(sums[:, column], videos[member], values[measure[0]][member])
        np.add.at(counts[:, column], videos[member], 1)
    return sums, counts


def _interval(sums: np.ndarray, counts: np.ndarray) -> tuple[float, float]:
    return interval(sums, counts, bootstrap(sums, counts, RESAMPLES))


def _cells(setting: str, what: str, row: pd.Series, table: pd.DataFrame) -> dict[str, str]:
    first, last = row.low == table.low.iloc[0], row.high == table.high.iloc[-1]
    return {
        "Threshold": signs.sign(name(setting)),
        "Step": what,
        "From": ("≤ " if first else "") + numbers.fixed(row.low, 4),
        "To": ("≥ " if last else "") + numbers.fixed(row.high, 4),
        str(row.metric): numbers.fixed(row.measured),
        "Difference [95 %]": "" if row.reference else numbers.interval(row.difference, row.lower, row.upper),
        "Kept": numbers.share(row.kept_share),
        "Bank": numbers.fixed(row.bank_frames, 1),
        "Steps": numbers.count(len(table)),
        "n": numbers.count(row.n_videos),
    }


def _write_steps(folder: Path, what: str, table: pd.DataFrame) -> Path:
    path = folder / f"curve_{what}.csv"
    write_text(path, table.to_csv(index=False, float_format="%.9g", lineterminator="\n"))
    return path


def _mark_paper(ax: Axes, setting: str) -> None:
    if name(setting) in PAPER:
        ax.axvline(PAPER[name(setting)], color=style.PAPER_VALUE, linewidth=0.8, linestyle="--")

