"""The moments of a video that are worth a picture on its timeline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import ConnectionPatch

MOST = 5
APART = 1 / 12  # of the video, at least, lies between two pictures: closer ones look alike
OVER = 0.2  # an excess of the score over the IoU below this is not worth the word


def prepare(table: pd.DataFrame, sigma_m: float | None = None) -> pd.DataFrame:
    """Choose up to five frames of a timeline (`timeline.prepare`), each with the rule that chose it.

    The rules, in order of precedence: the mask is given; its IoU is lowest; the score exceeds it most, by `OVER` or
    more; it differs most from the baseline's; the score falls to the memory gate first; the prior turns from the
    previous frame to an annotated one first. The lowest IoU and the largest difference are looked for where an object
    is present. A frame that is closer than `APART` of the video to one of an earlier rule is left out.

    Returns
    -------
    DataFrame
        ``frame_index event score iou_true``, by frame.
    """
    chosen: dict[int, str] = {}
    gap = max(1, int(APART * len(table)))
    for event, place in _candidates(table, sigma_m):
        index = int(table.frame_index[place])
        if len(chosen) < MOST and all(abs(index - other) >= gap for other in chosen):
            chosen[index] = event
    own = table[table.frame_index.isin(list(chosen))].sort_values("frame_index")
    return own.assign(event=own.frame_index.map(chosen))[["frame_index", "event", "score", "iou_true"]].reset_index(
        drop=True
    )


def draw(table: pd.DataFrame, axes: Sequence[Axes], images: Sequence[np.ndarray], below: Axes) -> None:
    """Draw a picture for each event, tied to its frame on the axes below."""
    for event, ax, image in zip(table.to_dict("records"), axes, images, strict=True):
        ax.imshow(image, interpolation="antialiased")
        ax.set(xticks=[], yticks=[])
        ax.grid(visible=False)
        for spine in ax.spines.values():
            spine.set_visible(False)
        ax.set_title(f"{event['frame_index']}: {event['event']}", fontsize=6.5, weight="normal", loc="center", pad=2)
        top = below.get_ylim()[1]
        line = ConnectionPatch((0.5, 0), (event["frame_index"], top), "axes fraction", "data", axesA=ax, axesB=below,
                               color="#777777", linewidth=0.7)  # fmt: skip
        line.set_in_layout(False)
        below.add_artist(line)
        below.axvline(event["frame_index"], color="#777777", linewidth=0.5, alpha=0.6, zorder=0.5)


def _candidates(table: pd.DataFrame, sigma_m: float | None) -> Iterator[tuple[str, int]]:
    """Events and the labels of their rows in the table."""
    given = table.index[table.annotated]
    if len(given):
        yield "mask given", given[0]
    later = table[~table.annotated]
    excess, seen = later.score - later.iou_true, later[later.absent < 1]
    change = (seen.iou_true - seen.iou_baseline).abs()
    extremes = (
        ("lowest IoU", -seen.iou_true), ("most over-estimated", excess[excess >= OVER]), ("differs most", change),
    )  # fmt: skip
    for event, rank in extremes:
        if rank.notna().any():
            yield event, rank.idxmax()
    refused = later.index[(later.score <= sigma_m) & ~later.kept] if sigma_m is not None else later.index[:0]
    if len(refused):
        yield "below $σ_m$", refused[0]
    turned = table.index[(table.prior == "annotated") & (table.prior.shift() == "previous")]
    if len(turned):
        yield "prior: given mask", turned[0]
