"""J and F of every object of a frame, from two label maps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qpm.metrics.boundary import TOLERANCE, outline_agreement, same_size, tolerance_radius, union_window
from qpm.metrics.region import overlap


def frame_measures(
    truth: np.ndarray, prediction: np.ndarray, object_ids: Sequence[int], tolerance: float = TOLERANCE
) -> tuple[np.ndarray, np.ndarray]:
    """J and F of each object; an object that neither map holds scores 1 and 1.

    Measured in a box around both masks plus one pixel; the tolerance is that of the whole frame.

    Parameters
    ----------
    truth, prediction : ndarray, (H, W)
        Label maps: pixel value = object id.
    object_ids : sequence of int
        The objects to measure; other ids count as background.
    tolerance : float
        See `boundary_f`.

    Returns
    -------
    j, f : ndarray, (O,) float64
        In the order of `object_ids`.

    Raises
    ------
    ValueError
        If the sizes differ; nothing is ever resized.
    """
    same_size(truth, prediction)
    radius = tolerance_radius(truth.shape[0], truth.shape[1], tolerance)
    pairs = [_object_measures(truth == k, prediction == k, radius) for k in object_ids]
    j, f = np.array(pairs, dtype=np.float64).reshape(-1, 2).T
    return j, f


def _object_measures(truth: np.ndarray, prediction: np.ndarray, radius: int) -> tuple[float, float]:
    window = union_window(truth | prediction)
    truth, prediction = truth[window], prediction[window]
    return overlap(truth, prediction), outline_agreement(truth, prediction, radius)
