"""The prior enhancement of the query, Eq. 4: f_en = h(f_t (+) mask_i) (x) f_t."""

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn


class PriorConfig(BaseModel):
    """h is a 3x3 convolution and a sigmoid; its map has one channel, or one for every feature channel."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    per_channel: bool = False
    initial_bias: float = 0.0  # 2 starts with the gate open, which suits encoders that are already trained


class PriorGate(nn.Module):
    """Weighs the query's 1/16 feature by a prior mask."""

    def __init__(self, config: PriorConfig, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels + 1, channels if config.per_channel else 1, 3, 1, 1)
        nn.init.constant_(self.conv.bias, config.initial_bias)  # type: ignore[arg-type]

    def forward(self, f16: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """The enhanced feature and the gate.

        Parameters
        ----------
        f16 : Tensor, (B, C, h, w)
            f_t, the current frame's feature.
        mask : Tensor, (B, 1, H, W) in [0, 1]
            mask_i, the prior frame's soft masks merged over objects, at the network's size.

        Returns
        -------
        f_en : Tensor, (B, C, h, w)
        gate : Tensor, (B, 1 or C, h, w) in (0, 1)
            h(f_t (+) mask_i).
        """
        small = F.interpolate(mask.to(f16.dtype), f16.shape[-2:], mode="bilinear", align_corners=False)
        gate = self.conv(torch.cat([f16, small], dim=1)).sigmoid()
        return f16 * gate, gate
