"""Exact curves: every value of a threshold at once, checked against runs at single values."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from qpm.inference import FrameResult, propagate
from qpm.inference.sweep import Cost, Curve, Piece, pooled, threshold_curve
from qpm.memory import MemoryPolicy
from tests.inference.fake_network import FakeNetwork, video
from tests.inference.sweep.sensitive_network import SensitiveNetwork

CLIP = video(11, {1: 0, 2: 0, 3: 5})


def fingerprint(result: FrameResult) -> dict[int, float]:
    """A number per object that no other result has; NaN where the mask is given."""
    new = (object_id for object_id in result.object_ids if CLIP.first_frames[object_id] == result.index)
    values = dict(zip(result.object_ids, result.signals["score"], strict=True))
    return values | dict.fromkeys(new, math.nan)


def at(policy: MemoryPolicy, point: dict[str, float], seed: int) -> list[dict[int, float]]:
    """What is measured in an independent run with these thresholds."""
    return [fingerprint(result) for result in run(policy, point, seed)]


def kept(policy: MemoryPolicy, point: dict[str, float], seed: int) -> list[dict[str, tuple[int, ...]]]:
    """What an independent run memorizes."""
    return [dict(result.memorized_objects) for result in run(policy, point, seed)]


def run(policy: MemoryPolicy, point: dict[str, float], seed: int) -> Iterator[FrameResult]:
    """An independent run with these thresholds, set in another way."""
    dumped = policy.model_dump()
    for name, value in point.items():
        steps = name.split(".")
        node: Any = dumped["prior"] if steps[0] == "prior" else dumped["shelves"][-1]["keep"]
        for step in steps[1:-1]:
            node = node[int(step) if step.isdigit() else step]
        node[steps[-1]] = value
    changed = MemoryPolicy.model_validate(dumped)
    return propagate(SensitiveNetwork(seed), CLIP, changed)


def same(measured: Any, expected: Any) -> bool:
    return len(measured) == len(expected) and all(
        one.keys() == other.keys() and np.array_equal([*one.values()], [*other.values()], equal_nan=True)
        for one, other in zip(measured, expected, strict=True)
    )


def gated(**gate: object) -> MemoryPolicy:
    """A gate every 2 frames beside the selective prior."""
    keep = {"rule": "quality_gate", "n": 2, "sigma_m": 9.0} | gate
    return MemoryPolicy.model_validate({"keep": keep, "prior": {"rule": "selective"}})


LAST_GOOD = {
    "rule": "any_of",
    "rules": [{"rule": "frames", "frames": [4]}, {"rule": "threshold", "signal": "score", "above": 0.5}],
}


@pytest.mark.parametrize(
    ("setting", "policy"),
    [
        ("keep.sigma_m", gated()),
        ("keep.sigma_m", gated(over="each")),
        ("prior.sigma_en", gated(sigma_m=0.5)),
        ("keep.share", MemoryPolicy.model_validate({"keep": {"rule": "random_gate", "share": 0.5, "n": 1}})),
        ("keep.rules.1.above", MemoryPolicy.model_validate({"keep": LAST_GOOD, "capacity": 2})),
    ],
)
def test_a_piece_has_the_result_of_its_ends_and_of_the_values_between(
    setting: str, policy: MemoryPolicy
) -> None:
    seed, bounds = 3, (0.2, 1.0 if setting == "keep.share" else 4.0)
    curve = threshold_curve(SensitiveNetwork(seed), CLIP, policy, {setting: bounds}, fingerprint)
    intervals = [piece.bounds[setting] for piece in curve.pieces]
    assert intervals[0][0] == 0.2 and intervals[-1][1] == bounds[1] and len(intervals) > 3
    assert all(one[1] == other[0] for one, other in zip(intervals, intervals[1:], strict=False))
    choose = random.Random(0)
    for piece in choose.sample(curve.pieces, 3):
        low, high = piece.bounds[setting]
        for value in (low, choose.uniform(low, high), math.nextafter(high, low)):
            assert same(piece.measured, at(policy, {setting: value}, seed))
        assert list(piece.kept) == kept(policy, {setting: low}, seed)
    for one, other in zip(curve.pieces, curve.pieces[1:], strict=False):
        assert not same(one.measured, other.measured) or one.kept != other.kept


def test_the_breakpoints_of_a_gate_are_scores() -> None:
    """Scripted: due at 2 with .4, retried at 3 with .5 and at 4 with .6; each relative to .8."""
    network = FakeNetwork({2: 0.4, 3: 0.48, 4: 0.56, 5: 0.1, 6: 0.1, 7: 0.1})
    policy = MemoryPolicy.model_validate({"keep": {"rule": "quality_gate", "n": 2}, "hold_previous": False})
    curve = threshold_curve(
        network, video(8), policy, {"keep.sigma_m": (0.3, 0.9)}, lambda result: {1: result.bank_frames}
    )
    first, second, third = np.array([0.4, 0.48, 0.56], dtype=np.float32) / np.float32(0.8)
    ends = [piece.bounds["keep.sigma_m"] for piece in curve.pieces]
    assert np.allclose(ends, [(0.3, first), (first, second), (second, third), (third, 0.9)], rtol=1e-6)
    assert [[int(frame[1]) for frame in piece.measured] for piece in curve.pieces] == [
        [0, 1, 1, 2, 2, 3, 3, 3],
        [0, 1, 1, 1, 2, 2, 2, 2],
        [0, 1, 1, 1, 1, 2, 2, 2],
        [0, 1, 1, 1, 1, 1, 1, 1],
    ]
    scores = {result.signals["score"][0] for result in propagate(network, video(8), policy)}
    assert {low for low, _ in ends[1:]} <= scores  # to the last bit


@pytest.mark.parametrize("max_branches", [1, 64])
def test_two_thresholds_tile_the_plane(max_branches: int) -> None:
    bounds = {"keep.sigma_m": (0.2, 0.9), "prior.sigma_en": (0.2, 0.9)}
    policy, seed = gated(), 4
    curve = threshold_curve(
        SensitiveNetwork(seed), CLIP, policy, bounds, fingerprint, max_branches=max_branches
    )
    areas = [math.prod(high - low for low, high in piece.bounds.values()) for piece in curve.pieces]
    assert sum(areas) == pytest.approx(0.49)
    choose = random.Random(1)
    for _ in range(8):
        point = {name: choose.uniform(*bounds[name]) for name in bounds}
        (home,) = (
            piece
            for piece in curve.pieces
            if all(low <= point[name] < high for name, (low, high) in piece.bounds.items())
        )
        assert same(home.measured, at(policy, point, seed))
    assert curve.cost.alone == len(curve.pieces) * 11 > curve.cost.segmented


def test_means_leave_out_what_does_not_count() -> None:
    frames = ({1: math.nan}, {1: 0.5, 2: math.nan}, {1: 1.0, 2: 0.25}, {1: math.nan, 3: math.nan})
    assert Piece({}, frames).means == {1: 0.75, 2: 0.25}


def test_pooling_is_the_mean_over_the_objects_of_all_videos_at_every_threshold() -> None:
    def curve(*steps: tuple[float, float, dict[int, float]]) -> Curve:
        return Curve(
            tuple(Piece({"keep.sigma_m": (low, high)}, (value,)) for low, high, value in steps), Cost()
        )

    one = curve((0.0, 0.4, {1: 1.0}), (0.4, 1.0, {1: 0.0}))
    two = curve((0.0, 0.7, {1: 0.5, 2: 0.25}), (0.7, 1.0, {1: 0.0, 2: 1.0}))
    assert pooled([one, two]) == [(0.0, 0.4, 1.75 / 3), (0.4, 0.7, 0.25), (0.7, 1.0, 1 / 3)]
    plane = Curve((Piece({"a": (0, 1), "b": (0, 1)}, ()),), Cost())
    with pytest.raises(ValueError, match="only curves over one threshold"):
        pooled([plane])


def test_a_video_without_objects_is_one_empty_piece() -> None:
    empty = replace(video(3), object_ids=(), first_frames={})
    curve = threshold_curve(FakeNetwork(), empty, gated(), {"keep.sigma_m": (0, 1)}, fingerprint)
    assert [piece.bounds for piece in curve.pieces] == [{"keep.sigma_m": (0, 1)}]
    assert curve.pieces[0].means == {} and curve.cost == Cost()
