"""The decoder: memory readout and query value, refined with the query's f8 and f4, to one logit per pixel."""

from typing import Literal

import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn


class DecoderConfig(BaseModel):
    """Channels at 1/16, 1/8 and 1/4 (MiVOS: 512, 256, 256), and groups of the group norm (0: none, as in MiVOS)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    channels: tuple[int, int, int] = (512, 256, 256)
    groups: int = 0
    compress: Literal["block", "convolution"] = "block"  # convolution: one before the block, at its width (STM)
    logits: Literal[1, 2] = 1  # 2: background and object, whose softmax is the sigmoid of their difference (STM)


class ResBlock(nn.Module):
    """Pre-activation residual block; a 3x3 convolution of the raw input is the shortcut where the width changes."""

    def __init__(self, in_channels: int, out_channels: int, groups: int) -> None:
        super().__init__()
        self.norm1 = _norm(groups, in_channels)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, 1, 1)
        self.norm2 = _norm(groups, out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, 1, 1)
        self.downsample: nn.Module = nn.Identity()
        if in_channels != out_channels:
            self.downsample = nn.Conv2d(in_channels, out_channels, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv1(F.relu(self.norm1(x)))
        y = self.conv2(F.relu(self.norm2(y)))
        return y + self.downsample(x)


class UpsampleBlock(nn.Module):
    """Doubles the resolution and adds the query's feature of that resolution."""

    def __init__(self, skip_channels: int, in_channels: int, out_channels: int, groups: int) -> None:
        super().__init__()
        self.skip_conv1 = nn.Conv2d(skip_channels, in_channels, 3, 1, 1)
        self.skip_conv2 = ResBlock(in_channels, in_channels, groups)
        self.out_conv = ResBlock(in_channels, out_channels, groups)

    def forward(self, skip: Tensor, x: Tensor) -> Tensor:
        """(B, S, 2h, 2w) and (B, O, C, h, w) -> (B, O, C', 2h, 2w); the skip is computed once for all objects."""
        objects = x.shape[:2]
        skip = self.skip_conv2(self.skip_conv1(skip)).unsqueeze(1)
        up = F.interpolate(x.flatten(0, 1), scale_factor=2, mode="bilinear", align_corners=False)
        y = (up.unflatten(0, objects) + skip).flatten(0, 1)
        return self.out_conv(y).unflatten(0, objects)


class Decoder(nn.Module):
    """Mask logits of every object."""

    def __init__(self, config: DecoderConfig, in_channels: int, skips: tuple[int, int]) -> None:
        super().__init__()
        c16, c8, c4 = config.channels
        self.compress = _compress(config, in_channels)
        self.up_16_8 = UpsampleBlock(skips[1], c16, c8, config.groups)
        self.up_8_4 = UpsampleBlock(skips[0], c8, c4, config.groups)
        self.pred = nn.Conv2d(c4, config.logits, 3, 1, 1)

    def forward(self, x: Tensor, f8: Tensor, f4: Tensor) -> Tensor:
        """Logits at the network's size.

        Parameters
        ----------
        x : Tensor, (B, O, C, h, w)
            Readout and query value of each object, readout first.
        f8, f4 : Tensors, (B, S8, 2h, 2w) and (B, S4, 4h, 4w)

        Returns
        -------
        Tensor, float32 (B, O, 16h, 16w)
        """
        objects = x.shape[:2]
        x = self.compress(x.flatten(0, 1)).unflatten(0, objects)
        x = self.up_8_4(f4, self.up_16_8(f8, x))
        logits = self.pred(F.relu(x.flatten(0, 1))).float()
        if logits.shape[1] == 2:
            logits = logits[:, 1:] - logits[:, :1]
        logits = F.interpolate(logits, scale_factor=4, mode="bilinear", align_corners=False)
        return logits[:, 0].unflatten(0, objects)


def _compress(config: DecoderConfig, in_channels: int) -> nn.Module:
    width = config.channels[0]
    if config.compress == "block":
        return ResBlock(in_channels, width, config.groups)
    return nn.Sequential(nn.Conv2d(in_channels, width, 3, 1, 1), ResBlock(width, width, config.groups))


def _norm(groups: int, channels: int) -> nn.Module:
    return nn.GroupNorm(groups, channels) if groups else nn.Identity()
