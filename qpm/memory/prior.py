"""Whose mask enhances the next query: the choice of i in Eq. 4."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from qpm.memory.keep import OVER, Signal
from qpm.memory.rule import PriorRule
from qpm.memory.state import FrameState, Over

Reference = Literal["latest", "first"]
ANNOTATED: Reference = Field("latest", description="which annotated frame is frame 1 when objects enter late")


class NoPrior(PriorRule):
    """No enhancement: the query stays as the encoder gives it."""

    rule: Literal["none"] = "none"

    def __call__(self, previous: FrameState) -> None:
        return None


class Previous(PriorRule):
    """Always the previous frame: short-term dependency (QDMN)."""

    rule: Literal["previous"] = "previous"

    def __call__(self, previous: FrameState) -> int:
        return previous.index


class First(PriorRule):
    """Always the annotated frame: long-term dependency."""

    rule: Literal["first"] = "first"
    annotated: Reference = ANNOTATED

    def __call__(self, previous: FrameState) -> int:
        return annotated_frame(previous, self.annotated)


class Selective(PriorRule):
    """The previous frame if its quality exceeds sigma_en, else the annotated frame (Eq. 4, section 2.3)."""

    rule: Literal["selective"] = "selective"
    sigma_en: float = Field(
        0.65, description="the previous frame is the prior if the signal is strictly above"
    )
    signal: Signal = "score"
    over: Over = OVER
    annotated: Reference = ANNOTATED

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({self.signal})

    def __call__(self, previous: FrameState) -> int:
        # NaN > sigma_en is False: a frame of unknown quality is no prior
        if previous.value(self.signal, self.over) > self.sigma_en:
            return previous.index
        return annotated_frame(previous, self.annotated)


class OraclePrior(Selective):
    """The selective prior with the true IoU in place of the score: its ceiling."""

    rule: Literal["oracle"] = "oracle"  # type: ignore[assignment]
    signal: Literal["iou_true"] = "iou_true"


def annotated_frame(frame: FrameState, which: Reference) -> int:
    """Index of the latest or of the very first annotated frame."""
    return frame.annotated_index if which == "latest" else frame.first_annotated_index
