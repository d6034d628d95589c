"""Between a video's native pixels and the network's input: resize, normalise, pad to a multiple of 16, and back."""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

MEAN = (0.485, 0.456, 0.406)  # ImageNet, RGB in [0, 1]
STD = (0.229, 0.224, 0.225)
STRIDE = 16


def normalise(frames: Tensor) -> Tensor:
    """ImageNet normalisation.

    Parameters
    ----------
    frames : uint8 or float Tensor, (..., 3, H, W), RGB, 0..255

    Returns
    -------
    Tensor, float32 (..., 3, H, W)
    """
    mean = torch.tensor(MEAN, device=frames.device).view(3, 1, 1)
    std = torch.tensor(STD, device=frames.device).view(3, 1, 1)
    return (frames.float() / 255 - mean) / std


@dataclass(frozen=True)
class Canvas:
    """The geometry of one video on the network: native size, resized size, and the padding around it.

    Zeros are padded after the normalisation (the pad has the mean colour), floor(d / 2) before and the rest
    after, as in MiVOS. With `black` they are padded before it, and no mask is remembered there, as in STM.
    """

    native: tuple[int, int]
    resized: tuple[int, int]
    padding: tuple[int, int, int, int]  # left, right, top, bottom
    black: bool = False

    @classmethod
    def fit(cls, native: tuple[int, int], max_side: int | None = None, black: bool = False) -> "Canvas":
        """The canvas for frames of `native` (H, W), the longer side at most `max_side` pixels."""
        if max_side is not None and max_side < STRIDE:
            raise ValueError(f"max_side is {max_side}; it must be at least {STRIDE}, or none for the native size")
        scale = 1.0 if max_side is None else min(1.0, max_side / max(native))
        height, width = (max(1, round(side * scale)) for side in native)
        down, across = -height % STRIDE, -width % STRIDE
        padding = (across // 2, across - across // 2, down // 2, down - down // 2)
        return cls(native, (height, width), padding, black)

    @property
    def padded(self) -> tuple[int, int]:
        """(H, W) of the network's input."""
        left, right, top, bottom = self.padding
        return self.resized[0] + top + bottom, self.resized[1] + left + right

    def frame(self, frame: np.ndarray) -> Tensor:
        """uint8 (H, W, 3) RGB -> Tensor (1, 3, Hp, Wp), normalised and padded."""
        pixels = torch.from_numpy(np.ascontiguousarray(frame)).permute(2, 0, 1)[None].float()
        if self.resized != self.native:
            pixels = F.interpolate(pixels, self.resized, mode="bilinear", antialias=True, align_corners=False)
        return normalise(F.pad(pixels, self.padding)) if self.black else F.pad(normalise(pixels), self.padding)

    def masks(self, masks: Tensor) -> Tensor:
        """Native maps (O, H, W) in [0, 1] -> Tensor (1, O, Hp, Wp); reduced by averaging, so edges become soft."""
        batch = masks[None].float()
        if self.resized != self.native and masks.shape[0]:
            batch = F.interpolate(batch, self.resized, mode="bilinear", antialias=True, align_corners=False)
        return F.pad(batch, self.padding)

    def remembered(self, masks: Tensor) -> Tensor:
        """Soft masks (1, O, Hp, Wp) as the memory encoder gets them: on black padding they are 0."""
        if not self.black or not any(self.padding):
            return masks
        left, _, top, _ = self.padding
        height, width = self.resized
        return F.pad(masks[..., top : top + height, left : left + width], self.padding)

    def native_maps(self, maps: Tensor) -> Tensor:
        """(1, C, Hp, Wp) at the network's size -> (C, H, W) at the native size, bilinear."""
        left, _, top, _ = self.padding
        height, width = self.resized
        maps = maps[..., top : top + height, left : left + width].float()
        if self.resized != self.native:
            maps = F.interpolate(maps, self.native, mode="bilinear", align_corners=False)
        return maps[0]
