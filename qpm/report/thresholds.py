"""What a threshold costs or gains: the score over the values that a study's grid gave it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from qpm.report import captions, cases, curves, heatmap, numbers, signs, style
from qpm.report.load import NotMeasuredError, Results
from qpm.report.publish import Section, publish, together
from qpm.report.signs import AXES, PAPER
from qpm.report.write import Table

MANY = 60  # points up to which a table is printed whole; the csv always is


def grid_values(case: str) -> dict[str, float]:
    """Return the numbers in a case's name: "qpm,sigma_m=0.6" gives {"sigma_m": 0.6}."""
    found = re.findall(r"(?:^|,)([A-Za-z_][\w.]*)=(-?[\d.]+(?:e-?\d+)?)(?=,|$)", case)
    return {name: float(value) for name, value in found}


def swept(rows: pd.DataFrame) -> tuple[str, ...]:
    """Return the settings that take more than one value in the cases' names, the paper's thresholds first."""
    points = pd.DataFrame([grid_values(case) for case in dict.fromkeys(rows.case)])
    names = [name for name in points.columns if points[name].nunique() > 1]
    return tuple(sorted(names, key=lambda name: (name not in PAPER, name != "sigma_m", name)))


def families(rows: pd.DataFrame, keys: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Return the rows of each grid over the keys: of every named case, and of every point of the other settings.

    The grid "qpm,n=5" is of the cases "qpm,n=5,sigma_m=0.6" and so on; that of a study without other names is "".
    """
    cases_of: dict[str, list[str]] = {}
    for case in dict.fromkeys(rows.case):
        if keys and all(key in grid_values(case) for key in keys):
            rest = [part for part in case.split(",") if part.partition("=")[0] not in keys]
            cases_of.setdefault(",".join(rest), []).append(case)
    return {family: rows[rows.case.isin(named)] for family, named in cases_of.items()}


def prepare(rows: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """Return the score and the memory at each point of the grid.

    Parameters
    ----------
    rows : DataFrame
        The tidy table (`qpm.rows`) of one grid (`families`), its cases named as it names them
        (``qpm,sigma_m=0.6``).
    keys : sequence of str
        One or two settings of the grid, such as ``sigma_m``.

    Returns
    -------
    DataFrame
        The keys, ``case metric measured``, ``difference low high p p_holm`` to the reference (the point nearest
        to the paper's values), ``reference`` (True there) and ``kept_share bank_frames n_videos``, in the order
        of the keys. The reference's interval is the point itself.

    Raises
    ------
    NotMeasuredError
        If no case's name holds the keys, or several have the same values of them.
    """
    values = {case: grid_values(case) for case in dict.fromkeys(rows.case)}
    points = {case: found for case, found in values.items() if all(key in found for key in keys)}
    if not keys or not points:
        named = ", ".join(keys) or "a setting of a grid"
        raise NotMeasuredError(f"no case of the study is named by {named}; cases: {', '.join(values)}")
    places = [tuple(found[key] for key in keys) for found in points.values()]
    if twice := next((place for place in places if places.count(place) > 1), None):
        named = ", ".join(case for case, place in zip(points, places, strict=True) if place == twice)
        raise NotMeasuredError(f"several cases stand at one point of {', '.join(keys)}: {named}")
    reference = min(
        points, key=lambda case: sum(abs(points[case][key] - PAPER.get(key, 0.0)) for key in keys)
    )
    table = cases.compare(rows[rows.case.isin(points)], reference)
    table = pd.DataFrame([points[case] for case in table.case])[list(keys)].join(table)
    table["reference"] = table.case == reference
    table[["difference", "low", "high"]] = table[["difference", "low", "high"]].fillna(0.0)
    order = [*keys, "case", "metric", "measured", "difference", "low", "high", "p", "p_holm", "reference"]
    table = table[[*order, "kept_share", "bank_frames", "n_videos"]]
    return table.sort_values(list(keys), ignore_index=True)


def draw(table: pd.DataFrame, ax: Axes) -> None:
    """Draw the score over the first column; the band is the interval of the difference to the reference."""
    key = str(table.columns[0])
    base = float(table.loc[table.reference, "measured"].iloc[0])
    ax.fill_between(
        table[key], base + table.low, base + table.high, color=style.SCORE, alpha=0.15, linewidth=0
    )
    ax.plot(table[key], table.measured, "o-", color=style.SCORE, markeredgecolor="white")
    mark_paper(ax, key)
    ax.set_ylabel(str(table.metric.iloc[0]))
    if key in PAPER:
        ax.annotate("paper", (PAPER[key], 1.0), xycoords=("data", "axes fraction"), xytext=(3, -7),
                    textcoords="offset points", fontsize=7, color=style.PAPER_VALUE)  # fmt: skip


def draw_memory(table: pd.DataFrame, ax: Axes) -> None:
    """Draw the kept share (left axis) and the frames read (right axis) over the first column."""
    key, right = str(table.columns[0]), ax.twinx()
    ax.plot(table[key], 100 * table.kept_share, "s-", color=style.KEPT, markeredgecolor="white")
    right.plot(table[key], table.bank_frames, "^--", color=style.BANK, markeredgecolor="white")
    ax.set_ylabel("kept (%)", color=style.KEPT)
    right.set_ylabel("bank (frames)", color=style.BANK)
    right.spines["right"].set_visible(True)
    right.grid(visible=False)
    for axis, top in ((ax, 100 * table.kept_share.max()), (right, table.bank_frames.max())):
        axis.set_ylim(0, style.headroom([top]))
    mark_paper(ax, key)
    ax.set_xlabel(AXES.get(key, key))


def mark_paper(ax: Axes, key: str) -> None:
    """Draw the paper's value of a threshold as a dashed line."""
    if key in PAPER:
        ax.axvline(PAPER[key], color=style.PAPER_VALUE, linewidth=0.8, linestyle="--")


def figure(table: pd.DataFrame, keys: Sequence[str]) -> style.PrintFigure:
    """Return the column-wide figure: curve and memory for one setting, a heatmap for two."""
    if len(keys) > 1:
        large = heatmap.is_large(table, keys)
        drawing = style.figure(style.PAGE * 0.75 if large else style.COLUMN, 4.2 if large else 2.6)
        heatmap.draw(table, drawing.subplots())
        return drawing
    drawing = style.figure(style.COLUMN, 3.0)
    top, bottom = drawing.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    draw(table, top)
    draw_memory(table, bottom)
    return drawing


def caption(results: Results, table: pd.DataFrame, keys: Sequence[str]) -> str:
    """Return the caption of the figure."""
    reference = ", ".join(f"{signs.sign(key)} = {table.loc[table.reference, key].iloc[0]:g}" for key in keys)
    metric = str(table.metric.iloc[0])
    what = (
        heatmap.words(table, keys, metric, reference)
        if len(keys) > 1
        else f"{metric} over {signs.sign(keys[0])}; the band is the 95 % interval of the paired difference to "
        f"{reference} (bootstrap over videos). Below: share of frames kept and frames read. Dashed: the paper's value."
    )
    listed = f"The table lists the reference and the ten best of {len(table)} points, in hindsight."
    others = table[~table.reference]
    return captions.join(
        what,
        listed if len(table) > MANY else "",
        captions.measure(metric),
        captions.data(results),
        captions.network(results),
        captions.test(others, reference),
        captions.small_sample(others),
    )


def threshold_table(
    numeric: pd.DataFrame, keys: Sequence[str], caption: str, stem: str = "thresholds"
) -> Table:
    """Return the points of the figure as a table."""
    shown = printed(numeric)
    cells = pd.DataFrame({signs.sign(key): [f"{value:g}" for value in shown[key]] for key in keys})
    cells[str(numeric.metric.iloc[0])] = [numbers.fixed(value) for value in shown.measured]
    cells["Difference [95 %]"] = [
        "" if row.reference else numbers.interval(row.difference, row.low, row.high) for row in shown.itertuples()
    ]
    cells["p"] = [numbers.probability(p) for p in shown.p_holm]
    cells["Kept"] = [numbers.share(value) for value in shown.kept_share]
    cells["Bank"] = [numbers.fixed(value, 1) for value in shown.bank_frames]
    cells["n"] = [numbers.count(value) for value in shown.n_videos]
    reference = int(np.flatnonzero(shown.reference)[0])
    return Table(cells, numeric, caption, stem, bold=(reference,))


def printed(numeric: pd.DataFrame) -> pd.DataFrame:
    """Return the points that a reader sees: all, or of many the reference and the ten best (in hindsight)."""
    if len(numeric) <= MANY:
        return numeric
    best = numeric.measured.sort_values(ascending=False, kind="stable").index[:10]
    return numeric[numeric.reference | numeric.index.isin(best)].reset_index(drop=True)


def report(results: Results, keys: Sequence[str] = ()) -> Section:
    """Write the points of a grid as thresholds.png, .pdf, .txt, .md, .tex, .csv; exact curves where trials have some.

    Without `keys` it is over what the study sweeps. A large grid is printed where the score is best and at the
    reference; thresholds.csv has every point.
    """
    exact = curves.read(results)
    parts = [curves.report(results, own, case if len(exact) > 1 else "") for case, own in exact.items()]
    keys = tuple(keys) or swept(results.rows)[:2]
    grids = families(results.rows, keys)
    for family, rows in grids.items():
        parts.append(_grid(replace(results, rows=rows), keys, family if len(grids) > 1 else ""))
    if not parts:
        raise NotMeasuredError(f"no grid over {', '.join(keys) or 'a setting'}, and no trial with `curves`")
    return parts[0] if len(parts) == 1 else together("thresholds", "Thresholds", parts)


def _grid(results: Results, keys: Sequence[str], of: str) -> Section:
    numeric = prepare(results.rows, keys)
    text = caption(results, numeric, keys)
    stem, end = (f"thresholds_{of}", f" of {style.label(of)}") if of else ("thresholds", "")
    printed = threshold_table(numeric, keys, text, stem)
    title = f"Threshold{'s' if len(keys) > 1 else ''} {' and '.join(map(signs.sign, keys))}{end}"
    return publish(results.folder, stem, title, printed, lambda: figure(numeric, keys), text)
