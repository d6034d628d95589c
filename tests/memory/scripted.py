"""Rules asked about scripted frames, as the loop would ask them, without a loop."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from qpm.memory import Bank, FrameMemory, FrameState, KeepRule, MemoryPolicy, Shelf

NAN = float("nan")


def frame(index: int = 5, score: Any = 0.9, **facts: Any) -> FrameState:
    """A frame due for every-5 rules, with one score per object (or one for all) under every quality name."""
    scores = tuple(score) if isinstance(score, Sequence) else (score,)
    signals = {
        "presence": (1.0,) * len(scores),
        **dict.fromkeys(
            ("score", "score_raw", "confidence", "temporal_iou", "area_ratio", "distractor"), scores
        ),
        "iou_true": scores,
    }
    facts = {"objects": tuple(range(1, len(scores) + 1)), "since_kept": 5, "signals": signals} | facts
    return FrameState(index=index, **facts)


def kept(rule: KeepRule, scores: Sequence[Any], annotated: Sequence[int] = (0,)) -> list[int]:
    """Which frames an unbounded shelf keeps; ``scores[0]`` is that of frame 1, frame 0 is annotated."""
    policy = MemoryPolicy(shelves=(Shelf(name="long", keep=rule),))
    return [index for index, shelves in follow(policy, scores, annotated) if "long" in shelves]


def follow(
    policy: MemoryPolicy, scores: Sequence[Any], annotated: Sequence[int] = (0,)
) -> list[tuple[int, tuple[str, ...]]]:
    """Frame index and the shelves that keep it, for every frame from 1 on."""
    return [(index, shelves) for index, shelves, _ in steps(policy, scores, annotated)]


def steps(
    policy: MemoryPolicy, scores: Sequence[Any], annotated: Sequence[int] = (0,)
) -> list[tuple[int, tuple[str, ...], Bank]]:
    """Frame index, the shelves that keep it, and the bank afterwards."""
    bank, latest, done = Bank(), 0, []
    for index, score in enumerate([1.0, *scores]):
        state = frame(index, score, since_kept=None, annotated=index in annotated)
        memory = FrameMemory(index, state.objects, ())
        if state.annotated:
            latest, bank, shelves = index, bank.annotate(policy, memory), ("annotated",)
        else:
            now = FrameState(
                state.objects,
                state.signals,
                index,
                annotated_index=latest,
                first_annotated_index=annotated[0],
            )
            bank, by_shelf = bank.offer(policy, now, memory)
            shelves = tuple(by_shelf)
        if index:
            done.append((index, shelves, bank))
    return done


def read_at_each(
    policy: MemoryPolicy, scores: Sequence[Any], annotated: Sequence[int] = (0,)
) -> list[tuple[int, ...]]:
    """The frames that frame 2, 3, ... would read for object 1."""
    return [bank.frames((1,)) for _, _, bank in steps(policy, scores, annotated)]
