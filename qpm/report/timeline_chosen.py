"""A few videos over time, chosen by what the case changes in them, with pictures of what happens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import SubFigure

from qpm.report import captions, numbers, style, timeline, timeline_events
from qpm.report.choice import choose as choose_changed
from qpm.report.load import Results
from qpm.report.pictures import frames_of, overlaid
from qpm.report.publish import Section, publish

PLAIN, PICTURED, AXES = 2.4, 3.1, 1.6  # inches a video takes without and with pictures, and its axes alone


def choose(rows: pd.DataFrame, case: str, baseline: str) -> pd.DataFrame:
    """Return ``sequence rule difference`` of the videos to show: `choice.choose` against the baseline.

    Without rows of the baseline, the video whose true IoU falls lowest, and no difference.
    """
    if baseline != case and (rows.case == baseline).any():
        changed = choose_changed(rows, case, baseline)
        if len(changed):
            return changed
    own = rows[(rows.case == case) & rows.scored]
    lowest = str(own.sequence.iloc[int(own.iou_true.argmin())])
    return pd.DataFrame({"sequence": [lowest], "rule": ["lowest IoU"], "difference": [np.nan]})


def figure(results: Results, case: str, baseline: str, chosen: pd.DataFrame | None = None) -> style.PrintFigure:
    """Return the page-wide timelines of the videos in `chosen` (by default `choose`), one below the other.

    Above each stand pictures of its events, with the masks that were saved; none where the dataset is not here.
    """
    chosen = choose(results.rows, case, baseline) if chosen is None else chosen
    gates = timeline.gates(results, case)
    tables = [timeline.prepare(results.rows, case, name, baseline) for name in chosen.sequence]
    events = [timeline_events.prepare(table, gates[0]) for table in tables]
    images = [
        thumbnails(results, case, name, [int(index) for index in own.frame_index])
        for name, own in zip(chosen.sequence, events, strict=True)
    ]
    heights = [PICTURED if own else PLAIN for own in images]
    drawing = style.figure(style.PAGE, sum(heights))
    blocks = drawing.subfigures(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
    for block, entry, table, event, image in zip(
        blocks, chosen.to_dict("records"), tables, events, images, strict=True
    ):
        draw(block, table, event, image, gates, baseline)
        block.suptitle(heading(entry, baseline), fontsize=8.5, weight="bold", x=0.01, ha="left")
    for ax in (ax for block in blocks[:-1] for ax in block.axes):
        ax.set_xlabel("")
    return drawing


def draw(
    block: SubFigure,
    table: pd.DataFrame,
    events: pd.DataFrame,
    images: Sequence[np.ndarray],
    gates: tuple[float | None, float | None],
    baseline: str,
) -> None:
    """Draw one video: its timeline, and above it the pictures of its events, if there are any."""
    if not images:
        timeline.draw(table, block.subplots(), *gates, AXES, baseline)
        return
    grid = block.add_gridspec(2, len(images), height_ratios=[1, 2.6])
    ax = block.add_subplot(grid[1, :])
    timeline.draw(table, ax, *gates, AXES, baseline)
    above = [block.add_subplot(grid[0, place]) for place in range(len(images))]
    timeline_events.draw(events, above, images, ax)


def heading(entry: Mapping[str, Any], baseline: str) -> str:
    """Return "largest gain: blackswan (+0.120 J&F to STM)"; without a difference what it is chosen for."""
    change = numbers.signed(entry["difference"])
    return f"{entry['rule']}: {entry['sequence']}" + (f" ({change} J&F to {style.label(baseline)})" if change else "")


def thumbnails(results: Results, case: str, sequence: str, indices: list[int]) -> list[np.ndarray]:
    """Return frames of a video with the masks that the case saved, if any; nothing where the dataset is not here."""
    try:
        frames = frames_of(results, case)
    except (FileNotFoundError, KeyError):  # rows can be rendered where the videos are not
        return []
    if sequence not in frames.dataset.names():
        return []
    masks, names = results.masks(case), frames.video(sequence).frame_names
    picture = overlaid(frames, {sequence: (masks or Path()) / sequence})
    return [picture(sequence, index, names[index]) for index in indices if index < len(names)]


def report(results: Results, case: str = "qpm", baseline: str = "stm") -> Section:
    """Write timeline.png, .pdf and its caption."""
    chosen = choose(results.rows, case, baseline)
    shown = pd.concat([timeline.prepare(results.rows, case, name) for name in chosen.sequence])
    compared = chosen.difference.notna().any()
    caption = captions.join(
        f"Predicted score (relative to the first frame) and true IoU under {style.label(case)}, means over the objects"
        + (f"; grey, the {timeline.iou_under(baseline)}." if compared else "."),
        rule(results.rows, chosen, case),
        "Dashed: the memory gate σm, dotted: the prior gate σen. Below: frames that entered memory (star: annotated), "
        "whose mask was the prior, and the number of frames read. Above: frames chosen by rule"
        + (f" (differs most: from the IoU under {style.label(baseline)})" if compared else "")
        + (", with the masks that were saved." if results.masks(case) else "; no masks were saved."),
        timeline.absence(shown),
        captions.data(results),
        captions.network(results),
    )
    title = "Videos chosen by rule"
    return publish(
        results.folder, "timeline", title, draw=lambda: figure(results, case, baseline, chosen), caption=caption
    )


def rule(rows: pd.DataFrame, chosen: pd.DataFrame, case: str) -> str:
    """Return by which rule the videos were chosen, and among how many."""
    among = captions.plural(rows[(rows.case == case) & rows.scored].sequence.nunique(), "video")
    by = "J&F" if chosen.difference.notna().any() else "true IoU"
    return f"Chosen by rule among {among}, by {by}: {', '.join(chosen.rule)}."
