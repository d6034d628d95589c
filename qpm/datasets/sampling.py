"""Which frames of a video, and which part of them, a training clip shows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qpm.datasets.augment import Box, random_box
from qpm.datasets.video import Video

BOXES = 10  # draws of a crop before the best so far is taken


def annotated(video: Video) -> list[int]:
    """Indices of the frames with truth."""
    return list(range(len(video)) if video.truth_frames is None else video.truth_frames)


def largest_gap(gap: tuple[int, int], progress: float, steps: Sequence[tuple[float, int]] = ()) -> int:
    """The curriculum: from gap[0] at the start to gap[1] at half of the training, then constant.

    With `steps`, pairs of (share of the training, gap), the last one that has been reached takes over.
    """
    reached = [largest for share, largest in steps if progress >= share]
    return reached[-1] if reached else round(gap[0] + (gap[1] - gap[0]) * min(1.0, 2 * progress))


def choose_frames(rng: np.random.Generator, frames: list[int], length: int, gap: int) -> list[int]:
    """`length` of `frames` in order, neighbours 1..gap apart, reversed in half of the draws.

    In a video too short for the gap the distances are as large as fit.
    """
    steps = length - 1
    longest = max(1, min(gap, (len(frames) - 1) // max(1, steps)))
    offsets = np.concatenate([[0], np.cumsum(rng.integers(1, longest + 1, size=steps))])
    start = int(rng.integers(0, len(frames) - offsets[-1]))
    chosen = [frames[start + int(offset)] for offset in offsets]
    return chosen[::-1] if rng.random() < 0.5 else chosen


def choose_box(
    rng: np.random.Generator, target: np.ndarray, area: tuple[float, float], aspect: float, shape: float = 1.0
) -> Box:
    """A random crop that holds half of the target (bool (H, W), not empty) or more.

    If ten draws do not, the last one is moved onto the target.
    """
    total = target.sum()
    for _ in range(BOXES):
        box = random_box(rng, (target.shape[0], target.shape[1]), area, aspect, shape)
        x, y, width, height = (round(value) for value in box)
        if target[y : y + height, x : x + width].sum() >= 0.5 * total:
            return box
    return centred_on(target, box[2], box[3])


def centred_on(target: np.ndarray, width: float, height: float) -> Box:
    """A box of this size about the middle of the target, moved as much as it takes to lie in the image."""
    rows, columns = np.nonzero(target)
    x = np.clip(columns.mean() + 0.5 - width / 2, 0, target.shape[1] - width)
    y = np.clip(rows.mean() + 0.5 - height / 2, 0, target.shape[0] - height)
    return float(x), float(y), width, height


def box_around(masks: np.ndarray, margin: float, shape: float = 1.0) -> Box:
    """The box of that width / height that holds an object in all frames, and a margin (share of its sides).

    It may leave the image.

    masks : bool (T, H, W), not all empty
    """
    rows, columns = np.flatnonzero(masks.any(axis=(0, 2))), np.flatnonzero(masks.any(axis=(0, 1)))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    height = (1 + 2 * margin) * max(bottom - top, (right - left) / shape)
    width = shape * height
    return float((left + right - width) / 2), float((top + bottom - height) / 2), float(width), float(height)
