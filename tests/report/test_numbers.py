"""Numbers as printed; what was not measured prints as nothing."""

import math

import pytest

from qpm.report import numbers


@pytest.mark.parametrize(
    "show", [numbers.fixed, numbers.signed, numbers.probability, numbers.share, numbers.count]
)
@pytest.mark.parametrize("nothing", [None, math.nan])
def test_nothing_prints_as_nothing(show, nothing):
    assert show(nothing) == ""


def test_trailing_zeros_stay():
    assert numbers.fixed(0.84) == "0.840" and numbers.fixed(5, 1) == "5.0"


def test_a_difference_has_a_sign_unless_it_rounds_to_zero():
    assert [numbers.signed(x) for x in (0.0123, -0.0123, 0.0004, -0.0004)] == [
        "+0.012",
        "−0.012",
        "0.000",
        "0.000",
    ]


def test_an_interval_belongs_to_a_difference():
    assert numbers.interval(0.0123, -0.003, 0.0274) == "+0.012 [−0.003, +0.027]"
    assert numbers.interval(math.nan, -0.1, 0.1) == ""


def test_one_video_has_a_difference_without_an_interval():
    assert numbers.interval(0.01, math.nan, math.nan) == "+0.010"


def test_a_small_p_is_never_zero():
    assert [numbers.probability(p) for p in (0.0004, 0.0006, 0.05, 1.0)] == [
        "<0.001",
        "0.001",
        "0.050",
        "1.000",
    ]


def test_spread_is_told_only_with_several_seeds():
    assert numbers.spread(0.84, 0.0041) == "0.840 ± 0.004" and numbers.spread(0.84, math.nan) == "0.840"
