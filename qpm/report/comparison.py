"""A policy beside its baseline, frame by frame, with the errors marked: the paper's Fig. 3."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.patches import Patch

from qpm.report import captions, numbers, player, style
from qpm.report.load import NotMeasuredError, Results
from qpm.report.pictures import (
    FALSE_NEGATIVE,
    FALSE_POSITIVE,
    Picture,
    frames_of,
    saved,
    with_errors,
    with_truth,
)
from qpm.report.publish import Section, publish

FRAMES = 5
TRUTH = "truth"
RULES = ("largest gain", "largest loss")


def prepare(
    rows: pd.DataFrame, case: str, baseline: str, sequences: Collection[str], frames: int = FRAMES
) -> pd.DataFrame:
    """Choose the videos of largest gain and largest loss, and in each part of them the frame that differs most.

    Parameters
    ----------
    rows : DataFrame
        The tidy table (`qpm.rows`); of several seeds the first.
    case, baseline : str
    sequences : collection of str
        Videos whose masks were saved for both.
    frames : int
        A video is cut into this many parts of one length; each gives one frame.

    Returns
    -------
    DataFrame
        ``rule sequence difference frame_index frame`` and the mean IoU over the objects under each of the two, in
        columns named as the cases; `difference` is the video's in J&F.
    """
    chosen = player.choose(rows, case, baseline, sequences)
    scored = rows[rows.scored & rows.case.isin([case, baseline])]
    first = scored.seed == scored.groupby("case").seed.transform("min")
    keys = ["sequence", "frame_index", "frame", "case"]
    iou = scored[first].groupby(keys).j.mean().unstack("case").dropna().reset_index()
    tables = []
    for video in chosen[chosen.rule.isin(RULES)].itertuples():
        own = iou[iou.sequence == video.sequence].sort_values("frame_index")
        change = (own[case] - own[baseline]).abs()
        picks = [change.iloc[part].idxmax() for part in np.array_split(np.arange(len(own)), frames) if len(part)]
        tables.append(own.loc[picks].assign(rule=video.rule, difference=video.difference))
    order = ["rule", "sequence", "difference", "frame_index", "frame", baseline, case]
    return pd.concat(tables, ignore_index=True)[order]


def draw(table: pd.DataFrame, axes: Sequence[Axes], case: str, picture: Picture) -> None:
    """Draw the frames of one video under one case; the IoU in the corner of each, the case at the left."""
    for row, ax in zip(table.to_dict("records"), axes, strict=True):
        ax.imshow(picture(row["sequence"], row["frame_index"], row["frame"]), interpolation="antialiased")
        ax.set(xticks=[], yticks=[])
        ax.grid(visible=False)
        for spine in ax.spines.values():
            spine.set_visible(False)
        if case in row:
            box = {"facecolor": "black", "edgecolor": "none", "alpha": 0.7, "pad": 1.2}
            ax.text(0.02, 0.04, f"{row[case]:.2f}", transform=ax.transAxes, color="white", fontsize=6.5, bbox=box)
    axes[0].set_ylabel(style.label(case), fontsize=7.5, labelpad=3)


def figure(table: pd.DataFrame, cases: Mapping[str, Picture]) -> style.PrintFigure:
    """Return the page-wide figure: for each video a block, in it a row for each of `cases` from above."""
    videos = list(dict.fromkeys(table.sequence))
    first = table.iloc[0]
    height, width, _ = next(iter(cases.values()))(first.sequence, first.frame_index, first.frame).shape
    columns = int(table.groupby("sequence").size().max())
    row = (style.PAGE - 0.25) / columns * height / width + 0.03
    drawing = style.figure(style.PAGE, len(videos) * (len(cases) * row + 0.3) + 0.2)
    drawing.set_layout_engine("constrained", w_pad=0.01, h_pad=0.01, wspace=0.01, hspace=0.01)
    for block, sequence in zip(drawing.subfigures(len(videos), 1, squeeze=False)[:, 0], videos, strict=True):
        own = table[table.sequence == sequence]
        axes = block.subplots(len(cases), columns, squeeze=False)
        for line, (case, picture) in zip(axes, cases.items(), strict=True):
            draw(own, line[: len(own)], case, picture)
        for ax, frame in zip(axes[0], own.frame, strict=False):
            ax.set_title(f"frame {frame}", fontsize=6.5, weight="normal", loc="center", pad=2)
        said = f"{own.rule.iloc[0]}: {sequence} ({numbers.signed(own.difference.iloc[0])} J&F)"
        block.suptitle(said, fontsize=8, weight="bold", x=0.01, ha="left")
    _legend(drawing)
    return drawing


def report(results: Results, case: str = "qpm", baseline: str = "stm", truth: bool = False) -> Section:
    """Write comparison.png, .pdf and .txt; needs masks of both cases that the study saved.

    Raises
    ------
    NotMeasuredError
        If the two are one, or no video has masks of both.
    """
    if case == baseline:
        raise NotMeasuredError(f"'{case}' is the baseline itself; there is nothing to compare")
    masks = {name: saved(results, name) for name in (baseline, case)}
    both = sorted(set(masks[case]) & set(masks[baseline]))
    if not both:
        raise NotMeasuredError(f"no video has saved masks of both '{baseline}' and '{case}'")
    table = prepare(results.rows, case, baseline, both)
    frames = frames_of(results, case)
    rows = {name: with_errors(frames, own) for name, own in masks.items()}
    rows |= {TRUTH: with_truth(frames)} if truth else {}
    caption = captions.join(
        f"{style.label(baseline)} above, {style.label(case)} below: a right mask is in colour, false positives are "
        "orange with stripes, false negatives blue; the number is the IoU, mean over the objects. Chosen by rule among "
        f"{captions.plural(len(both), 'video')} with saved masks: the videos of largest gain and largest loss of J&F "
        f"against {style.label(baseline)}; each is cut into {FRAMES} parts of one length, which give the frame "
        "that differs most.",
        captions.data(results),
        captions.network(results),
    )
    title = "Beside the baseline (Fig. 3)"
    return publish(results.folder, "comparison", title, draw=lambda: figure(table, rows), caption=caption)


def _legend(drawing: style.PrintFigure) -> None:
    orange, blue = (to_hex((r / 255, g / 255, b / 255)) for r, g, b in (FALSE_POSITIVE, FALSE_NEGATIVE))
    handles = [
        Patch(facecolor=orange, edgecolor="white", hatch="////", linewidth=0, label="false positive"),
        Patch(facecolor=blue, label="false negative"),
    ]
    drawing.legend(handles=handles, loc="outside lower center", ncols=2, fontsize=7)
