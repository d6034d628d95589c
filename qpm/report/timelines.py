"""Every video of a case over time, small: where the score follows the true IoU and where it does not."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from qpm.report import captions, style, timeline, timeline_chosen
from qpm.report.load import Results
from qpm.report.publish import Section, publish, together

COLUMNS = 5
MOST = 40  # videos on one page


def prepare(rows: pd.DataFrame, case: str, baseline: str | None = None) -> pd.DataFrame:
    """Return `timeline.prepare` of every video, with its name as ``sequence``, in the order of their names."""
    videos = dict(iter(rows[rows.case.isin([case, baseline])].groupby("sequence")))
    names = sorted(rows[rows.case == case].sequence.unique())
    tables = [timeline.prepare(videos[name], case, name, baseline).assign(sequence=name) for name in names]
    return pd.concat(tables, ignore_index=True)


def draw(table: pd.DataFrame, ax: Axes) -> None:
    """Draw score, IoU and the baseline's IoU of one video; marks below are frames that entered memory.

    Shaded: the object is absent.
    """
    timeline.shade_absence(table, ax)
    ax.plot(table.frame_index, table.iou_baseline, color=style.BASELINE, linewidth=0.8)
    ax.plot(table.frame_index, table.iou_true, color=style.IOU, linewidth=1.0)
    ax.plot(table.frame_index, table.score, color=style.SCORE, linewidth=1.0, linestyle=(0, (4, 1)))
    kept = table[table.kept]
    ax.plot(kept.frame_index, [-0.09] * len(kept), "|", color="#333333", markersize=3, markeredgewidth=0.8)
    ax.set(xlim=(0, max(1, table.frame_index.max())), ylim=(-0.18, 1.15), yticks=[0, 0.5, 1])
    ax.set_title(style.shorten(str(table.sequence.iloc[0])), fontsize=6, weight="normal", pad=2)
    ax.tick_params(labelsize=5.5, pad=1, length=0)
    ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))


def figure(table: pd.DataFrame, baseline: str) -> style.PrintFigure:
    """Return the page-wide grid of the first forty videos."""
    names = list(dict.fromkeys(table.sequence))[:MOST]
    columns = min(COLUMNS, len(names))
    lines = -(-len(names) // columns)
    drawing = style.figure(style.PAGE, 0.6 + 0.92 * lines)
    axes = drawing.subplots(lines, columns, squeeze=False, sharey=True)
    one_length = table.groupby("sequence").frame_index.max().nunique() == 1
    for place, (name, ax) in enumerate(zip(names, axes.ravel(), strict=False)):
        draw(table[table.sequence == name], ax)
        ax.tick_params(labelbottom=not one_length or place + columns >= len(names))  # below the last of each column
    for ax in axes.ravel()[len(names) :]:
        ax.set_axis_off()
    drawing.supxlabel("frame", fontsize=8)
    drawing.supylabel("score, IoU", fontsize=8)
    shown = table[table.sequence.isin(names)]
    drawn: list[Line2D | Patch] = [
        Line2D([], [], color=style.SCORE, linestyle=(0, (4, 1)), label="score"),
        Line2D([], [], color=style.IOU, label="true IoU"),
        Line2D([], [], color=style.BASELINE, label=timeline.iou_under(baseline)),
        Line2D([], [], color="#333333", marker="|", linestyle="none", label="kept"),
    ]
    if (shown.absent > 0).any():
        drawn.append(Patch(color=timeline.ABSENT, label="object absent"))
    drawing.legend(handles=drawn, loc="outside upper center", ncols=5)
    return drawing


def overview(results: Results, case: str = "qpm", baseline: str = "stm") -> Section:
    """Write timelines.png, .pdf and the caption: the overview that stands below the few videos of `timeline_chosen`."""
    table = prepare(results.rows, case, baseline)
    n = table.sequence.nunique()
    shown = f"the first {MOST} of {n} videos" if n > MOST else captions.plural(n, "video")
    drawn = table[table.sequence.isin(np.sort(table.sequence.unique())[:MOST])]
    caption = captions.join(
        f"Predicted score (relative to the first frame) and true IoU under {style.label(case)} over the frames of "
        f"{shown}, means over the objects; grey, the {timeline.iou_under(baseline)}; marks below: frames that the keep "
        "rule memorised.",
        timeline.absence(drawn),
        captions.data(results),
        captions.network(results),
    )
    title = f"The first {MOST} videos over time" if n > MOST else "Every video over time"
    return publish(results.folder, "timelines", title, draw=lambda: figure(drawn, baseline), caption=caption)


def report(results: Results, case: str = "qpm", baseline: str = "stm") -> Section:
    """Write the videos chosen by rule (`timeline_chosen`), and the overview of all."""
    parts = (timeline_chosen.report(results, case, baseline), overview(results, case, baseline))
    return together("timeline", "Over time", parts)
