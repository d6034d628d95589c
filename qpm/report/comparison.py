"""A policy beside its baseline, frame by frame, with the errors marked: the paper's Fig. 3."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.patches import Patch

from qpm.images import read_labels
from qpm.report import captions, numbers, style
from qpm.report.choice import choose
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
DRAWN = "pixels of {}"


def prepare(
    rows: pd.DataFrame, case: str, baseline: str, chosen: pd.DataFrame, counted: pd.DataFrame
) -> pd.DataFrame:
    """Choose from each video the frames in which the masks of the two differ most (`telling`).

    Parameters
    ----------
    rows : DataFrame
        The tidy table (`qpm.rows`); of several seeds the first.
    case, baseline : str
    chosen : DataFrame
        Videos with their ``rule`` and ``difference`` in J&F (`choice.choose`).
    counted : DataFrame
        The pixels of their saved masks (`count`).

    Returns
    -------
    DataFrame
        ``rule sequence difference frame_index frame``, then the columns of `counted`, then in columns named as the
        cases the IoU under each, mean over the objects that the truth has there; NaN where it has none.
    """
    scored = rows[rows.scored & rows.case.isin([case, baseline])]
    first = scored.seed == scored.groupby("case").seed.transform("min")
    there = scored.j.where(scored.present.fillna(True))
    keys = ["sequence", "frame_index", "frame", "case"]
    grouped = scored.assign(there=there)[first].groupby(keys)
    of_both = grouped.size().unstack("case").dropna().index
    iou = grouped.there.mean().unstack("case").loc[of_both].reset_index()
    own = iou.merge(counted, on=["sequence", "frame"]).merge(chosen, on="sequence").sort_values("frame_index")
    videos = [own[own.sequence == video] for video in chosen.sequence]
    tables = [video.iloc[telling(video.differing.tolist())] for video in videos]
    order = ["rule", "sequence", "difference", "frame_index", "frame", *counted.columns[2:], baseline, case]
    return pd.concat(tables, ignore_index=True)[order]


def telling(differing: Sequence[int], most: int = FRAMES) -> list[int]:
    """Return the places of the largest numbers, no two nearer than a twelfth of the length, in order.

    Of equal numbers the first counts. Zeros are left out; if all are, the first place stands for them.
    """
    gap = max(1, len(differing) // 12)  # there is room for five wherever the first ones lie
    chosen: list[int] = []
    for place in np.argsort(-np.asarray(differing), kind="stable").tolist():
        if len(chosen) < most and all(abs(place - other) >= gap for other in chosen):
            chosen += [place] if differing[place] or not chosen else []
    return sorted(chosen)


def count(masks: Mapping[str, Mapping[str, Path]], sequences: Iterable[str]) -> pd.DataFrame:
    """Return ``sequence frame differing`` and how many pixels each case drew, of all frames with masks of both."""
    records = []
    for sequence in sequences:
        folders = {name: own[sequence] for name, own in masks.items()}
        stems = set.intersection(*({path.stem for path in folder.glob("*.png")} for folder in folders.values()))
        for frame in sorted(stems):
            one, other = drawn = [read_labels(folder / f"{frame}.png") for folder in folders.values()]
            pixels = {DRAWN.format(name): np.count_nonzero(labels) for name, labels in zip(folders, drawn, strict=True)}
            records.append({"sequence": sequence, "frame": frame, "differing": np.count_nonzero(one != other)} | pixels)
    return pd.DataFrame(records)


def draw(table: pd.DataFrame, axes: Sequence[Axes], case: str, picture: Picture) -> None:
    """Draw the frames of one video under one case; what it reached in the corner of each, the case at the left."""
    for row, ax in zip(table.to_dict("records"), axes, strict=True):
        ax.imshow(picture(row["sequence"], row["frame_index"], row["frame"]), interpolation="antialiased")
        ax.set(xticks=[], yticks=[])
        ax.grid(visible=False)
        for spine in ax.spines.values():
            spine.set_visible(False)
        if case in row:
            box = {"facecolor": "black", "edgecolor": "none", "alpha": 0.7, "pad": 1.2}
            ax.text(0.02, 0.04, reached(row, case), transform=ax.transAxes, color="white", fontsize=6.5, bbox=box)
    axes[0].set_ylabel(style.label(case), fontsize=7.5, labelpad=3)


def reached(row: Mapping[str, Any], case: str) -> str:
    """Return the IoU; where the truth has no object, that it is absent, and how much was drawn nevertheless."""
    if not pd.isna(row[case]):
        return f"{row[case]:.2f}"
    drawn = row[DRAWN.format(case)]
    return f"absent, {drawn} px drawn" if drawn else "absent"


def figure(table: pd.DataFrame, cases: Mapping[str, Picture]) -> style.PrintFigure:
    """Return the page-wide figure: for each video a block, in it a row for each of `cases` from above."""
    videos = list(dict.fromkeys(table.sequence))
    first = table.iloc[0]
    height, width, _ = next(iter(cases.values()))(first.sequence, first.frame_index, first.frame).shape
    columns = int(table.groupby("sequence").size().max())
    row = (style.PAGE - 0.25) / columns * height / width + 0.03
    drawing = style.figure(style.PAGE, len(videos) * (len(cases) * (row + 0.03) + 0.36) + 0.2)
    drawing.set_layout_engine("constrained", w_pad=0.01, h_pad=0.025, wspace=0.01, hspace=0.01)
    for block, sequence in zip(drawing.subfigures(len(videos), 1, squeeze=False)[:, 0], videos, strict=True):
        own = table[table.sequence == sequence]
        axes = block.subplots(len(cases), columns, squeeze=False)
        for line, (case, picture) in zip(axes, cases.items(), strict=True):
            draw(own, line[: len(own)], case, picture)
            for ax in line[len(own) :]:
                ax.set_axis_off()
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
        If the two are one, or no frame has masks of both.
    """
    if case == baseline:
        raise NotMeasuredError(f"'{case}' is the baseline itself; there is nothing to compare")
    masks = {name: saved(results, name) for name in (baseline, case)}
    both = sorted(set(masks[case]) & set(masks[baseline]))
    if not both:
        raise NotMeasuredError(f"no video has saved masks of both '{baseline}' and '{case}'")
    chosen = choose(results.rows, case, baseline, both).head(2)
    counted = count(masks, chosen.sequence)
    if counted.empty:
        raise NotMeasuredError(f"no frame has saved masks of both '{baseline}' and '{case}'")
    table = prepare(results.rows, case, baseline, chosen, counted)
    frames = frames_of(results, case)
    rows = {name: with_errors(frames, own) for name, own in masks.items()}
    rows |= {TRUTH: with_truth(frames)} if truth else {}
    caption = captions.join(
        f"{style.label(baseline)} above, {style.label(case)} below: a right mask is in colour, false positives are "
        "orange with stripes, false negatives blue; the number is the IoU, mean over the objects that the truth has "
        f"there (absent: none). Chosen by rule among {captions.plural(len(both), 'video')} with saved masks: "
        f"{' and '.join(chosen.rule)} of J&F against {style.label(baseline)}; of each video the frames, at most "
        f"{FRAMES}, in which the two masks differ in most pixels, no two nearer than a twelfth of its frames.",
        captions.unlike_g(results),
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
