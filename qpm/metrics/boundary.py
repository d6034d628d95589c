"""Boundary measure F: how much of two masks' outlines agree within a small distance.

Perazzi et al., "A benchmark dataset and evaluation methodology for video object segmentation", CVPR 2016;
the outline is that of Martin et al.'s ``seg2bmap``, as in every public DAVIS evaluator.
"""

from __future__ import annotations

import math

import numpy as np

TOLERANCE = 0.008
"""Distance within which outlines agree, as a share of the frame's diagonal."""


def boundary_f(truth: np.ndarray, prediction: np.ndarray, tolerance: float = TOLERANCE) -> float:
    """Harmonic mean of the outlines' precision and recall, the DAVIS measure F.

    Parameters
    ----------
    truth, prediction : ndarray, (H, W)
        Masks; any non-zero pixel belongs to the object.
    tolerance : float
        Share of the frame's diagonal; a value of 1 or more is taken as pixels.

    Returns
    -------
    float
        In 0..1. Two empty outlines agree: 1; one empty outline: 0. The frame's border is no outline, so a
        mask that fills the frame has an empty one.

    Raises
    ------
    ValueError
        If the sizes differ; nothing is ever resized.
    """
    same_size(truth, prediction)
    truth, prediction = truth.astype(bool), prediction.astype(bool)
    radius = tolerance_radius(truth.shape[0], truth.shape[1], tolerance)
    window = union_window(truth | prediction)
    return outline_agreement(truth[window], prediction[window], radius)


def tolerance_radius(height: int, width: int, tolerance: float = TOLERANCE) -> int:
    """Radius in pixels within which outlines agree: 8 at 480 x 854, 18 at 1080 x 1920."""
    return math.ceil(tolerance) if tolerance >= 1 else math.ceil(tolerance * math.sqrt(height**2 + width**2))


def outline(mask: np.ndarray) -> np.ndarray:
    """Pixels whose right, lower or lower right neighbour is on the other side of the mask's edge.

    One pixel wide and half a pixel to the upper left of the edge; comparisons that would leave the frame are
    left out, so the frame's border is never an outline. Boolean (H, W) in and out, or integer with a mask in
    each bit.
    """
    edge = np.zeros_like(mask)
    np.bitwise_xor(mask[:, :-1], mask[:, 1:], out=edge[:, :-1])
    edge[:-1] |= mask[:-1] ^ mask[1:]
    edge[:-1, :-1] |= mask[:-1, :-1] ^ mask[1:, 1:]
    return edge


def dilate(points: np.ndarray, radius: int) -> np.ndarray:
    """Pixels within `radius` of a point: exact dilation by the disk dy^2 + dx^2 <= radius^2.

    The disk is a row of upright columns, column dx reaching sqrt(radius^2 - dx^2) up and down. From the
    disk's sides to its middle the column only grows. Boolean (H, W) in and out, or integer with points in each
    bit; outside it are no points.
    """
    height, width = points.shape
    padded = np.zeros((height, width + radius), points.dtype)  # so that a flat shift meets no other row
    padded[:, :width] = points
    flat, stride, reach = padded.ravel(), width + radius, 0
    column, hit = flat.copy(), np.zeros_like(flat)
    for dx in range(radius, -1, -1):
        while reach < math.isqrt(radius * radius - dx * dx):
            reach += 1
            _add_shifted(column, flat, reach * stride)
        _add_shifted(hit, column, dx)
    return hit.reshape(height, stride)[:, :width]


def _add_shifted(target: np.ndarray, source: np.ndarray, by: int) -> None:
    """Add the flat source, moved by so many places both ways, to the flat target."""
    size = max(len(source) - by, 0)
    target[len(source) - size :] |= source[:size]
    target[:size] |= source[len(source) - size :]


def outline_agreement(truth: np.ndarray, prediction: np.ndarray, radius: int) -> float:
    """F of two boolean masks for a radius in pixels; `boundary_f` says what empty outlines give.

    The masks may be cut from a larger frame by `union_window`, with the radius of the whole frame.
    """
    edges = outline(
        truth.astype(np.uint8) | prediction.astype(np.uint8) << 1
    )  # bit 0 truth, bit 1 prediction
    truth_length, length = np.count_nonzero(edges & 1), np.count_nonzero(edges & 2)
    if not truth_length or not length:
        return float(truth_length == length)
    near = dilate(edges, radius)
    precision = np.count_nonzero(edges >> 1 & near & 1) / length
    recall = np.count_nonzero(near >> 1 & edges & 1) / truth_length
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def union_window(union: np.ndarray) -> tuple[slice, slice]:
    """Box around the mask plus one pixel, cut at the frame.

    It holds the whole outline, and its border is an outline only where the frame's own border is none.
    """
    rows, columns = np.flatnonzero(union.any(axis=1)), np.flatnonzero(union.any(axis=0))
    if not len(rows):
        return slice(0, 0), slice(0, 0)
    return slice(max(rows[0] - 1, 0), rows[-1] + 2), slice(max(columns[0] - 1, 0), columns[-1] + 2)


def same_size(truth: np.ndarray, prediction: np.ndarray) -> None:
    """Refuse masks that are not (H, W) of one size."""
    if truth.ndim != 2 or truth.shape != prediction.shape:
        raise ValueError(f"masks must be (H, W), alike: truth {truth.shape}, prediction {prediction.shape}")
