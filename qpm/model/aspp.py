"""Atrous spatial pyramid pooling over the decoder's input: context at several scales (QDMN; not in QPM)."""

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn


class ASPPConfig(BaseModel):
    """Channels of each branch, and the dilations of its 3x3 convolutions.

    QDMN's drop-out behind the last layer is left out: its network is in evaluation mode even in training.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    channels: int = 256
    dilations: tuple[int, ...] = (6, 12, 18)


class ASPP(nn.Module):
    """A 1x1 convolution, dilated 3x3 convolutions and a global mean, side by side, merged to the input's width."""

    def __init__(self, config: ASPPConfig, channels: int) -> None:
        super().__init__()
        width = config.channels
        local = [_branch(channels, width, kernel=1)]
        local += [_branch(channels, width, kernel=3, dilation=dilation) for dilation in config.dilations]
        self.local = nn.ModuleList(local)
        self.whole = _branch(channels, width, kernel=1)
        self.merge = _branch((len(local) + 1) * width, channels, kernel=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) -> (B, C, h, w); the map's mean stands at every location of its branch."""
        whole = self.whole(x.mean(dim=(2, 3), keepdim=True)).expand(-1, -1, *x.shape[2:])
        branches = torch.cat([*(branch(x) for branch in self.local), whole], dim=1)
        return self.merge(branches)


def _branch(in_channels: int, out_channels: int, kernel: int, dilation: int = 1) -> nn.Sequential:
    padding = dilation * (kernel // 2)
    convolution = nn.Conv2d(in_channels, out_channels, kernel, 1, padding, dilation, bias=False)
    nn.init.kaiming_normal_(convolution.weight)
    return nn.Sequential(convolution, nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True))
