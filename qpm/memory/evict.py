"""Which entry leaves a full shelf: a contest among the stored entries and the newcomer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from qpm.memory.keep import OVER, Signal
from qpm.memory.rule import EvictRule
from qpm.memory.state import EntryState, Over
from qpm.seeding import derive


class Oldest(EvictRule):
    """First in, first out; the newcomer always enters."""

    rule: Literal["oldest"] = "oldest"

    def __call__(self, entries: Sequence[EntryState], newcomer: EntryState) -> int:
        return min(range(len(entries)), key=lambda k: entries[k].index)


class ScoreAndRecency(EvictRule):
    """The stored entry with the least score + exp(-age) leaves (QDMN); the newcomer always enters.

    Counted in insertions, as in QDMN's code, the last three have a bonus of .37, .14 and .05; an entry without
    a score leaves first.
    """

    rule: Literal["score_and_recency"] = "score_and_recency"
    signal: Signal = "score"
    over: Over = OVER
    unit: Literal["insertions", "frames"] = "insertions"

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({self.signal})

    def __call__(self, entries: Sequence[EntryState], newcomer: EntryState) -> int:
        return min(range(len(entries)), key=lambda k: self.importance(entries[k], newcomer))

    def importance(self, entry: EntryState, newcomer: EntryState) -> float:
        """Score plus recency of a stored entry at the moment the newcomer arrives."""
        by_frames = self.unit == "frames"
        age = newcomer.index - entry.index if by_frames else newcomer.inserted - entry.inserted
        return _defined(entry.value(self.signal, self.over)) + math.exp(-age)


class Lowest(EvictRule):
    """The entry with the lowest signal leaves, be it the newcomer; of equals the oldest."""

    rule: Literal["lowest"] = "lowest"
    signal: Signal = "score"
    over: Over = OVER

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({self.signal})

    def __call__(self, entries: Sequence[EntryState], newcomer: EntryState) -> int:
        contest = [*entries, newcomer]
        return min(range(len(contest)), key=lambda k: _defined(contest[k].value(self.signal, self.over)))


class RandomEviction(EvictRule):
    """A stored entry leaves by lot: the control of the other rules."""

    rule: Literal["random"] = "random"
    seed: int = 0

    def __call__(self, entries: Sequence[EntryState], newcomer: EntryState) -> int:
        return derive(self.seed, "evict", newcomer.index) % len(entries)


def _defined(value: float) -> float:
    """An undefined score is the lowest."""
    return -math.inf if math.isnan(value) else value
