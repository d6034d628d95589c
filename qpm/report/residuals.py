"""Where the score errs: score minus true IoU against the IoU itself, the object's size, the time, the challenge."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, MultipleLocator, NullLocator

from qpm.report import captions, style
from qpm.report.attributes import words
from qpm.report.load import Results
from qpm.report.publish import Section, publish
from qpm.report.score_samples import KINDS, gated_kind, samples

BINS = 8
MIN_COUNT = 20  # groups with fewer samples are drawn hollow
LABELS = {
    "iou": "true IoU",
    "area": "area of the object (share of the frame)",
    "since": "frames since the object was given",
}
TITLES = {"iou": "by quality", "area": "by size", "since": "over time"}
QUANTILES = {"q10": 0.1, "q25": 0.25, "median": 0.5, "q75": 0.75, "q90": 0.9}


def prepare(rows: pd.DataFrame, case: str, kind: str = "score") -> pd.DataFrame:
    """Return the distribution of score - IoU in bins of the IoU, the area and the time, and by attribute.

    Bins of the IoU have one width, those of area and time hold equally many samples. A sample counts in every
    attribute of its video, and in "object visible" or "object absent".

    Returns
    -------
    DataFrame
        ``against group x count q10 q25 median q75 q90``: `against` is iou, area, since or attribute; `x` the mean of
        the variable in the bin (NaN by attribute), `group` the words of an attribute (empty in bins). What the
        rows do not tell is left out.
    """
    points = samples(rows, case, kind)
    points = points.assign(residual=points.score - points.iou)
    tables = [_binned(points, name) for name in LABELS]
    return pd.concat([*tables, _by_attribute(points)], ignore_index=True)


def draw_binned(table: pd.DataFrame, ax: Axes, against: str) -> None:
    """Draw the median with the middle half and the middle 80 % of the residuals over a variable."""
    own = table[table.against == against]
    ax.axhline(0, color="#555555", linewidth=0.8)
    ax.fill_between(own.x, own.q10, own.q90, color=style.SCORE, alpha=0.15, linewidth=0)
    ax.fill_between(own.x, own.q25, own.q75, color=style.SCORE, alpha=0.3, linewidth=0)
    ax.plot(own.x, own["median"], "o-", color=style.SCORE, markersize=3.5)
    few = own[own["count"] < MIN_COUNT]
    ax.plot(few.x, few["median"], "o", color=style.SCORE, markerfacecolor="white", markersize=3.5)
    ax.set_xlabel(LABELS[against])
    if against == "area":
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        ax.xaxis.set_major_formatter(lambda share, _: f"{100 * share:g} %")
        ax.xaxis.set_minor_locator(NullLocator())
    else:
        ax.set_xlim(0, 1 if against == "iou" else None)


def draw_attributes(table: pd.DataFrame, ax: Axes) -> None:
    """Draw median, middle half and middle 80 % for each attribute, a line of its own each."""
    own = table[table.against == "attribute"].reset_index(drop=True)
    ax.axvline(0, color="#555555", linewidth=0.8)
    ax.hlines(own.index, own.q10, own.q90, color=style.SCORE, linewidth=1.0)
    ax.hlines(own.index, own.q25, own.q75, color=style.SCORE, linewidth=3.2)
    for some, face in ((own[own["count"] >= MIN_COUNT], "#08306b"), (own[own["count"] < MIN_COUNT], "white")):
        ax.plot(some["median"], some.index, "o", color=face, markeredgecolor="#08306b", markersize=4)
    ax.set_yticks(own.index, [f"{group} ({n})" for group, n in zip(own.group, own["count"], strict=True)])
    ax.set_ylim(len(own) - 0.5, -0.5)
    ax.grid(axis="y", visible=False)


def figure(table: pd.DataFrame, word: str = "relative") -> style.PrintFigure:
    """Return the page-wide figure: a panel for each variable that the rows tell, the attributes on the right."""
    shown = [name for name in LABELS if (table.against == name).any()]
    groups = int((table.against == "attribute").sum())
    drawing = style.figure(style.PAGE, max(0.5 + 1.25 * len(shown), 0.9 + 0.19 * groups))
    grid = drawing.add_gridspec(len(shown), 2, width_ratios=[1, 1])
    ax = None
    for row, (name, letter) in enumerate(zip(shown, "abc", strict=False)):
        ax = drawing.add_subplot(grid[row, 0], sharey=ax)
        draw_binned(table, ax, name)
        ax.set_title(f"{letter}  {TITLES[name]}")
        ax.set_ylabel("score − IoU")
        ax.yaxis.set_major_locator(MultipleLocator(0.5))
    right = drawing.add_subplot(grid[:, 1])
    draw_attributes(table, right)
    right.set_title(f"{'abcd'[len(shown)]}  by challenge")
    right.set_xlabel(f"{word} score − true IoU")
    return drawing


def report(results: Results, case: str = "qpm") -> Section:
    """Write residuals.png, .pdf and the caption."""
    kind = gated_kind(results.rows, case)
    table = prepare(results.rows, case, kind)
    shown = [LABELS[name] for name in LABELS if (table.against == name).any()]
    caption = captions.join(
        f"Error of the {KINDS[kind]} score (score minus true IoU; above 0 it promises too much) under "
        f"{style.label(case)}, against {', '.join(shown)}, and by attribute of the video with the number of samples: "
        "median, middle half and middle 80 % of the samples. In (a) the error of a "
        f"score that knew only the mean would fall to the right. Hollow: under {MIN_COUNT} samples.",
        captions.data(results),
        captions.network(results),
    )
    title = "Where the score errs"
    return publish(
        results.folder, "residuals", title, draw=lambda: figure(table, KINDS[kind]), caption=caption
    )


def _binned(points: pd.DataFrame, name: str) -> pd.DataFrame:
    known = points[points[name].notna()].astype({name: "float64"})
    known = known[known[name] > 0] if name == "area" else known
    if known.empty:
        return pd.DataFrame()
    if name == "iou":
        bins = np.clip((known.iou * BINS).astype(int), 0, BINS - 1)
    else:
        bins = pd.qcut(known[name], BINS, labels=False, duplicates="drop")
    groups = [(float(part[name].mean()), part.residual) for _, part in known.groupby(bins)]
    return pd.DataFrame([{"against": name, "group": "", "x": x} | _spread(part) for x, part in groups])


def _by_attribute(points: pd.DataFrame) -> pd.DataFrame:
    texts = points.attributes.fillna("")
    known = {text: set(text.split(";")) - {""} for text in texts.unique()}
    groups = {"all": points.residual}
    for name, visible in (("object visible", True), ("object absent", False)):
        groups[name] = points.residual[(points.present.astype("boolean") == visible).fillna(False).astype(bool)]
    for name in sorted(set().union(*known.values())):
        groups[words(name)] = points.residual[texts.isin([text for text, named in known.items() if name in named])]
    return pd.DataFrame(
        [
            {"against": "attribute", "group": name, "x": np.nan} | _spread(part)
            for name, part in groups.items()
            if len(part)
        ]
    )


def _spread(residual: pd.Series) -> dict[str, float]:
    return {"count": len(residual)} | {name: float(residual.quantile(q)) for name, q in QUANTILES.items()}
