"""Thin-plate-spline warps: the smooth bending of a still image that makes it another frame of a video."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import RBFInterpolator
from scipy.ndimage import map_coordinates, zoom

from qpm.datasets.augment import FILL, Size

GRID = 8  # pixels between the points at which the spline is evaluated; it is smooth in between

Field = np.ndarray  # (2, H, W): for every pixel the row and column that is shown there


def random_bend(rng: np.random.Generator, size: Size, points: int, offset: float) -> Field:
    """The field of a random spline.

    Parameters
    ----------
    points : int
        Control points, uniform over the frame.
    offset : float
        Standard deviation of their offsets, in sides of the frame.

    Returns
    -------
    float64 (2, H, W)
        Source coordinates in pixels (the first pixel's centre is 0).
    """
    control = rng.uniform(0, 1, (points, 2))
    return bend(control, control + rng.normal(0, offset, (points, 2)), size)


def bend(control: np.ndarray, source: np.ndarray, size: Size) -> Field:
    """The thin-plate spline that shows `source` at `control`; both (N, 2), (row, column) in 0..1, N >= 3."""
    spline = RBFInterpolator(control, source, kernel="thin_plate_spline")
    counts = [max(2, side // GRID + 1) for side in size]
    axes = [np.linspace(0, 1, count) for count in counts]
    coarse = spline(np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)).reshape(*counts, 2)
    factors = [side / count for side, count in zip(size, counts, strict=True)]
    field = np.stack([zoom(coarse[..., axis], factors, order=1) for axis in (0, 1)])
    return field * (np.array(size).reshape(2, 1, 1) - 1)


def bend_frame(frame: np.ndarray, field: Field) -> np.ndarray:
    """The picture under a field, bilinear; what lies outside is the mean colour."""
    channels: list[np.ndarray] = [_look_up(frame[..., c].astype(np.float32), field, 1, FILL[c]) for c in range(3)]
    return (np.stack(channels, axis=-1) + 0.5).astype(np.uint8)


def bend_labels(labels: np.ndarray, field: Field) -> np.ndarray:
    """The label map under a field, nearest; what lies outside is background."""
    return _look_up(labels, field, 0, 0)


def _look_up(values: np.ndarray, field: Field, order: int, fill: float) -> np.ndarray:
    found: np.ndarray = map_coordinates(values, field, order=order, mode="constant", cval=fill, prefilter=False)
    return found
