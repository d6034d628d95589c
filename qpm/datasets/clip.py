"""A training clip, and its objects as numbers 1..K."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Clip:
    """T frames with their truth.

    frames : uint8 (T, H, W, 3), RGB
    labels : uint8 (T, H, W), ids 1..K in random order; every id is visible in the first frame
    """

    frames: np.ndarray
    labels: np.ndarray
    name: str

    @property
    def objects(self) -> int:
        """K, the number of objects."""
        return int(self.labels[0].max(initial=0))


def large_ids(labels: np.ndarray, share: float) -> np.ndarray:
    """Object ids that cover at least this share of the label map."""
    counts = np.bincount(labels.ravel(), minlength=2)
    counts[0] = 0
    return np.flatnonzero(counts >= max(1.0, share * labels.size))


def renumbered(labels: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """The label maps with ids[k] as k + 1 and every other id as background."""
    table = np.zeros(256, dtype=np.uint8)
    table[ids] = np.arange(1, len(ids) + 1)
    return table[labels]


def shuffled(clip: Clip, rng: np.random.Generator) -> Clip:
    """The same clip with its objects in random order."""
    return Clip(clip.frames, renumbered(clip.labels, rng.permutation(clip.objects) + 1), clip.name)
