"""The signals of a frame, against independent computations."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from qpm.inference.assess import Judgement, bounding_box, mask_signals, quality_signals, scattered, true_iou

EVERYTHING = frozenset({"temporal_iou", "area_ratio", "motion_iou", "distractor"})


def maps(seed: int, objects: int = 3) -> Tensor:
    """Random soft maps in blobs, background first."""
    noise = torch.rand((1, objects + 1, 6, 8), generator=torch.Generator().manual_seed(seed))
    smooth = torch.nn.functional.interpolate(noise, (24, 32), mode="bicubic")
    return (8 * smooth[0]).softmax(dim=0)


def test_confidence_and_presence_are_those_of_a_loop_over_pixels() -> None:
    soft = maps(0)
    values, _ = mask_signals(soft, (2, 5, 7), 0, frozenset(), Judgement())
    winner = soft.argmax(dim=0)
    for place in range(3):
        pixels = soft[place + 1][winner == place + 1]
        assert values["confidence"][place] == pytest.approx(pixels.mean().item(), rel=1e-5)
        assert values["presence"][place] == pytest.approx(soft[place + 1].max().item())


def test_the_overlap_with_the_frame_before_follows_ids_and_not_positions() -> None:
    first, second = maps(1, 1), maps(2, 2)
    _, judgement = mask_signals(first, (7,), 0, EVERYTHING, Judgement())
    values, _ = mask_signals(second, (3, 7), 1, EVERYTHING, judgement)
    before, now = (first.argmax(0) == 1).numpy(), (second.argmax(0) == 2).numpy()
    assert values["temporal_iou"][1] == pytest.approx((before & now).sum() / (before | now).sum())
    assert values["temporal_iou"][0] == 0  # it was not there


def test_an_empty_mask_has_no_confidence_and_no_motion() -> None:
    soft = torch.zeros(2, 8, 8)
    soft[0] = 1
    values, _ = mask_signals(soft, (1,), 0, EVERYTHING, Judgement())
    assert values["presence"] == (0,)
    assert all(
        math.isnan(values[name][0]) for name in ("confidence", "temporal_iou", "motion_iou", "distractor")
    )


def test_the_past_gives_area_ratio_and_motion() -> None:
    judgement = Judgement()
    for index in range(3):
        soft = torch.zeros(2, 16, 32)
        soft[1, 4:8, 4 * index : 4 * index + 4] = 1
        soft[0] = 1 - soft[1]
        values, judgement = mask_signals(soft, (1,), index, EVERYTHING, judgement)
    assert values["motion_iou"] == (1,) and values["area_ratio"] == (1,)
    assert mask_signals(soft, (1,), 3, EVERYTHING, judgement)[0]["motion_iou"] == (0,)  # it stopped


def test_mass_away_from_the_object_is_its_share() -> None:
    probability = np.zeros((8, 8))
    probability[0:3, 0:3] = 0.9
    assert scattered(probability) == pytest.approx(0)
    probability[6, 6] = 0.9
    assert scattered(probability) == pytest.approx(0.1)
    probability[5, 0] = 0.05  # not claimed at all
    assert scattered(probability) == pytest.approx(0.1)
    assert math.isnan(scattered(np.zeros((8, 8))))


def test_a_box_holds_all_pixels_and_no_empty_border() -> None:
    shown = np.zeros((9, 9), dtype=bool)
    assert bounding_box(shown) is None
    shown[2, 5] = shown[6, 3] = True
    assert bounding_box(shown) == (2, 3, 7, 6)


def test_scores_are_divided_by_the_object_s_first() -> None:
    _, judgement = quality_signals(torch.tensor([0.5]), (4,), (4,), "00000", Judgement())
    values, judgement = quality_signals(torch.tensor([0.25, 0.8]), (2, 4), (2,), "00003", judgement)
    assert values["score"] == pytest.approx((1.0, 1.6))
    values, _ = quality_signals(torch.tensor([0.5, 0.5]), (2, 4), (), "00004", judgement)
    assert values["score"] == pytest.approx((2.0, 1.0))


@pytest.mark.parametrize(("first", "divisor"), [(0.0, 1), (0.9e-3, 1), (1.1e-3, 1.1e-3), (math.nan, 1)])
def test_only_a_first_score_above_a_thousandth_divides(first: float, divisor: float) -> None:
    _, judgement = quality_signals(torch.tensor([first]), (1,), (1,), "0", Judgement())
    values, _ = quality_signals(torch.tensor([0.5]), (1,), (), "1", judgement)
    assert values["score"] == pytest.approx((0.5 / divisor,), rel=1e-3)


def test_the_true_iou_is_undefined_where_there_is_nothing_to_find() -> None:
    truth = np.array([[1, 1, 0], [2, 0, 0]], dtype=np.uint8)
    labels = np.array([[1, 0, 0], [0, 0, 0]], dtype=np.uint8)
    first, second, third = true_iou(labels, truth, (1, 2, 3))["iou_true"]
    assert (first, second) == (0.5, 0.0) and math.isnan(third)
    assert math.isnan(true_iou(labels, None, (1,))["iou_true"][0])
