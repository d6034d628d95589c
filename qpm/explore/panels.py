"""The panels of the explorer: a frame with its masks, the gate, the memory frames, and the video over time."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qpm.explore.view import View
from qpm.images import outline, overlay
from qpm.report import numbers, style, timeline
from qpm.report.pictures import rim

MARK = "#ffffff"


def draw(figure: Figure, view: View, history: pd.DataFrame, gates: tuple[float | None, float | None]) -> Axes:
    """Draw all panels into an empty figure; return the axes of the frame, whose pixels can be chosen.

    Parameters
    ----------
    figure : Figure
    view : View
    history : DataFrame
        `timeline.prepare` of the video.
    gates : (sigma_m, sigma_en)
    """
    frames = max(1, len(view.memory))
    grid = figure.add_gridspec(3, 1, height_ratios=[3.2, 1.6, 2.4])
    above, middle = grid[0].subgridspec(1, 2), grid[1].subgridspec(1, frames)
    frame = figure.add_subplot(above[0])
    draw_frame(view, frame)
    draw_gate(view, figure.add_subplot(above[1]))
    for place, index in enumerate(view.memory):
        draw_memory(view, index, figure.add_subplot(middle[place]))
    if not view.memory:
        note(figure.add_subplot(middle[0]), "nothing was read: the mask of this object is given here, or later")
    time = figure.add_subplot(grid[2])
    timeline.draw(history, time, *gates)
    time.axvline(view.index, color="#333333", linewidth=1)
    return frame


def draw_frame(view: View, ax: Axes) -> None:
    """Draw the frame with its masks; the outline of the truth is white, the chosen pixel a cross."""
    picture = overlay(view.frame, view.labels, 0.5, rim(view.frame))
    if view.truth is not None:
        picture[outline(view.truth, rim(view.frame))] = 255
    ax.imshow(picture)
    _cross(view, ax)
    blank(ax)
    ax.set_title(f"frame {view.index}: masks; white, the truth")


def draw_gate(view: View, ax: Axes) -> None:
    """Draw the prior gate over the frame, bright where it lets the feature pass."""
    if view.gate is None:
        note(ax, "no prior enhancement on this frame")
        return
    ax.imshow(view.frame.mean(axis=2), cmap="gray")
    shown = ax.imshow(view.gate, cmap="viridis", vmin=0, vmax=1, alpha=0.65)
    bar = ax.figure.colorbar(shown, ax=ax, fraction=0.04, pad=0.02)
    bar.ax.tick_params(labelsize=6)
    blank(ax)
    ax.set_title("prior gate (Eq. 4)")


def draw_memory(view: View, index: int, ax: Axes) -> None:
    """Draw a memory frame, bright where the chosen pixel read it."""
    weights = view.affinity[index]
    most = max(float(cells.max()) for cells in view.affinity.values()) or 1.0
    ax.imshow(view.memory[index].mean(axis=2), cmap="gray", vmin=0, vmax=330)
    ax.imshow(weights / most, cmap="magma", vmin=0, vmax=1, alpha=np.clip(3 * weights / most, 0, 0.85))
    blank(ax)
    share = view.entries.set_index("frame")["read"][index]
    ax.set_title(f"frame {index}: {numbers.share(share)} of the read", fontsize=7, weight="normal", loc="center")


def note(ax: Axes, words: str) -> None:
    """Say why a panel is empty."""
    ax.set_axis_off()
    ax.text(0.5, 0.5, words, ha="center", va="center", color=style.PAPER_VALUE, transform=ax.transAxes)


def blank(ax: Axes) -> None:
    """No ticks, no grid: a picture."""
    ax.set(xticks=[], yticks=[])
    ax.grid(visible=False)


def _cross(view: View, ax: Axes) -> None:
    row, column = view.pixel
    ax.plot([column], [row], "+", color="black", markersize=13, markeredgewidth=3)
    ax.plot([column], [row], "+", color=MARK, markersize=12, markeredgewidth=1.4)
