"""Write what surrounds a convolution (normalisation, preprocessing) into its weight and bias.

All in float64 until it is stored. Folding changes rounding only, so that a folded network must agree with its
origin to float32 accuracy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qpm.frames import MEAN, STD

Array = NDArray[np.float64]
CAFFE_MEAN_BGR = (104.0, 117.0, 123.0)  # subtracted from a BGR image in 0..255


@dataclass(frozen=True)
class Convolution:
    """A convolution with weight (O, I, kh, kw) and bias (O,)."""

    weight: Array
    bias: Array

    def scaled(self, factor: Array) -> Convolution:
        """Return the convolution followed by a product with `factor` (O,), the gain of a batch norm."""
        return Convolution(self.weight * factor[:, None, None, None], self.bias * factor)

    def shifted(self, offset: Array) -> Convolution:
        """Return the convolution followed by a sum with `offset` (O,)."""
        return Convolution(self.weight, self.bias + offset)

    def on_input(self, factor: Array, offset: Array) -> Convolution:
        """Return the convolution that gives for x what this one gives for ``factor * x + offset``, both (I,).

        Exact wherever the kernel lies inside the image. At the border it is exact only if the new input is
        padded with ``-offset / factor``, which is what the zeros around the old one become.
        """
        weight = self.weight * factor[:, None, None]
        return Convolution(weight, self.bias + np.einsum("oihw,i->o", self.weight, offset))


def for_normalised_rgb(stem: Convolution) -> Convolution:
    """Turn a stem for caffe's images (BGR, 0..255, minus the mean) into one for our RGB frames.

    Our frames are in [0, 1], minus ImageNet's mean, divided by its standard deviation (`qpm.frames`).
    """
    mean, std = np.asarray(MEAN), np.asarray(STD)
    rgb = Convolution(stem.weight[:, ::-1], stem.bias)
    return rgb.on_input(255 * std, 255 * mean - np.asarray(CAFFE_MEAN_BGR[::-1]))
