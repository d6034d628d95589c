"""What a memory rule sees: finished frames and stored entries, as plain numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from statistics import fmean
from typing import Literal

Over = Literal["mean", "min", "any", "each"]

OF_A_SHOWN_MASK = frozenset(
    {"score", "score_raw", "confidence"}
)  # say nothing about an object that has no mask
SHOWN = 0.5  # an object is in the frame where its probability exceeds this somewhere


@dataclass(frozen=True)
class Signals:
    """Numbers per object: ``signals[name][k]`` belongs to ``objects[k]``; NaN where undefined."""

    objects: tuple[int, ...] = ()
    signals: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def value(self, signal: str, over: Over = "mean") -> float:
        """One number for the frame: mean, smallest or (``any``) largest over the objects that have one.

        The quality of a mask (score, score_raw, confidence) is taken over the objects present; ``each`` is
        meant for a single object and gives the smallest of several.

        Returns
        -------
        float
            NaN if no object has a value.

        Raises
        ------
        ValueError
            If the signal was not computed: a rule has to name it in ``needs``.
        """
        values = [value for value in self._of_present(signal) if not math.isnan(value)]
        if not values:
            return math.nan
        if over == "mean":
            return fmean(values)
        return max(values) if over == "any" else min(values)

    def _of_present(self, signal: str) -> tuple[float, ...]:
        if signal not in self.signals:
            known = ", ".join(sorted(self.signals)) or "none"
            raise ValueError(
                f"signal '{signal}' was not computed (there are: {known}); name it in the rule's needs"
            )
        values, presence = self.signals[signal], self.signals.get("presence")
        if signal not in OF_A_SHOWN_MASK or presence is None:
            return values
        return tuple(value for value, shown in zip(values, presence, strict=True) if shown > SHOWN)


@dataclass(frozen=True)
class FrameState(Signals):
    """A finished frame, as Eq. 3 and Eq. 4 judge it.

    Parameters
    ----------
    index : int
        Frame index in the video.
    annotated : bool
        Some object's mask was given on this frame.
    annotated_index, first_annotated_index : int
        The latest annotated frame up to this one, and the first of the video.
    since_kept : int, optional
        Frames since the shelf that asks last kept one; an annotated frame counts. None if it never did.
    kept_count : int
        How many frames the shelf that asks has kept so far, evicted ones included.
    """

    index: int = 0
    annotated: bool = False
    annotated_index: int = 0
    first_annotated_index: int = 0
    since_kept: int | None = None
    kept_count: int = 0

    def only(self, object_id: int) -> FrameState:
        """The same frame as if this object were its only one."""
        at = self.objects.index(object_id)
        return replace(
            self, objects=(object_id,), signals={name: (values[at],) for name, values in self.signals.items()}
        )


@dataclass(frozen=True)
class EntryState(Signals):
    """A frame on a shelf (or about to be): ``inserted`` is its place in the order of insertions, from 0."""

    index: int = 0
    annotated: bool = False
    inserted: int = 0
