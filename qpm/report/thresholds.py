"""What a threshold costs or gains: the score over the values that a study's grid gave it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from qpm.report import captions, cases, curves, numbers, style
from qpm.report.curves import PAPER, SIGNS
from qpm.report.load import NotMeasuredError, Results
from qpm.report.publish import Section, publish, together
from qpm.report.write import Table

FEW = 9  # values of a setting up to which a heatmap has its numbers in it
COLOURED = 0.9  # share of the differences that a large heatmap's colours span; the rest have the deepest
PLATEAU = 0.01  # difference to the reference below which a point is on its plateau
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
    ax.set_xlabel(SIGNS.get(key, key))


def draw_heatmap(table: pd.DataFrame, ax: Axes) -> None:
    """Draw the difference to the reference over two settings.

    Outlined is the plateau (`PLATEAU`); of many points those are hatched whose interval holds no zero.
    """
    across, up = str(table.columns[0]), str(table.columns[1])
    grid = table.pivot(index=up, columns=across, values="difference").sort_index(ascending=False)
    apart = table.assign(apart=told_apart(table)).pivot(index=up, columns=across, values="apart").loc[grid.index]
    level = grid.abs().to_numpy() < PLATEAU
    large, limit = max(grid.shape) > FEW, colour_limit(table)
    image = ax.imshow(100 * grid, cmap="RdBu", vmin=-100 * limit, vmax=100 * limit, aspect="auto")
    if not large:
        _write_numbers(grid, level, limit, ax, _reference_place(table, grid))
    else:
        ax.plot(*_reference_place(table, grid), "x", color="black", markersize=5)
        bar = ax.figure.colorbar(image, ax=ax, shrink=0.9, pad=0.02, extend="both")
        bar.set_label("difference (points of 100)")
    outline(level, ax)
    if large:
        hatch(apart.eq(True).to_numpy(), ax)  # not where nobody measured
    ax.set_xticks(range(grid.shape[1]), [f"{value:g}" for value in grid.columns])
    ax.set_yticks(range(grid.shape[0]), [f"{value:g}" for value in grid.index])
    if large:
        ax.tick_params(labelsize=6)
        ax.tick_params(axis="x", rotation=90)
    ax.set(xlabel=SIGNS.get(across, across), ylabel=SIGNS.get(up, up))
    ax.grid(visible=False)


def told_apart(table: pd.DataFrame) -> pd.Series:
    """Return which points differ from the reference by more than chance: their interval holds no zero."""
    return ~((table.low <= 0) & (table.high >= 0))


def colour_limit(table: pd.DataFrame) -> float:
    """Return the difference that has the deepest colour: the largest; of many points only most reach it."""
    across, up = str(table.columns[0]), str(table.columns[1])
    sizes = table.difference.abs()
    large = table[[across, up]].nunique().max() > FEW
    return max(float(sizes.quantile(COLOURED) if large else sizes.max()), 1e-6)


def _write_numbers(
    grid: pd.DataFrame, level: np.ndarray, limit: float, ax: Axes, reference: tuple[int, int]
) -> None:
    """Each difference in its cell; a cross at the point that the others are compared with."""
    for (row, column), difference in np.ndenumerate(grid.to_numpy()):
        heavy = "bold" if level[row, column] else "normal"
        ink = "white" if abs(difference) > 0.65 * limit else "black"
        text = "×" if (column, row) == reference else numbers.signed(100 * difference, 1)
        ax.text(column, row, text, ha="center", va="center", fontsize=6.5, color=ink, weight=heavy)


def _reference_place(table: pd.DataFrame, grid: pd.DataFrame) -> tuple[int, int]:
    """Column and row of the point that the others are compared with."""
    across, up = str(table.columns[0]), str(table.columns[1])
    point = table[table.reference].iloc[0]
    return int(grid.columns.get_loc(point[across])), int(grid.index.get_loc(point[up]))


def outline(inside: np.ndarray, ax: Axes) -> None:
    """Draw a line between cells that are inside and cells that are not."""
    padded = np.pad(inside, 1)
    for row, column in np.argwhere(padded[1:-1, 1:] != padded[1:-1, :-1]):
        ax.plot([column - 0.5] * 2, [row - 0.5, row + 0.5], color="black", linewidth=1.2, clip_on=False)
    for row, column in np.argwhere(padded[1:, 1:-1] != padded[:-1, 1:-1]):
        ax.plot([column - 0.5, column + 0.5], [row - 0.5] * 2, color="black", linewidth=1.2, clip_on=False)


def hatch(outside: np.ndarray, ax: Axes) -> None:
    """Strike out the cells that are outside."""
    for row, column in np.argwhere(outside):
        place = (column - 0.5, row - 0.5)
        ax.add_patch(Rectangle(place, 1, 1, fill=False, hatch="////", edgecolor="#00000055", linewidth=0))


def mark_paper(ax: Axes, key: str) -> None:
    """Draw the paper's value of a threshold as a dashed line."""
    if key in PAPER:
        ax.axvline(PAPER[key], color=style.PAPER_VALUE, linewidth=0.8, linestyle="--")


def figure(table: pd.DataFrame, keys: Sequence[str]) -> style.PrintFigure:
    """Return the column-wide figure: curve and memory for one setting, a heatmap for two."""
    if len(keys) > 1:
        large = table[list(keys)].nunique().max() > FEW
        drawing = style.figure(style.PAGE * 0.75 if large else style.COLUMN, 4.2 if large else 2.6)
        draw_heatmap(table, drawing.subplots())
        return drawing
    drawing = style.figure(style.COLUMN, 3.0)
    top, bottom = drawing.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    draw(table, top)
    draw_memory(table, bottom)
    return drawing


def caption(results: Results, table: pd.DataFrame, keys: Sequence[str]) -> str:
    """Return the caption of the figure."""
    reference = ", ".join(f"{style.sign(key)} = {table.loc[table.reference, key].iloc[0]:g}" for key in keys)
    metric = str(table.metric.iloc[0])
    what = (
        _of_heatmap(table, keys, metric, reference)
        if len(keys) > 1
        else f"{metric} over {style.sign(keys[0])}; the band is the 95 % interval of the paired difference to "
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


def _of_heatmap(table: pd.DataFrame, keys: Sequence[str], metric: str, reference: str) -> str:
    large = table[list(keys)].nunique().max() > FEW
    limit, most = 100 * colour_limit(table), 100 * float(table.difference.abs().max())
    return captions.join(
        f"Difference in {metric} (points of 100) to {reference} (the cross) over the two thresholds; outlined"
        f"{'' if large else ' and bold'}: the plateau, less than {100 * PLATEAU:g} point away.",
        "Hatched: the 95 % interval of the paired difference (bootstrap over videos) holds no zero; elsewhere these "
        "videos cannot tell, which is not the same as no difference."
        if large
        else "",
        f"The deepest colour stands for ±{limit:.1f} and beyond (up to {most:.1f})." if most > limit * 1.001 else "",
    )


def threshold_table(
    numeric: pd.DataFrame, keys: Sequence[str], caption: str, stem: str = "thresholds"
) -> Table:
    """Return the points of the figure as a table."""
    shown = printed(numeric)
    cells = pd.DataFrame({style.sign(key): [f"{value:g}" for value in shown[key]] for key in keys})
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
    title = f"Threshold{'s' if len(keys) > 1 else ''} {' and '.join(map(style.sign, keys))}{end}"
    return publish(results.folder, stem, title, printed, lambda: figure(numeric, keys), text)
