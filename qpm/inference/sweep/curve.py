"""Exact curves: what a measure is at every value of a threshold, with the values at which it jumps."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import torch

from qpm.datasets.video import Video
from qpm.inference.ensemble import Ensemble
from qpm.inference.frame import FrameResult
from qpm.inference.run import frames, prepare
from qpm.inference.sweep.box import Bounds, Box, merge
from qpm.inference.sweep.cost import Cost
from qpm.inference.sweep.setting import check_setting
from qpm.inference.sweep.tree import MAX_BRANCHES, MAX_BYTES, Branch, Growth, Kept, Tree
from qpm.memory import Bank, MemoryPolicy
from qpm.model import Network

Measured = Mapping[int, Any]  # object id -> value; NaN where it does not count
Story = tuple[Kept, ...]  # what was memorized after every frame


@dataclass(frozen=True, eq=False)
class Piece:
    """A box of thresholds with one and the same result, and one and the same memory.

    Parameters
    ----------
    bounds : mapping
        Setting -> (low, high): low <= setting < high.
    measured : tuple
        What was measured on every frame, in order.
    kept : tuple of mapping
        What was memorized on every frame, in order: shelf -> objects. Two pieces may differ in that alone.
    """

    bounds: Bounds
    measured: tuple[Measured, ...]
    kept: Story = ()

    @property
    def means(self) -> dict[int, float]:
        """Object id -> mean of its numbers over frames, NaN left out; an object without a value is left out."""
        values = defaultdict[int, list[float]](list)
        for frame in self.measured:
            for object_id, value in frame.items():
                if not math.isnan(value):
                    values[object_id].append(value)
        return {object_id: fmean(values[object_id]) for object_id in sorted(values)}


@dataclass(frozen=True, eq=False)
class Curve:
    """A piecewise constant function of thresholds on one video: the pieces tile the box, and what they cost."""

    pieces: tuple[Piece, ...]
    cost: Cost


def threshold_curve(
    network: Network | Sequence[Network] | Ensemble,
    video: Video,
    policy: MemoryPolicy,
    bounds: Bounds,
    measure: Callable[[FrameResult], Measured],
    *,
    max_side: int | None = None,
    dtype: torch.dtype | None = None,
    max_branches: int = MAX_BRANCHES,
    max_bytes: float = MAX_BYTES,
) -> Curve:
    """Follow all values of one or several thresholds at once.

    Parameters
    ----------
    policy : MemoryPolicy
        Resolved; what it says about the settings in `bounds` is not used.
    bounds : mapping
        Setting -> (low, high), such as ``{"keep.sigma_m": (0.5, 0.9), "prior.sigma_en": (0.4, 0.9)}``; low is
        included, high is not. Each has to be a threshold: a decision may change in one direction only as it grows.
    measure : callable
        FrameResult (without what is memorized) -> object id -> value, such as J; NaN where it does not count.
        For the means of a piece the values have to be numbers.

    Raises
    ------
    ValueError
        If the policy has no such setting, an interval is empty or not allowed, or the policy cannot be followed.
    """
    for name, (low, high) in bounds.items():
        check_setting(policy, name, low, high)
    box = Box(policy, bounds)
    root = Branch(prepare(network, video, box.policy, max_side=max_side, dtype=dtype), [(box, Bank())])
    tree, pieces = Tree(video, [root], max_branches, max_bytes), list[Piece]()
    measured, stories = {root: tuple[Measured, ...]()}, {box: Story()}
    for growth in tree:
        values = (*measured.pop(growth.before), measure(growth.result))
        measured |= dict.fromkeys(growth.after, values)
        continued = _continued(growth, stories)
        if growth.after:
            stories |= continued
        else:
            pieces += [Piece(tile, values, story) for tile, story in _tiles(continued)]
    pieces = sorted(pieces, key=lambda piece: list(piece.bounds.values())) or [Piece(bounds, ())]
    return Curve(tuple(pieces), Cost(tree.encoded, tree.segmented, len(pieces) * len(frames(video))))


def _continued(growth: Growth[Box], stories: dict[Box, Story]) -> dict[Box, Story]:
    """The stories of the parts into which a branch's boxes fell; each box lies in the one that it was cut from."""
    past = {member: stories.pop(member) for member, _ in growth.before.members}
    return {
        part: (*next(story for member, story in past.items() if part in member), kept) for part, kept in growth.kept
    }


def _tiles(stories: Mapping[Box, Story]) -> Iterator[tuple[Bounds, Story]]:
    """Boxes of one and the same story joined, as far as that goes."""
    together = defaultdict[str, list[Box]](list)
    for box, story in stories.items():
        together[repr(story)].append(box)
    for boxes in together.values():
        for tile in merge([box.bounds for box in boxes]):
            yield tile, stories[boxes[0]]


def pooled(curves: Sequence[Curve]) -> list[tuple[float, float, float]]:
    """The mean over all objects of all videos, for one threshold.

    Parameters
    ----------
    curves : sequence of Curve
        Over the same interval of the same setting, one a video.

    Returns
    -------
    list of (low, high, mean)
        In order; the mean holds for low <= threshold < high.
    """
    lines = [[(*piece.bounds.values(),) for piece in curve.pieces] for curve in curves]
    if any(len(bounds) != 1 for line in lines for bounds in line):
        raise ValueError("only curves over one threshold can be pooled")
    ends = sorted({end for line in lines for ((low, high),) in line for end in (low, high)})
    answer = []
    for low, high in zip(ends, ends[1:], strict=False):
        values: list[float] = []
        for curve in curves:
            (piece,) = (p for p in curve.pieces for a, b in p.bounds.values() if a <= low < b)
            values += piece.means.values()
        answer.append((low, high, fmean(values) if values else math.nan))
    return answer
