"""Region similarity J: how much of two masks overlaps."""

from __future__ import annotations

import numpy as np

from qpm.metrics.boundary import same_size


def jaccard(truth: np.ndarray, prediction: np.ndarray) -> float:
    """Intersection over union of two masks, the DAVIS measure J.

    Parameters
    ----------
    truth, prediction : ndarray, (H, W)
        Masks; any non-zero pixel belongs to the object.

    Returns
    -------
    float
        In 0..1. Two empty masks agree: 1.

    Raises
    ------
    ValueError
        If the sizes differ; nothing is ever resized.
    """
    same_size(truth, prediction)
    truth, prediction = truth.astype(bool), prediction.astype(bool)
    return overlap(truth, prediction)


def overlap(truth: np.ndarray, prediction: np.ndarray) -> float:
    """`jaccard` of boolean masks of one size, unchecked: for loops that have looked already."""
    both = np.count_nonzero(truth & prediction)
    either = np.count_nonzero(truth) + np.count_nonzero(prediction) - both
    return both / either if either else 1.0
