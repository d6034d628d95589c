"""The quality assessment head, A in Eq. 2: the memory encoder's feature of a frame and its mask to a predicted IoU."""

from typing import Literal

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn


class QualityConfig(BaseModel):
    """Four 3x3 convolutions and two fully connected layers (section 2.2); widths and pooling are QDMN's reading."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    channels: int = 256
    hidden: int = 1024
    pooling: Literal["flatten", "average_max"] = "flatten"  # flatten: resize to 24x24 first, as at the 384 crop
    hidden_activation: Literal["relu", "sigmoid"] = "relu"
    score_activation: Literal["sigmoid", "relu"] = "sigmoid"  # relu can die at 0 (published weights use it)
    doubt: bool = False  # weigh in how undecided the soft mask is (`mask_doubt`): a departure, Eq. 2 sees m_t alone


GRID = 24  # cells a side of a 384 x 384 training crop at 1/16
DOUBT = 5.0  # weight of a mask's doubt before training: a mask twice as undecided as usual scores visibly lower


class QualityHead(nn.Module):
    """Raw quality score of each mask."""

    def __init__(self, config: QualityConfig, in_channels: int) -> None:
        super().__init__()
        self.config = config
        width = config.channels
        self.conv1 = nn.Conv2d(in_channels, width, 3, 1, 1)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1)
        self.conv3 = nn.Conv2d(width, width, 3, 1, 1)
        self.conv4 = nn.Conv2d(width, width, 3, 2, 1)
        features = width * (GRID // 2) ** 2 if config.pooling == "flatten" else 2 * width
        self.fc1 = nn.Linear(features, config.hidden)
        self.fc2 = nn.Linear(config.hidden, 1)
        self.doubt = nn.Parameter(torch.tensor([DOUBT])) if config.doubt else None

    def forward(self, f16: Tensor, masks: Tensor) -> Tensor:
        """A(m_t) of Eq. 2.

        Parameters
        ----------
        f16 : Tensor, (B, C, h, w)
            The score encoder's feature m_t; the score encoder is the memory encoder itself.
        masks : Tensor, (B, H, W) in [0, 1]
            The soft masks that are scored; read only where the config says `doubt`.

        Returns
        -------
        Tensor, float32 (B,)
            Predicted mask IoU before the division by the first frame's.
        """
        flatten = self.config.pooling == "flatten"
        if flatten and f16.shape[-2:] != (GRID, GRID):
            f16 = F.interpolate(f16, (GRID, GRID), mode="bilinear", align_corners=False)
        x = f16
        for convolution in (self.conv1, self.conv2, self.conv3, self.conv4):
            x = F.relu(convolution(x))
        x = x.flatten(1) if flatten else torch.cat([x.mean((2, 3)), x.amax((2, 3))], dim=1)
        x = _activate(self.fc1(x), self.config.hidden_activation)
        score = self.fc2(x).float().squeeze(1)
        if self.doubt is not None:
            score = score - self.doubt * mask_doubt(masks)
        return _activate(score, self.config.score_activation)


def mask_doubt(masks: Tensor) -> Tensor:
    """How undecided soft masks (B, H, W) are: the sum of 4p(1 - p) over the sum of p, from 0 (all 0 or 1) to 2."""
    p = masks.flatten(1).float()
    return ((4 * p * (1 - p)).sum(1) / p.sum(1).clamp(min=1)).clamp(max=2)


def _activate(x: Tensor, name: str) -> Tensor:
    return x.sigmoid() if name == "sigmoid" else F.relu(x)
