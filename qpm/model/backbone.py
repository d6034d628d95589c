"""The ResNet of both encoders, cut after its third stage: frames to features at 1/4, 1/8 and 1/16.

Parameter names are torchvision's, so its ImageNet files load.
"""

from typing import Literal

import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

EXPANSION = 4  # a bottleneck's output channels over its inner width


class BackboneConfig(BaseModel):
    """A bottleneck ResNet: width 64 and (3, 4, 6) blocks are ResNet-50."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stem: int = 64  # channels after the first convolution
    width: int = 64  # inner channels of the first stage; the stages put out 4, 8 and 16 times as many
    blocks: tuple[int, int, int] = (3, 4, 6)
    norm: Literal["batch", "none"] = "batch"  # none: statistics folded into the convolutions' biases
    bias: bool = False  # of the convolutions that a batch norm follows
    form: Literal["torchvision", "caffe"] = "torchvision"  # caffe: stride in a first 1x1, pool padded right and below

    @property
    def channels(self) -> tuple[int, int, int]:
        """Channels of f4, f8 and f16."""
        return 4 * self.width, 8 * self.width, 16 * self.width


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 convolutions around a shortcut."""

    def __init__(self, config: BackboneConfig, in_channels: int, width: int, stride: int) -> None:
        super().__init__()
        bias = config.bias or config.norm == "none"
        first, second = (stride, 1) if config.form == "caffe" else (1, stride)
        out_channels = EXPANSION * width
        self.conv1 = nn.Conv2d(in_channels, width, 1, first, bias=bias)
        self.bn1 = _norm(config, width)
        self.conv2 = nn.Conv2d(width, width, 3, second, 1, bias=bias)
        self.bn2 = _norm(config, width)
        self.conv3 = nn.Conv2d(width, out_channels, 1, bias=bias)
        self.bn3 = _norm(config, out_channels)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            shortcut = nn.Conv2d(in_channels, out_channels, 1, stride, bias=bias)
            self.downsample = nn.Sequential(shortcut, _norm(config, out_channels))

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = F.relu(self.bn2(self.conv2(y)), inplace=True)
        return F.relu(self.bn3(self.conv3(y)).add_(self.downsample(x)), inplace=True)


class ResNet(nn.Module):
    """Frames, and masks where the stem has channels for them, to features at strides 4, 8 and 16."""

    def __init__(self, config: BackboneConfig, mask_channels: int = 0) -> None:
        super().__init__()
        self.form = config.form
        bias = config.bias or config.norm == "none"
        self.conv1 = nn.Conv2d(3 + mask_channels, config.stem, 7, 2, 3, bias=bias)
        self.bn1 = _norm(config, config.stem)
        self.layer1 = _stage(config, config.stem, config.width, config.blocks[0], stride=1)
        self.layer2 = _stage(config, 4 * config.width, 2 * config.width, config.blocks[1], stride=2)
        self.layer3 = _stage(config, 8 * config.width, 4 * config.width, config.blocks[2], stride=2)

    def forward(self, frame: Tensor, masks: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Features after the three stages, each behind its ReLU.

        Parameters
        ----------
        frame : Tensor, (B, 3, H, W), normalised
        masks : Tensor, (B, O, M, H, W), or None for a stem without mask channels
            M mask channels for each of O objects that share the frame.

        Returns
        -------
        f4, f8, f16 : Tensors, (B, C, h, w), or (B * O, C, h, w) with masks, objects fastest
        """
        x = self._stem(frame, masks)
        f4 = self.layer1(x)
        f8 = self.layer2(f4)
        return f4, f8, self.layer3(f8)

    def _stem(self, frame: Tensor, masks: Tensor | None) -> Tensor:
        if masks is None:
            x = self.conv1(frame)
        else:  # the stem is linear: the frame's share is computed once for all its objects
            weight = self.conv1.weight
            shared = F.conv2d(frame, weight[:, :3], self.conv1.bias, stride=2, padding=3)
            own = F.conv2d(masks.flatten(0, 1), weight[:, 3:], stride=2, padding=3)
            x = (shared.unsqueeze(1) + own.unflatten(0, masks.shape[:2])).flatten(0, 1)
        x = F.relu(self.bn1(x), inplace=True)
        if self.form == "caffe":  # after a ReLU the pad value 0 never wins against a real one
            return F.max_pool2d(F.pad(x, (0, 1, 0, 1)), 3, 2)
        return F.max_pool2d(x, 3, 2, 1)


def _norm(config: BackboneConfig, channels: int) -> nn.Module:
    return nn.BatchNorm2d(channels) if config.norm == "batch" else nn.Identity()


def _stage(config: BackboneConfig, in_channels: int, width: int, blocks: int, stride: int) -> nn.Sequential:
    first = Bottleneck(config, in_channels, width, stride)
    rest = [Bottleneck(config, EXPANSION * width, width, 1) for _ in range(blocks - 1)]
    return nn.Sequential(first, *rest)
