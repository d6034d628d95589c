"""A score over two thresholds: the difference to one point, its plateau, and what can be told apart from it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from qpm.report import captions, numbers
from qpm.report.signs import AXES

FEW = 9  # values of a setting up to which a heatmap has its numbers in it
COLOURED = 0.9  # share of the differences that a large heatmap's colours span; the rest have the deepest
PLATEAU = 0.01  # difference to the reference below which a point is on its plateau


def draw(table: pd.DataFrame, ax: Axes) -> None:
    """Draw the difference to the reference over two settings.

    Outlined is the plateau (`PLATEAU`); of many points those are hatched whose interval holds no zero.
    """
    across, up = str(table.columns[0]), str(table.columns[1])
    grid = table.pivot(index=up, columns=across, values="difference").sort_index(ascending=False)
    apart = table.assign(apart=told_apart(table)).pivot(index=up, columns=across, values="apart").loc[grid.index]
    level = grid.abs().to_numpy() < PLATEAU
    large, limit = is_large(table, [across, up]), colour_limit(table)
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
    ax.set(xlabel=AXES.get(across, across), ylabel=AXES.get(up, up))
    ax.grid(visible=False)


def is_large(table: pd.DataFrame, keys: Sequence[str]) -> bool:
    """Return whether a grid over the keys has too many points for a number in each cell."""
    return bool(table[list(keys)].nunique().max() > FEW)


def told_apart(table: pd.DataFrame) -> pd.Series:
    """Return which points differ from the reference by more than chance: their interval holds no zero."""
    return ~((table.low <= 0) & (table.high >= 0))


def colour_limit(table: pd.DataFrame) -> float:
    """Return the difference that has the deepest colour: the largest; of many points only most reach it."""
    across, up = str(table.columns[0]), str(table.columns[1])
    sizes = table.difference.abs()
    return max(float(sizes.quantile(COLOURED) if is_large(table, [across, up]) else sizes.max()), 1e-6)


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


def words(table: pd.DataFrame, keys: Sequence[str], metric: str, reference: str) -> str:
    """Return what the heatmap shows, for its caption; `reference` names the point that the others are compared with."""
    large = is_large(table, keys)
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
