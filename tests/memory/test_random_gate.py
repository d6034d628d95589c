"""The control of a gate: the same number of frames, chosen blindly."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import pytest

from qpm.memory import QualityGate, RandomGate
from qpm.memory.random_gate import draw_frames
from tests.memory.scripted import frame, kept


def test_every_set_of_frames_far_enough_apart_is_equally_likely() -> None:
    possible = [pair for pair in combinations(range(3, 13), 2) if pair[1] - pair[0] >= 3]
    drawn = Counter(draw_frames(2, range(3, 13), 3, seed) for seed in range(280 * len(possible)))
    assert set(drawn) == set(possible)
    expected = 280
    chi_square = sum((count - expected) ** 2 / expected for count in drawn.values())
    assert chi_square < 53  # 99.8 % quantile for 27 degrees of freedom is 53


def test_a_draw_is_repeated_by_its_seed_and_changed_by_another() -> None:
    assert draw_frames(10, range(5, 500), 5, seed=1) == draw_frames(10, range(5, 500), 5, seed=1)
    assert draw_frames(10, range(5, 500), 5, seed=1) != draw_frames(10, range(5, 500), 5, seed=2)


def test_a_draw_of_as_many_as_fit_has_one_answer() -> None:
    assert draw_frames(4, range(5, 21), 5, seed=0) == (5, 10, 15, 20)
    assert draw_frames(0, range(5, 21), 5, seed=0) == ()


def test_a_count_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="no 5 of 16 frames lie at least 5 apart"):
        draw_frames(5, range(5, 21), 5, seed=0)


def test_the_control_keeps_the_count_of_the_gate_and_its_distance_from_annotated_frames() -> None:
    scores = [0.9 if index % 7 else 0.1 for index in range(60)]
    gate = QualityGate(n=5)
    count = len(kept(gate, scores, annotated=(0, 33)))
    latest = {index: 33 if index > 33 else 0 for index in range(1, 61) if index != 33}
    for seed in range(20):
        rule = RandomGate(like=gate, seed=seed).drawn(count, latest, "video")
        frames = kept(rule, scores, annotated=(0, 33))
        assert len(frames) == count
        assert all(index - latest[index] >= 5 for index in frames)


def test_the_draw_depends_on_the_video_s_name() -> None:
    latest = dict.fromkeys(range(1, 100), 0)
    draws = {
        RandomGate(like=QualityGate()).drawn(5, latest, name).frames for name in ("dog", "goat", "libby")
    }
    assert len(draws) == 3


def test_a_share_keeps_due_frames_with_that_probability() -> None:
    frames = kept(RandomGate(share=0.25, n=1, seed=4), [0.5] * 2000)
    assert 430 < len(frames) < 570  # 500, sd 19
    assert kept(RandomGate(share=0.0, n=1), [0.5] * 50) == []
    assert kept(RandomGate(share=1.0, n=5), [0.5] * 16) == [5, 10, 15]


def test_an_unresolved_control_is_not_answered() -> None:
    with pytest.raises(ValueError, match="resolve the policy first"):
        RandomGate(like=QualityGate())(frame())


def test_a_control_is_matched_to_a_gate_or_has_a_share() -> None:
    with pytest.raises(ValueError, match="exactly one of like"):
        RandomGate(like=QualityGate(), share=0.5)
    with pytest.raises(ValueError, match="cannot match a gate that decides per object"):
        RandomGate(like=QualityGate(over="each"))
