"""The named numbers that rules may ask for, and the past of an object that some of them need."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from qpm.names import unknown

SIGNALS: dict[str, str] = {
    "score_raw": "predicted IoU of the mask, A(m_t) in Eq. 2",
    "score": "score_raw over its value on the frame where the object was given (Eq. 2); 1 on that frame",
    "confidence": "mean probability of the winning label over the object's pixels, 0..1; needs no quality head",
    "presence": "highest probability of the object in the frame, 0..1; above 0.5 the object is there",
    "temporal_iou": "IoU of the mask with the object's mask in the frame before; NaN if both are empty",
    "area_ratio": "area over the median of the last 10 non-empty areas, this one included",
    "motion_iou": "IoU of the mask's box with the box extrapolated from the last two; NaN before there are two",
    "distractor": "share of the object's probability mass outside its main connected component, 0..1",
    "iou_true": "IoU of the mask with the truth; NaN if both are empty or there is no truth. For oracles only",
}
ALWAYS = ("score_raw", "score", "confidence", "presence")  # computed on every frame, whatever the policy asks

AREAS = 10  # how many non-empty areas the median of area_ratio covers (DAM4SAM)

Box = tuple[float, float, float, float]  # top, left, bottom, right; pixels of the network's input


def check_signal(name: str) -> str:
    """Return the name if it is a known signal, or raise a ValueError that names the nearest."""
    if name not in SIGNALS:
        raise ValueError(unknown("signal", name, SIGNALS))
    return name


def check_signals(names: Iterable[str]) -> frozenset[str]:
    """Return the names as a set if all are known signals."""
    return frozenset(check_signal(name) for name in names)


@dataclass(frozen=True)
class Past:
    """What earlier frames left of one object: its last non-empty areas and its last two boxes with their frames."""

    areas: tuple[float, ...] = ()
    boxes: tuple[tuple[int, Box], ...] = ()

    def then(self, index: int, area: float, box: Box | None) -> Past:
        """The past of the next frame."""
        areas = (*self.areas, area)[-AREAS:] if area > 0 else self.areas
        boxes = (*self.boxes, (index, box))[-2:] if box is not None else self.boxes
        return Past(areas, boxes)


def area_ratio(past: Past, area: float) -> float:
    """``area`` over the median of the last 10 non-empty areas, itself included; NaN if there was never one."""
    areas = (*past.areas, area)[-AREAS:] if area > 0 else past.areas
    return area / median(areas) if areas else math.nan


def motion_iou(past: Past, index: int, box: Box | None) -> float:
    """IoU of ``box`` with the box that constant velocity predicts for frame ``index``; NaN without two past boxes."""
    if box is None or len(past.boxes) < 2:
        return math.nan
    (earlier_index, earlier), (later_index, later) = past.boxes
    steps = (index - later_index) / (later_index - earlier_index)
    expected = tuple(b + steps * (b - a) for a, b in zip(earlier, later, strict=True))
    return box_iou(box, expected)  # type: ignore[arg-type]


def box_iou(first: Box, second: Box) -> float:
    """IoU of two boxes; 0 if they do not meet or one of them is turned inside out."""
    height = min(first[2], second[2]) - max(first[0], second[0])
    width = min(first[3], second[3]) - max(first[1], second[1])
    if height <= 0 or width <= 0:
        return 0.0
    inside = height * width
    areas = ((box[2] - box[0]) * (box[3] - box[1]) for box in (first, second))
    return inside / (sum(areas) - inside)
