"""Which finished frames are memorized: Eq. 3, its controls, and fixed schedules."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import AfterValidator, ConfigDict, Field, PositiveInt, model_validator

from qpm.memory.rule import KeepRule
from qpm.memory.signals import check_signal
from qpm.memory.state import FrameState, Over

Signal = Annotated[str, AfterValidator(check_signal)]
Cadence = Literal["since_kept", "grid"]
Missing = Literal["refuse", "keep"]

EVERY: int = Field(5, description="frames between kept ones")
CADENCE: Cadence = Field(
    "since_kept",
    description="since_kept: due once n frames have passed since the last kept one, so a rejected frame leaves the "
    "slot open; grid: due only on multiples of n after the annotated frame",
)
OVER: Over = Field(
    "mean", description="the frame's number: mean, min, any (largest), or each (a decision per object)"
)
MISSING: Missing = Field("refuse", description="what happens to a frame whose signal is undefined (NaN)")


class Always(KeepRule):
    """Keeps every frame; with capacity 1 it is the shelf of the previous frame."""

    rule: Literal["always"] = "always"

    def __call__(self, frame: FrameState) -> bool:
        return True


class Never(KeepRule):
    """Keeps nothing: the annotated frames alone remain."""

    rule: Literal["never"] = "never"

    def __call__(self, frame: FrameState) -> bool:
        return False


class EveryN(KeepRule):
    """Keeps a frame when n have passed since the last kept one (STM and MiVOS; n = 5)."""

    rule: Literal["every_n"] = "every_n"
    n: PositiveInt = EVERY
    cadence: Cadence = CADENCE

    def __call__(self, frame: FrameState) -> bool:
        return is_due(frame, self.n, self.cadence)


class QualityGate(KeepRule):
    """Keeps a due frame whose predicted quality exceeds sigma_m (Eq. 3, section 2.2)."""

    model_config = ConfigDict(json_schema_extra={"examples": [{}, {"over": "each", "signal": "confidence"}]})

    rule: Literal["quality_gate"] = "quality_gate"
    n: PositiveInt = EVERY
    sigma_m: float = Field(0.7, description="kept if the signal is strictly above")
    signal: Signal = "score"
    over: Over = OVER
    missing: Missing = MISSING
    cadence: Cadence = CADENCE

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({self.signal})

    @property
    def per_object(self) -> bool:
        return self.over == "each"

    def __call__(self, frame: FrameState) -> bool:
        if not is_due(frame, self.n, self.cadence):
            return False
        value = frame.value(self.signal, self.over)
        if math.isnan(value):
            return self.missing == "keep"
        return value > self.sigma_m


class OracleGate(QualityGate):
    """The quality gate with the true IoU in place of the score: the ceiling of any gate of this form."""

    rule: Literal["oracle_gate"] = "oracle_gate"  # type: ignore[assignment]
    signal: Literal["iou_true"] = "iou_true"

    model_config = ConfigDict(json_schema_extra={"examples": [{}]})


class Threshold(KeepRule):
    """Keeps a frame whose signal lies strictly above one bound and/or strictly below another; at any frame."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"signal": "confidence", "above": 0.8},
                {"signal": "distractor", "below": 0.2, "over": "min"},
                {"signal": "area_ratio", "above": 0.8, "below": 1.2, "over": "each"},
            ]
        }
    )

    rule: Literal["threshold"] = "threshold"
    signal: Signal
    above: float | None = None
    below: float | None = None
    over: Over = OVER
    missing: Missing = MISSING

    @model_validator(mode="after")
    def _bounded(self) -> Threshold:
        if self.above is None and self.below is None:
            raise ValueError(f"threshold on '{self.signal}' has no bound: give above, below, or both")
        return self

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({self.signal})

    @property
    def per_object(self) -> bool:
        return self.over == "each"

    def __call__(self, frame: FrameState) -> bool:
        value = frame.value(self.signal, self.over)
        if math.isnan(value):
            return self.missing == "keep"
        return (self.above is None or value > self.above) and (self.below is None or value < self.below)


class Frames(KeepRule):
    """Keeps the frames that are listed by index, such as a drawn control or a choice by hand."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"frames": [5, 12]}]})

    rule: Literal["frames"] = "frames"
    frames: tuple[int, ...] = ()

    def __call__(self, frame: FrameState) -> bool:
        return frame.index in self.frames


def is_due(frame: FrameState, n: int, cadence: Cadence = "since_kept") -> bool:
    """Whether an every-n schedule looks at this frame."""
    if cadence == "grid":
        return (frame.index - frame.annotated_index) % n == 0
    return frame.since_kept is None or frame.since_kept >= n
