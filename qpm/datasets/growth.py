"""Which objects of a clip are whole enough in its first frame to be learned from: MiVOS's rule for BL30K."""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict, NonNegativeFloat

SIDE = 384  # pixels of MiVOS's crops


class GrowthRule(BaseModel):
    """Leave out objects that show a corner at first and much more later: their first mask does not say what they are.

    An object counts if its first mask is larger than `least`, and also larger than `whole` or smaller than `grown`
    in all later frames. Areas are pixels in a crop of 384 x 384; in other crops the same shares of it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    least: NonNegativeFloat = 100
    whole: NonNegativeFloat = 900
    grown: NonNegativeFloat = 400

    def ids(self, labels: np.ndarray) -> np.ndarray:
        """The objects of a clip that count, ascending; labels are uint8 (T, H, W)."""
        unit = labels[0].size / SIDE**2
        first, *later = (np.bincount(frame.ravel(), minlength=256) / unit for frame in labels)
        stays_small = np.max(later, axis=0, initial=0) < self.grown
        counts = (first > self.least) & ((first > self.whole) | stays_small)
        counts[0] = False  # the background
        return np.flatnonzero(counts)
