"""Keep rules made of keep rules."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from qpm.memory.rule import AnyKeepRule, KeepRule
from qpm.memory.state import FrameState

GOOD: dict[str, Any] = {"rule": "threshold", "signal": "score", "above": 0.7}


class Combined(KeepRule):
    """What `all_of` and `any_of` share: the parts see the same frame, and decide per frame or all per object."""

    rules: Annotated[tuple[AnyKeepRule, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _one_unit_of_decision(self) -> Combined:
        decide = [part for part in self.rules if part.needs]
        if len({part.per_object for part in decide}) > 1:
            names = ", ".join(part.rule for part in decide)
            raise ValueError(f"{self.rule} mixes rules per object (over: each) with rules per frame: {names}")
        if any(part.rule == "random_gate" and getattr(part, "like", None) for part in self.rules):
            raise ValueError(
                f"a matched random_gate must be the shelf's own keep rule, not a part of {self.rule}"
            )
        return self

    @property
    def needs(self) -> frozenset[str]:
        return frozenset().union(*(part.needs for part in self.rules))

    @property
    def per_object(self) -> bool:
        return any(part.per_object for part in self.rules)


class AllOf(Combined):
    """Keeps a frame that every part keeps."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"rules": [{"rule": "every_n", "n": 5}, GOOD]},
                {"rules": [GOOD | {"over": "each"}, GOOD | {"signal": "confidence", "over": "each"}]},
            ]
        }
    )
    rule: Literal["all_of"] = "all_of"

    def __call__(self, frame: FrameState) -> bool:
        return all(part(frame) for part in self.rules)


class AnyOf(Combined):
    """Keeps a frame that some part keeps."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"rules": [GOOD, GOOD | {"signal": "confidence", "above": 0.9}]}]}
    )
    rule: Literal["any_of"] = "any_of"

    def __call__(self, frame: FrameState) -> bool:
        return any(part(frame) for part in self.rules)
