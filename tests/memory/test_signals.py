"""Signals that come from the past of an object."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qpm.memory import FrameState
from qpm.memory.signals import Past, area_ratio, box_iou, motion_iou
from tests.memory.scripted import NAN

BOX = st.tuples(*[st.integers(0, 20)] * 2).flatmap(
    lambda corner: st.tuples(*[st.integers(1, 20)] * 2).map(
        lambda side: (*map(float, corner), float(corner[0] + side[0]), float(corner[1] + side[1]))
    )
)


def pixels(box: tuple[float, ...]) -> set[tuple[int, int]]:
    return {(y, x) for y in range(int(box[0]), int(box[2])) for x in range(int(box[1]), int(box[3]))}


@given(BOX, BOX)
def test_the_iou_of_boxes_is_that_of_their_pixels(
    first: tuple[float, ...], second: tuple[float, ...]
) -> None:
    a, b = pixels(first), pixels(second)
    assert box_iou(first, second) == pytest.approx(len(a & b) / len(a | b))  # type: ignore[arg-type]


def test_an_object_at_constant_velocity_moves_as_expected() -> None:
    past = Past()
    for index in range(2):
        past = past.then(index, 100, (10.0 + 2 * index, 0.0, 20.0 + 2 * index, 10.0))
    assert motion_iou(past, 2, (14.0, 0.0, 24.0, 10.0)) == 1
    assert motion_iou(past, 4, (18.0, 0.0, 28.0, 10.0)) == 1  # also after two frames out of view
    assert motion_iou(past, 2, (9.0, 0.0, 19.0, 10.0)) == pytest.approx(5 / 15)
    assert motion_iou(past, 2, (50.0, 0.0, 60.0, 10.0)) == 0


def test_motion_is_undefined_without_two_boxes_before_and_one_now() -> None:
    box = (0.0, 0.0, 4.0, 4.0)
    assert math.isnan(motion_iou(Past().then(0, 16, box), 1, box))
    assert math.isnan(motion_iou(Past().then(0, 16, box).then(1, 16, box), 2, None))


def test_the_area_ratio_is_taken_to_the_median_of_the_last_ten_with_this_one() -> None:
    past = Past()
    for area in [1000, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10]:
        past = past.then(0, area, None)
    assert past.areas == (10,) * 10
    assert area_ratio(past, 15) == 1.5
    assert area_ratio(past, 0) == 0
    assert area_ratio(Past(), 7) == 1
    assert math.isnan(area_ratio(Past(), 0))


def test_an_empty_mask_leaves_no_trace_in_the_past() -> None:
    past = Past().then(0, 16, (0.0, 0.0, 4.0, 4.0))
    assert past.then(1, 0, None) == past


def test_the_number_of_a_frame_leaves_undefined_objects_out() -> None:
    state = FrameState((1, 2, 3), {"temporal_iou": (0.2, NAN, 0.6)})
    values = [state.value("temporal_iou", over) for over in ("mean", "min", "any")]  # type: ignore[arg-type]
    assert values == pytest.approx([0.4, 0.2, 0.6])
    assert math.isnan(FrameState((1,), {"temporal_iou": (NAN,)}).value("temporal_iou"))


def test_presence_itself_and_the_truth_are_known_of_absent_objects_too() -> None:
    state = FrameState((1, 2), {"presence": (0.9, 0.1), "iou_true": (0.8, 0.0), "score": (0.8, 0.0)})
    assert state.value("presence", "min") == 0.1
    assert state.value("iou_true") == pytest.approx(0.4)
    assert state.value("score") == 0.8


def test_one_object_alone_is_what_a_decision_per_object_sees() -> None:
    state = FrameState((4, 9), {"score": (0.8, 0.1)}, index=7)
    assert state.only(9) == FrameState((9,), {"score": (0.1,)}, index=7)
