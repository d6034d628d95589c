"""Frames and label maps at a smaller size, the same for what is packed and for what a training reads."""

from __future__ import annotations

import numpy as np
from PIL import Image

from qpm.datasets.layout import object_ids


def reduced_size(size: tuple[int, int], short_side: int) -> tuple[int, int]:
    """(H, W) with a short side of at most `short_side` pixels; smaller pictures keep their size."""
    scale = min(1.0, short_side / min(size))
    return round(size[0] * scale), round(size[1] * scale)


def reduced_frame(frame: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A picture, uint8 (H, W, 3), averaged down to `size` (H, W)."""
    if frame.shape[:2] == size:
        return frame
    return np.array(Image.fromarray(frame).resize(size[::-1], Image.Resampling.LANCZOS, reducing_gap=2.0))


def reduced_labels(labels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A label map, uint8 (H, W), at `size`: each pixel has the id nearest to its middle, so ids never mix."""
    if labels.shape == size:
        return labels
    return np.array(Image.fromarray(labels).resize(size[::-1], Image.Resampling.NEAREST))


def with_every_id(small: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """A reduced label map in which objects that fell between its pixels have one: where their middle is."""
    lost = sorted(set(object_ids(labels)) - set(object_ids(small)))
    kept = small.copy() if lost else small
    for object_id in lost:
        middle = np.median(np.nonzero(labels == object_id), axis=1)
        row, column = (middle * np.divide(small.shape, labels.shape)).astype(int)
        kept[row, column] = object_id
    return kept
