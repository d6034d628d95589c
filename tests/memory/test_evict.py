"""Who leaves a full shelf."""

from __future__ import annotations

import math
import random

import pytest

from qpm.memory import EVICT_RULES, Lowest, MemoryPolicy, Oldest, RandomEviction, ScoreAndRecency
from tests.memory.scripted import NAN, follow, frame, steps
from tests.memory.test_contract import entry


def leaves(rule: object, scores: list[float], newcomer: float = 0.5) -> int:
    """Position of the one that leaves; the newcomer's is len(scores)."""
    return rule([entry(place, score) for place, score in enumerate(scores)], entry(len(scores), newcomer))  # type: ignore[operator]


def test_the_oldest_leaves_whatever_its_score() -> None:
    assert leaves(Oldest(), [0.9, 0.1, 0.2]) == 0


def test_the_least_score_plus_recency_leaves() -> None:
    rule = ScoreAndRecency()
    assert leaves(rule, [0.90, 0.80, 0.85, 0.50]) == 1  # .50 + .37 of the newest beats .80 + .05
    assert leaves(rule, [0.90, 0.80, 0.85, 0.40]) == 3


def test_recency_counts_insertions_or_frames() -> None:
    entries, newcomer = [entry(place, 0.8) for place in range(3)], entry(3, 0.8)
    by_insertions = [ScoreAndRecency().importance(one, newcomer) - 0.8 for one in entries]
    assert by_insertions == pytest.approx([math.exp(-3), math.exp(-2), math.exp(-1)])
    by_frames = [ScoreAndRecency(unit="frames").importance(one, newcomer) - 0.8 for one in entries]
    assert by_frames == pytest.approx([math.exp(-15), math.exp(-10), math.exp(-5)])


def test_an_entry_without_a_score_leaves_first() -> None:
    assert leaves(ScoreAndRecency(), [0.9, NAN, 0.1]) == 1
    assert leaves(Lowest(), [0.9, NAN, 0.1]) == 1


def test_the_newcomer_may_lose_the_contest_for_the_lowest_score() -> None:
    assert leaves(Lowest(), [0.6, 0.7], newcomer=0.5) == 2
    assert leaves(Lowest(), [0.6, 0.7], newcomer=0.65) == 0


def test_a_newcomer_that_loses_is_not_kept_and_the_next_frame_is_tried() -> None:
    policy = {"keep": {"rule": "every_n", "n": 2}, "hold_previous": False, "capacity": 1, "evict": "lowest"}
    asked = follow(MemoryPolicy.model_validate(policy), [0.5, 0.9, 0.5, 0.4, 0.3, 0.95])
    assert [index for index, shelves in asked if shelves] == [2, 6]


def test_the_lot_falls_on_every_entry_in_time() -> None:
    drawn = {
        RandomEviction(seed=1)([entry(k, 0.5) for k in range(4)], entry(place, 0.5)) for place in range(40)
    }
    assert drawn == {0, 1, 2, 3}


@pytest.mark.parametrize("evict", EVICT_RULES)
def test_annotated_frames_stay_and_the_capacity_holds_under_random_scores(evict: str) -> None:
    generator = random.Random(7)
    policy = MemoryPolicy.model_validate({"keep": {"rule": "every_n", "n": 2}, "capacity": 3, "evict": evict})
    scores = [generator.random() for _ in range(80)]
    for index, _, bank in steps(policy, scores, annotated=(0, 31)):
        assert bank.shelf("annotated") == ((0,) if index < 31 else (0, 31))
        assert len(bank.shelf("long")) <= 3
        assert len(bank.frames((1,))) <= 2 + 3 + 1


def test_an_evict_rule_never_sees_an_annotated_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    monkeypatch.setattr(
        Oldest, "__call__", lambda self, entries, newcomer: seen.extend(e.index for e in entries) or 0
    )
    policy = MemoryPolicy.model_validate({"keep": {"rule": "every_n", "n": 1}, "capacity": 2})
    steps(policy, [0.9] * 20, annotated=(0, 7))
    assert seen and not {0, 7} & set(seen)


def test_a_choice_outside_the_contest_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Oldest, "__call__", lambda self, entries, newcomer: 9)
    with pytest.raises(ValueError, match="evict rule 'oldest' chose 9 of 2 entries"):
        steps(MemoryPolicy.model_validate({"keep": {"rule": "every_n", "n": 1}, "capacity": 1}), [0.9] * 3)


def test_the_score_of_an_entry_is_the_mean_over_its_objects() -> None:
    assert frame(score=(0.4, 0.8)).value("score") == pytest.approx(0.6)
