"""Which frames are read: the bank of each policy, by hand."""

from __future__ import annotations

from typing import Any

import pytest

from qpm.memory import Bank, FrameMemory, FrameState, MemoryPolicy
from tests.memory.scripted import read_at_each, steps

GOOD = [0.9] * 11


def read(policy: Any, scores: list[float] = GOOD, annotated: tuple[int, ...] = (0,)) -> list[tuple[int, ...]]:
    """What frames 2, 3, ... read."""
    return read_at_each(MemoryPolicy.model_validate(policy), scores, annotated)


def test_stm_reads_the_annotated_frame_every_fifth_and_the_previous_one() -> None:
    assert read("stm") == [
        (0, 1),
        (0, 2),
        (0, 3),
        (0, 4),
        (0, 5),
        (0, 5, 6),
        (0, 5, 7),
        (0, 5, 8),
        (0, 5, 9),
        (0, 5, 10),
        (0, 5, 10, 11),
    ]


def test_every_n_does_not_hold_the_previous_frame() -> None:
    assert read("every_n")[-2:] == [(0, 5, 10), (0, 5, 10)]
    assert read({"preset": "every_n", "keep": {"n": 3}})[-1] == (0, 3, 6, 9)


@pytest.mark.parametrize(
    ("preset", "last"),
    [
        ("first_only", (0,)),
        ("first_previous", (0, 11)),
        ("every_frame", tuple(range(12))),
        ("sam2_fifo", (0, 6, 7, 8, 9, 10, 11)),
        ("cutie_fifo", (0, 5, 10)),
    ],
)
def test_fixed_schedules(preset: str, last: tuple[int, ...]) -> None:
    assert read(preset)[-1] == last


def test_cutie_holds_five_in_all_and_the_annotated_frame_is_one_of_them() -> None:
    assert read("cutie_fifo", [0.9] * 40)[-1] == (0, 25, 30, 35, 40)


def test_the_gate_leaves_a_bad_due_frame_out_but_the_previous_frame_is_read_whatever_its_score() -> None:
    scores = [0.9, 0.9, 0.9, 0.9, 0.2, 0.2, 0.9, 0.9]
    assert read("qpm", scores) == [(0, 1), (0, 2), (0, 3), (0, 4), (0, 5), (0, 6), (0, 7), (0, 7, 8)]


def test_a_frame_on_two_shelves_is_read_once() -> None:
    assert all(len(set(frames)) == len(frames) for frames in read("stm", [0.9] * 30))


def test_an_annotated_frame_takes_the_place_of_the_previous_one() -> None:
    assert read("first_previous", annotated=(0, 4))[2:6] == [(0, 3), (0, 4), (0, 4, 5), (0, 4, 6)]


def test_an_annotated_frame_counts_in_a_window_of_the_last_frames_but_stays_when_they_go() -> None:
    window = {"shelves": [{"name": "recent", "keep": "always", "capacity": 3}]}
    assert read(window, annotated=(0, 5))[3:9] == [
        (0, 2, 3, 4),
        (0, 3, 4, 5),
        (0, 4, 5, 6),
        (0, 5, 6, 7),
        (0, 5, 6, 7, 8),
        (0, 5, 7, 8, 9),
    ]


def two(scores: tuple[float, float], index: int, annotated: bool = False) -> FrameState:
    """A frame with objects 1 and 2."""
    return FrameState((1, 2), {"score": scores, "presence": (1.0, 1.0)}, index, annotated)


def test_a_gate_per_object_keeps_a_frame_for_the_objects_that_pass() -> None:
    policy = MemoryPolicy.model_validate(
        {"keep": {"rule": "quality_gate", "n": 2, "over": "each"}, "hold_previous": False}
    )
    bank = Bank().annotate(policy, FrameMemory(0, (1, 2), ()))
    for index, scores in enumerate([(0.9, 0.9), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9)], 1):
        bank, kept = bank.offer(policy, two(scores, index), FrameMemory(index, (1, 2), ()))
        assert kept == {2: {"long": (1,)}, 3: {"long": (2,)}}.get(index, {})
    assert [tuple(m.index for m in bank.memories(k)) for k in (1, 2)] == [(0, 2), (0, 3)]
    assert [objects for objects, _ in bank.groups((1, 2))] == [(1,), (2,)]


def test_objects_that_read_the_same_frames_are_read_together() -> None:
    policy = MemoryPolicy.model_validate("stm")
    bank = Bank().annotate(policy, FrameMemory(0, (2,), ()))
    bank, _ = bank.offer(policy, FrameState((2,), {}, 1), FrameMemory(1, (2,), ()))
    bank = bank.annotate(policy, FrameMemory(2, (1, 2, 7), ()))
    groups = bank.groups((1, 2, 7))
    assert [(objects, [m.index for m in read]) for objects, read in groups] == [((1, 7), [2]), ((2,), [0, 2])]


def test_the_bank_that_a_frame_is_offered_to_stays_as_it_was() -> None:
    done = steps(MemoryPolicy.model_validate("stm"), GOOD)
    earlier = done[5][2]
    before = earlier.frames((1,))
    earlier.offer(MemoryPolicy.model_validate("stm"), FrameState((1,), {}, 7), FrameMemory(7, (1,), ()))
    assert earlier.frames((1,)) == before
