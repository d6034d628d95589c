"""A box of thresholds splits exactly where decisions change, and nowhere else."""

from __future__ import annotations

import math
import random

import pytest

from qpm.inference.sweep.box import Box, merge
from qpm.inference.sweep.setting import check_setting, with_settings
from qpm.memory import MemoryPolicy

QPM = MemoryPolicy.model_validate("qpm")
BOTH = {"keep.sigma_m": (0.0, 1.0), "prior.sigma_en": (-1.0, 1.0)}


def gate(policy: MemoryPolicy) -> float:
    return policy.shelves[1].keep.sigma_m  # type: ignore[attr-defined,no-any-return]


def test_a_score_belongs_to_the_part_that_rejects_it() -> None:
    """Strict: score > sigma. At sigma = score the frame is refused."""
    parts = Box(QPM, {"keep.sigma_m": (0.0, 1.0)}).split(lambda policy: gate(policy) < 0.3)
    assert [part.bounds["keep.sigma_m"] for part in parts] == [(0.0, 0.3), (0.3, 1.0)]
    assert [gate(part.policy) for part in parts[1:]] == [0.3]


@pytest.mark.parametrize("seed", range(5))
def test_the_cuts_are_the_scores_to_the_last_bit_however_many(seed: int) -> None:
    choose = random.Random(seed)
    scores = sorted(
        choose.choice([choose.random(), choose.uniform(-2, 2), 2.0 ** -choose.randint(1, 60)])
        for _ in range(9)
    )
    parts = Box(QPM, {"keep.sigma_m": (0.0, 1.0)}).split(
        lambda policy: [score > gate(policy) for score in scores]
    )
    inside = sorted({score for score in scores if 0.0 < score < 1.0})
    assert [part.bounds["keep.sigma_m"] for part in parts] == list(
        zip([0.0, *inside], [*inside, 1.0], strict=True)
    )


def test_a_score_at_the_lower_end_or_the_upper_bound_cuts_nothing() -> None:
    for score in (0.0, 1.0):
        box = Box(QPM, {"keep.sigma_m": (0.0, 1.0)})
        assert box.split(lambda policy, score=score: score > gate(policy)) == [box]
    last = math.nextafter(1.0, 0.0)
    parts = Box(QPM, {"keep.sigma_m": (0.0, 1.0)}).split(lambda policy: last > gate(policy))
    assert [part.bounds["keep.sigma_m"] for part in parts] == [(0.0, last), (last, 1.0)]


def test_a_box_that_agrees_stays_whole() -> None:
    box = Box(QPM, BOTH)
    assert box.split(lambda policy: "the same") == [box]


@pytest.mark.parametrize("seed", range(5))
def test_two_thresholds_are_cut_into_tiles_that_agree_within(seed: int) -> None:
    """Independent gates, a product and a corner that needs both: every tile holds one decision, tiles cover all."""
    choose = random.Random(seed)
    a, b, c, d = (choose.random() for _ in range(4))

    def decide(policy: MemoryPolicy) -> tuple[bool, bool, bool]:
        sigma_m, sigma_en = gate(policy), policy.prior.sigma_en  # type: ignore[attr-defined]
        return a > sigma_m, b > sigma_en, c > sigma_m and d > sigma_en

    box = Box(QPM, BOTH)
    parts = box.split(decide)
    for _ in range(100):
        point = {"keep.sigma_m": choose.random(), "prior.sigma_en": choose.uniform(-1, 1)}
        (home,) = (
            p for p in parts if all(low <= point[name] < high for name, (low, high) in p.bounds.items())
        )
        assert decide(box.at(point)) == decide(home.policy)
    areas = [math.prod(high - low for low, high in part.bounds.values()) for part in parts]
    assert sum(areas) == pytest.approx(2.0)


def test_tiles_of_one_result_are_joined() -> None:
    tiles = [
        {"a": (0.0, 0.5), "b": (0.0, 1.0)},
        {"a": (0.5, 1.0), "b": (0.0, 0.2)},
        {"a": (0.5, 1.0), "b": (0.2, 1.0)},
    ]
    assert merge(tiles) == [{"a": (0.0, 1.0), "b": (0.0, 1.0)}]
    apart = [{"a": (0.0, 0.2)}, {"a": (0.5, 1.0)}, {"a": (0.2, 0.4)}]
    assert merge(apart) == [{"a": (0.0, 0.4)}, {"a": (0.5, 1.0)}]


def test_a_setting_is_named_by_its_place_in_the_policy() -> None:
    assert (
        gate(with_settings(QPM, {"keep.sigma_m": 0.1}))
        == gate(with_settings(QPM, {"long.keep.sigma_m": 0.1}))
        == 0.1
    )
    assert with_settings(QPM, {"prior.sigma_en": 0.1}).prior.sigma_en == 0.1  # type: ignore[attr-defined]
    several = MemoryPolicy.model_validate("dam4sam")
    changed = with_settings(several, {"distractor.keep.rules.2.below": 3.0})
    assert changed.shelves[2].keep.rules[2].below == 3.0  # type: ignore[attr-defined]
    assert changed.shelves[:2] == several.shelves[:2]
    assert gate(QPM) == 0.7


@pytest.mark.parametrize(
    ("name", "low", "high", "message"),
    [
        ("keep.sigma", 0, 1, "unknown threshold 'keep.sigma'; did you mean 'long.keep.sigma_m'"),
        ("keep.n", 0, 1, "known: long.keep.sigma_m, prior.sigma_en"),
        ("prior.signal", 0, 1, "unknown threshold"),
        ("previous.keep.sigma_m", 0, 1, "unknown threshold"),
        ("keep.sigma_m", 1, 1, "the interval from 1 to 1 is empty"),
        ("keep.sigma_m", math.nan, 1, "is empty"),
    ],
)
def test_a_wrong_setting_is_refused_with_the_right_ones(
    name: str, low: float, high: float, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        check_setting(QPM, name, low, high)


def test_a_bound_that_the_rule_does_not_allow_is_refused() -> None:
    lot = MemoryPolicy.model_validate({"keep": {"rule": "random_gate", "share": 0.5}})
    check_setting(lot, "keep.share", 0, 1)
    with pytest.raises(ValueError, match="less than or equal to 1"):
        check_setting(lot, "keep.share", 0, 1.5)
