"""A box of thresholds: all policies that differ in some numbers, each within an interval."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from qpm.inference.sweep.setting import with_settings
from qpm.memory import MemoryPolicy

Bounds = Mapping[str, tuple[float, float]]  # setting -> low <= value < high
Point = dict[str, float]
Decide = Callable[[MemoryPolicy], Hashable]


@dataclass(frozen=True, eq=False)
class Box:
    """A member of the tree that is a box of policies; it splits where the policies in it decide differently.

    Every setting has to move each decision in one direction only, as a threshold does: then the corners of a
    box tell whether all of it agrees. A gate passes what is strictly above it, so a score s parts [low, high)
    into [low, s), which it passes, and [s, high), which it does not.

    Parameters
    ----------
    base : MemoryPolicy
        What it says about the settings in `bounds` is not used.
    bounds : mapping
        Setting -> (low, high); low belongs to the box, high does not.
    """

    base: MemoryPolicy
    bounds: Bounds

    @cached_property
    def policy(self) -> MemoryPolicy:
        """That of the lowest corner, which decides for all until the box splits."""
        return self.at({name: low for name, (low, _) in self.bounds.items()})

    def __contains__(self, other: Box) -> bool:
        """Whether the other box lies in this one."""
        ends = ((self.bounds[name], own) for name, own in other.bounds.items())
        return all(low <= inner_low and inner_high <= high for (low, high), (inner_low, inner_high) in ends)

    def split(self, decide: Decide) -> list[Box]:
        """Boxes within each of which all policies decide alike, cut exactly where decisions change."""
        corners = [(corner, decide(self.at(corner))) for corner in self.corners()]
        for (low, below), (high, above) in itertools.combinations(corners, 2):
            differ = [name for name in self.bounds if low[name] != high[name]]
            if len(differ) == 1 and below != above:
                (name,) = differ
                parts = self.cut(name, self._turn(decide, name, low, high, below))
                return [piece for part in parts for piece in part.split(decide)]
        return [self]

    def at(self, point: Mapping[str, float]) -> MemoryPolicy:
        """The policy at a point."""
        return with_settings(self.base, point)

    def corners(self) -> Iterator[Point]:
        """The lowest and highest point of every edge; the highest is the last number before the bound."""
        ends = [sorted({low, math.nextafter(high, low)}) for low, high in self.bounds.values()]
        return (dict(zip(self.bounds, point, strict=True)) for point in itertools.product(*ends))

    def cut(self, name: str, at: float) -> tuple[Box, Box]:
        """The parts below a value of one setting, and from it on."""
        low, high = self.bounds[name]
        below, above = {**self.bounds, name: (low, at)}, {**self.bounds, name: (at, high)}
        return Box(self.base, below), Box(self.base, above)

    def _turn(self, decide: Decide, name: str, low: Point, high: Point, below: Hashable) -> float:
        """The lowest value along an edge at which the decision is no longer that of the edge's lower end."""
        same, other = low[name], high[name]
        while same < (middle := same + (other - same) / 2) < other:
            if decide(self.at({**low, name: middle})) == below:
                same = middle
            else:
                other = middle
        return other


def merge(boxes: Sequence[Bounds]) -> list[Bounds]:
    """Join boxes that touch along one setting and agree in the others, as far as that goes."""
    rest, merged = list(boxes), list[Bounds]()
    while rest:
        box = rest.pop()
        for place, other in enumerate(rest):
            joined = _joined(box, other)
            if joined is not None:
                rest[place] = joined
                break
        else:
            merged.append(box)
    return sorted(merged, key=lambda box: list(box.values()))


def _joined(one: Bounds, other: Bounds) -> Bounds | None:
    differ = [name for name in one if one[name] != other[name]]
    if len(differ) != 1:
        return None
    (name,) = differ
    first, second = sorted((one[name], other[name]))
    return {**one, name: (first[0], second[1])} if first[1] == second[0] else None
