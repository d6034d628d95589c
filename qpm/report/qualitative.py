"""Frames with their masks, predicted score and true IoU (the paper's Fig. 1), chosen by rule and not by hand."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from pydantic import TypeAdapter

from qpm.datasets import AnyDataset
from qpm.images import overlay, read_labels
from qpm.report import captions, style
from qpm.report.load import NotMeasuredError, Results
from qpm.report.publish import Section, publish

PICKS = ("best", "median", "worst", "over-estimated", "under-estimated")
Picture = Callable[[str, int, str], np.ndarray]  # (sequence, frame index, frame) -> uint8 (H, W, 3)


def prepare(rows: pd.DataFrame, case: str, sequences: Collection[str]) -> pd.DataFrame:
    """Choose five frames of a case: best, median and worst IoU, largest over- and under-estimate of it.

    Scores and IoU are means over the objects of a frame. Each pick avoids the videos of the earlier picks as long
    as there are others; the order of choice is worst, over-, under-estimated, best, median.

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
    own = own[(own.seed == own.seed.min()) & own.score.notna()]
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
    """Draw one frame per row of the table with its overlay, and score and IoU below."""
    for row, ax in zip(table.itertuples(), axes, strict=True):
        ax.imshow(
            picture(str(row.sequence), int(row.frame_index), str(row.frame)), interpolation="antialiased"
        )
        ax.set_title(str(row.pick), fontsize=8)
        ax.set_xlabel(f"score {row.score:.2f} · IoU {row.iou_true:.2f}", fontsize=7, labelpad=3)
        place = f"{shorten(str(row.sequence))}\nframe {row.frame}"
        below: dict[str, Any] = {
            "xycoords": "axes fraction",
            "textcoords": "offset points",
            "ha": "center",
            "va": "top",
        }
        ax.annotate(place, (0.5, 0), (0, -13), fontsize=6, color="#555555", linespacing=1.3, **below)
        ax.set(xticks=[], yticks=[])
        for spine in ax.spines.values():
            spine.set_visible(False)


def shorten(name: str, most: int = 26) -> str:
    """Return a name that fits below a picture, its middle left out where it is too long."""
    return name if len(name) <= most else f"{name[: most // 2]}…{name[-(most // 2 - 1) :]}"


def pictures(results: Results, case: str, masks: Path) -> Picture:
    """Return the function that lays a saved mask over its frame, read from the case's dataset."""
    dataset: Any = TypeAdapter(AnyDataset).validate_python(results.config(case)["dataset"]).open()
    position = {name: index for index, name in enumerate(dataset.names())}

    def picture(sequence: str, frame_index: int, frame: str) -> np.ndarray:
        image = dataset[position[sequence]].read_frame(frame_index)
        return overlay(image, read_labels(masks / sequence / f"{frame}.png"), alpha=0.55)

    return picture


def figure(table: pd.DataFrame, picture: Picture) -> style.PrintFigure:
    """Return the page-wide strip, as high as its tallest frame."""
    shapes = [picture(row.sequence, row.frame_index, row.frame).shape for row in table.itertuples()]
    width = style.PAGE / len(PICKS)
    tallest = max(height / wide for height, wide, _ in shapes)
    drawing = style.figure(width * len(table), width * tallest + 0.62)
    axes = np.atleast_1d(drawing.subplots(1, len(table)))
    draw(table, list(axes), picture)
    return drawing


def report(results: Results, case: str = "qpm") -> Section:
    """Write qualitative.png, .pdf and .txt; needs masks that the study saved (`save_masks` of the trial).

    Raises
    ------
    NotMeasuredError
        If no masks of the case were saved.
    """
    masks = results.masks(case)
    if masks is None:
        raise NotMeasuredError(
            f"no masks of case '{case}' were saved; name videos under save_masks in the study"
        )
    saved = [folder.name for folder in sorted(masks.iterdir()) if folder.is_dir()]
    table = prepare(results.rows, case, saved)
    caption = captions.join(
        f"Masks of {style.label(case)} with the predicted score (relative to the first frame) and the true IoU, means "
        f"over the objects. Chosen by rule among {captions.plural(len(saved), 'video')} with saved masks: the frame of "
        "best, median and worst IoU and those where the score exceeds the IoU most and least, in different videos as "
        "far as possible.",
        captions.data(results),
        captions.network(results),
    )
    title = "Frames and their scores (Fig. 1)"
    picture = pictures(results, case, masks)
    return publish(results.folder, "qualitative", title, draw=lambda: figure(table, picture), caption=caption)
