"""How much clips are changed: the ranges of every random augmentation."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

Share = Annotated[float, Field(ge=0, le=1)]


class AugmentConfig(BaseModel):
    """Ranges of the augmentation; an image and its mask always share the geometry.

    One crop, flip and colour for the whole clip; on top of them a small warp and colour of each frame's own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    # the same for all frames
    crop: tuple[Share, Share] = (0.36, 1.0)  # share of the frame's area that is shown
    aspect: float = Field(1.7, ge=1)  # a crop's width / height differs from the clip's by up to this factor
    flip: Share = 0.5
    brightness: Share = 0.15  # factors 1 +- x
    contrast: Share = 0.15
    saturation: Share = 0.15
    hue: Share = 0.03  # turns
    grey: Share = 0.05  # probability
    # each frame's own
    rotation: float = 10.0  # degrees, both signs
    shear: float = 5.0  # degrees, both signs
    scale: Share = 0.1  # 1 +- x
    shift: Share = 0.0  # of the clip's sides
    own_brightness: Share = 0.03
    own_contrast: Share = 0.03
    own_saturation: Share = 0.03
    spline: Share = 0.0  # probability of a thin-plate-spline warp
    spline_points: PositiveInt = 12
    spline_offset: PositiveFloat = 0.02  # deviation of a control point's offset, in sides of the frame
    # what is added
    paste_probability: Share = 0.8  # where the source pastes something
    occlusion: Share = 0.15  # share of clips in which a textured patch hides one object in one later frame


STATIC = AugmentConfig(
    crop=(0.44, 1.0), aspect=1.0, brightness=0.1, contrast=0.05, saturation=0.05, hue=0.05,
    rotation=20, shear=10, scale=0.1, shift=0.1, own_brightness=0.1, own_contrast=0.05, own_saturation=0.05,
    spline=0.33, paste_probability=0, occlusion=0,
)  # fmt: skip
"""MiVOS's ranges for still images; its zoom of 0.8 to 1.5 is here a crop of 1/1.5^2 to all of the area."""

VIDEO = AugmentConfig(
    crop=(0.36, 1.0), aspect=4 / 3, brightness=0.1, contrast=0.03, saturation=0.03, hue=0,
    rotation=15, shear=10, scale=0, own_brightness=0.01, own_contrast=0.01, own_saturation=0.01,
    paste_probability=0, occlusion=0,
)  # fmt: skip
"""MiVOS's ranges for DAVIS and YouTube-VOS; BL30K crops from 0.25 of the area on."""
