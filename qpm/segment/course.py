"""What happened on the way through a video: how the memory grew, and which objects were lost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from qpm.inference.frame import FrameResult
    from qpm.memory import MemoryPolicy

MEGABYTE = 1e6


@dataclass
class Course:
    """Watches results pass; holds a few numbers, however long the video.

    Attributes
    ----------
    sizes : dict
        Number of frames in memory -> name of the first frame that read so many, and the bytes read there.
    seen : dict
        Object id -> index of the last frame that shows it.
    names : dict
        Index -> name, of the frames after which an object was not seen so far.
    """

    sizes: dict[int, tuple[str, int]] = field(default_factory=dict)
    seen: dict[int, int] = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)

    def watch(self, results: Iterable[FrameResult]) -> Iterator[FrameResult]:
        """Pass results on and look at each."""
        for result in results:
            self.add(result)
            yield result

    def add(self, result: FrameResult) -> None:
        """Look at a finished frame."""
        size = result.bank_frames
        if size > max(self.sizes, default=0):
            self.sizes[size] = (result.name, result.bank_bytes)
        shown = np.flatnonzero(np.bincount(result.labels.ravel(), minlength=256))
        for object_id in result.object_ids:
            if object_id in shown:
                self.seen[object_id] = result.index
                self.names.pop(object_id, None)
            else:
                self.names.setdefault(object_id, result.name)

    def growth(self, policy: MemoryPolicy, most: int = 5) -> list[str]:
        """How the memory grew, in at most `most` steps, and what bounds it."""
        if not self.sizes:
            return []
        reached = list(self.sizes.items())
        kept = sorted({round(k) for k in np.linspace(0, len(reached) - 1, min(most, len(reached)))})
        steps = [step(*reached[k]) for k in kept]
        endless = [
            shelf.name for shelf in policy.shelves if shelf.capacity is None and shelf.keep.rule != "never"
        ]
        bound = "; it grows with the video: a capacity in the policy bounds it" if endless else ""
        return [f"memory read: {', '.join(steps)}{bound}"]

    def lost(self) -> list[str]:
        """A line for each object that the last frames do not show."""
        return [
            f"object {object_id}: no pixel from frame {name} to the end"
            for object_id, name in self.names.items()
        ]


def step(frames: int, where: tuple[str, int]) -> str:
    """One step of the growth in words."""
    name, size = where
    return f"{frames} {'frame' if frames == 1 else 'frames'} ({size / MEGABYTE:.1f} MB) at {name}"
