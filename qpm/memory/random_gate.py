"""The control of a gate: as many frames, chosen blindly."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Collection, Mapping
from typing import Literal

from pydantic import ConfigDict, Field, PositiveInt, model_validator

from qpm.memory.keep import EVERY, Frames, QualityGate, is_due
from qpm.memory.rule import AnyKeepRule, KeepRule
from qpm.memory.state import FrameState
from qpm.seeding import derive


class RandomGate(KeepRule):
    """Keeps as many frames as the gate it controls, but which ones is drawn.

    With ``like`` the number is matched in every video: `qpm.inference.resolve` runs the gate there, counts, and
    puts a list of frames (`Frames`) in this rule's place. With ``share`` a due frame is kept with that
    probability, which matches a gate only on average.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [{"share": 0.5}]})

    rule: Literal["random_gate"] = "random_gate"
    like: AnyKeepRule | None = Field(
        QualityGate(), description="the gate whose count is matched in every video"
    )
    share: float | None = Field(
        None, ge=0, le=1, description="probability to keep a due frame; excludes like"
    )
    n: PositiveInt = EVERY
    seed: int = 0

    @model_validator(mode="before")
    @classmethod
    def _share_replaces_like(cls, settings: object) -> object:
        if isinstance(settings, dict) and settings.get("share") is not None:
            return {"like": None} | settings
        return settings

    @model_validator(mode="after")
    def _one_of_like_and_share(self) -> RandomGate:
        if (self.like is None) == (self.share is None):
            raise ValueError("random_gate needs exactly one of like (a keep rule) and share (a probability)")
        if self.like is not None and self.like.per_object:
            raise ValueError("random_gate cannot match a gate that decides per object (over: each)")
        return self

    @property
    def needs(self) -> frozenset[str]:
        return self.like.needs if self.like else frozenset()

    def __call__(self, frame: FrameState) -> bool:
        if self.share is None:
            raise ValueError("random_gate(like=...) depends on the video: resolve the policy first")
        return is_due(frame, self.n) and derive(self.seed, "share", frame.index) < self.share * 2**63

    def drawn(self, kept: int, annotated_index: Mapping[int, int], *purpose: object) -> Frames:
        """The rule that stands in for this one in a video where the gate kept ``kept`` frames.

        Parameters
        ----------
        kept : int
        annotated_index : mapping
            For every frame that is not annotated, the latest annotated frame before it.
        purpose
            Names that the draw depends on beside the seed, such as the video's.
        """
        allowed = [index for index, annotated in annotated_index.items() if index - annotated >= self.n]
        return Frames(frames=draw_frames(kept, allowed, self.n, derive(self.seed, "random_gate", *purpose)))


def draw_frames(count: int, allowed: Collection[int], n: int, seed: int) -> tuple[int, ...]:
    """Draw ``count`` of the allowed frames, at least n apart; every such set is equally likely.

    Raises
    ------
    ValueError
        If no such set exists.
    """
    frames = sorted(allowed)
    after = [bisect_left(frames, frame + n) for frame in frames]  # position of the next frame that may follow
    sets = _count_sets(count, after)
    if not sets[0][count]:
        raise ValueError(
            f"no {count} of {len(frames)} frames lie at least {n} apart; random_gate needs a smaller n"
        )
    generator, drawn, at = random.Random(seed), list[int](), 0
    while len(drawn) < count:
        with_this = sets[after[at]][count - len(drawn) - 1]
        if generator.randrange(sets[at][count - len(drawn)]) < with_this:
            drawn.append(frames[at])
            at = after[at]
        else:
            at += 1
    return tuple(drawn)


def _count_sets(count: int, after: list[int]) -> list[list[int]]:
    """``sets[i][k]``: in how many ways k frames can be drawn from the i-th on."""
    sets = [[1] + [0] * count for _ in range(len(after) + 1)]
    for i in range(len(after) - 1, -1, -1):
        for k in range(1, count + 1):
            sets[i][k] = sets[i + 1][k] + sets[after[i]][k - 1]
    return sets
