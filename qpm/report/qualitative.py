"""Frames with their masks, predicted score and true IoU (the paper's Fig. 1), chosen by rule and not by hand."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from textwrap import wrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from qpm.report import captions, comparison, style
from qpm.report.attributes import words
from qpm.report.load import NotMeasuredError, Results
from qpm.report.pictures import Picture, frames_of, saved, with_mask_and_truth
from qpm.report.publish import Section, publish, together

log = logging.getLogger(__name__)

PICKS = ("best", "median", "worst", "over-estimated", "under-estimated")
LINE = 26  # letters below a picture


def prepare(rows: pd.DataFrame, case: str, sequences: Collection[str]) -> pd.DataFrame:
    """Choose five frames of a case: best, median and worst IoU, largest over- and under-estimate of it.

    Scores and IoU are means over the objects that the truth has on a frame; a frame of none is no candidate. Each
    pick avoids the videos of the earlier picks as long as there are others; the order of choice is worst, over-,
    under-estimated, best, median.

    Parameters
    ----------
    rows : DataFrame
        The tidy table (`qpm.rows`).
    case : str
        The case to show (its first seed).
    sequences : collection of str
        Videos whose masks were saved.

    Returns
    -------
    DataFrame
        ``pick sequence frame_index frame score iou_true attributes``, in the order of `PICKS`; fewer rows if
        there are fewer frames with score and truth.
    """
    own = rows[(rows.case == case) & rows.sequence.isin(sequences) & rows.scored & rows.iou_true.notna()]
    own = own[(own.seed == own.seed.min()) & own.score.notna() & own.present.fillna(True)]
    frames = own.groupby(["sequence", "frame_index", "frame"], as_index=False).agg(
        score=("score", "mean"), iou_true=("iou_true", "mean"), attributes=("attributes", "first")
    )
    excess = frames.score - frames.iou_true
    median = -(frames.iou_true - frames.iou_true.median()).abs()
    ranks = {"worst": -frames.iou_true, "over-estimated": excess, "under-estimated": -excess}
    ranks |= {"best": frames.iou_true, "median": median}
    chosen: dict[str, Any] = {}
    for pick, rank in ranks.items():
        fresh = ~frames.index.isin(list(chosen.values()))
        other_video = fresh & ~frames.sequence.isin(frames.sequence[list(chosen.values())])
        left = rank[other_video if other_video.any() else fresh]
        if len(left):
            chosen[pick] = left.idxmax()
    picks = [pick for pick in PICKS if pick in chosen]
    table = frames.loc[[chosen[pick] for pick in picks]].assign(pick=picks).reset_index(drop=True)
    return table[["pick", "sequence", "frame_index", "frame", "score", "iou_true", "attributes"]]


def draw(table: pd.DataFrame, axes: Sequence[Axes], picture: Picture) -> None:
    """Draw one frame per row of the table with its overlay; below, score and IoU, the video's challenge, and where."""
    for row, ax in zip(table.itertuples(), axes, strict=True):
        image = picture(str(row.sequence), int(row.frame_index), str(row.frame))
        ax.imshow(image, interpolation="antialiased")
        ax.set_title(str(row.pick), fontsize=8)
        ax.set_xlabel(f"score {row.score:.2f} · IoU {row.iou_true:.2f}", fontsize=7, labelpad=3)
        place = f"{challenge(str(row.attributes))}\n{style.shorten(str(row.sequence))}\nframe {row.frame}"
        below: dict[str, Any] = {
            "xycoords": "axes fraction",
            "textcoords": "offset points",
            "ha": "center",
            "va": "top",
        }
        ax.annotate(place, (0.5, 0), (0, -13), fontsize=6, color="#444444", linespacing=1.35, **below)
        ax.set(xticks=[], yticks=[])
        for spine in ax.spines.values():
            spine.set_visible(False)


def challenge(attributes: str) -> str:
    """Return "fast motion, occlusion" for "fast_motion;OCC", on at most two lines: DAVIS gives some videos ten."""
    named = ", ".join(words(name) for name in attributes.split(";") if name)
    return "\n".join(wrap(named, LINE, max_lines=2, placeholder=" …"))


def figure(table: pd.DataFrame, picture: Picture) -> style.PrintFigure:
    """Return the page-wide strip, as high as its tallest frame."""
    shapes = [picture(row.sequence, row.frame_index, row.frame).shape for row in table.itertuples()]
    width = style.PAGE / len(PICKS)
    tallest = max(height / wide for height, wide, _ in shapes)
    lines = 2 + max(1 + challenge(str(names)).count("\n") for names in table.attributes)
    drawing = style.figure(width * len(table), width * tallest + 0.39 + 0.115 * lines)
    axes = np.atleast_1d(drawing.subplots(1, len(table)))
    draw(table, list(axes), picture)
    return drawing


def report(results: Results, case: str = "qpm", baseline: str = "stm") -> Section:
    """Write qualitative.png, .pdf and .txt and, where the baseline's masks were saved too, those of `comparison`.

    Raises
    ------
    NotMeasuredError
        If no masks of the case were saved (`save_masks` of the trial).
    """
    masks = saved(results, case)
    table = prepare(results.rows, case, list(masks))
    videos = captions.plural(len(masks), "video")
    caption = captions.join(
        f"Masks of {style.label(case)} in colour and the true outline in white, with the predicted score (relative to "
        "the first frame) and the true IoU, means over the objects that the truth has there, and the challenges of the "
        f"video. Chosen by rule among {videos} with saved masks and the frames in which the truth has an object: the "
        "frame of best, median and worst IoU and those where the score exceeds the IoU most and least, in different "
        "videos as far as possible.",
        captions.data(results),
        captions.network(results),
    )
    title = "Frames and their scores (Fig. 1)"
    picture = with_mask_and_truth(frames_of(results, case), masks)
    first = publish(results.folder, "qualitative", title, draw=lambda: figure(table, picture), caption=caption)
    try:
        parts = [first, comparison.report(results, case, baseline)]
    except NotMeasuredError as error:  # a study may have saved the masks of one case alone
        log.warning("no comparison: %s", error)
        return first
    return together("qualitative", "What it looks like", parts)
