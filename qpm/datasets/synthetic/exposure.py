"""What the camera does to a picture: motion smear, light and grain."""

from __future__ import annotations

import numpy as np


def exposed(frame: np.ndarray, shake: np.ndarray, light: float, rng: np.random.Generator) -> np.ndarray:
    """A frame as the sensor sees it: smeared by the camera's shake (pixels x, y), dimmed, with grain; uint8."""
    values = frame.astype(np.float32)
    if np.abs(shake).max() >= 1:
        values = smeared(values, shake)
    grain = rng.integers(-4, 5, values.shape, dtype=np.int8)
    return np.clip(values * light + grain, 0, 255).astype(np.uint8)


def smeared(values: np.ndarray, motion: np.ndarray) -> np.ndarray:
    """The mean of copies moved along `motion` (pixels x, y), centred; the border repeats its edge."""
    count = int(np.ceil(np.abs(motion).max() / 2)) * 2 + 1
    offsets = np.rint(np.linspace(-0.5, 0.5, count)[:, None] * motion).astype(int)
    reach = int(np.abs(offsets).max())
    height, width = values.shape[:2]
    padded = np.pad(values, ((reach, reach), (reach, reach), (0, 0)), mode="edge")
    total = np.zeros_like(values)
    for across, down in offsets:
        total += padded[reach + down : reach + down + height, reach + across : reach + across + width]
    return total / count


def smeared_patch(pixels: np.ndarray, motion: np.ndarray) -> np.ndarray:
    """A patch with its fourth band as alpha, smeared along its own motion; colours weighted by alpha."""
    values = pixels.astype(np.float32)
    values[..., :3] *= values[..., 3:] / 255
    values = smeared(values, motion)
    values[..., :3] *= 255 / np.maximum(values[..., 3:], 1)
    return np.clip(values, 0, 255).astype(np.uint8)
