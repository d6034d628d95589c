"""Surfaces of objects and backgrounds: photographs that ship with scikit-image, and procedural patterns.

A pattern is a scalar field in 0..1 that a three-colour palette paints. No photograph is used both in training
and in val or test. Photographs are read from the installed package, never downloaded; one that is missing
is left out.
"""

from __future__ import annotations

import colorsys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image

SIDE = 176  # pixels along a square texture

PHOTOGRAPHS: dict[str, tuple[str, ...]] = {
    "train": (
        "astronaut.png",
        "coffee.png",
        "rocket.jpg",
        "motorcycle_left.png",
        "brick.png",
        "grass.png",
        "coins.png",
    ),
    "held_out": ("chelsea.png", "camera.png", "gravel.png", "hubble_deep_field.jpg", "ihc.png", "retina.jpg"),
}


@dataclass(frozen=True)
class Look:
    """How a surface is painted: a pattern, the seed of its details, and a palette; all shares are 0..1."""

    pattern: str
    seed: int
    pool: str
    hue: float  # of the palette's middle, in turns
    tone: float  # its brightness
    saturation: float
    contrast: float  # from the dark to the light end

    @classmethod
    def drawn(cls, rng: np.random.Generator, patterns: tuple[str, ...], pool: str) -> Look:
        """A random look with one of the patterns."""
        return cls(
            pattern=patterns[int(rng.integers(len(patterns)))],
            seed=int(rng.integers(2**31)),
            pool=pool,
            hue=float(rng.random()),
            tone=float(rng.uniform(0.45, 0.75)),
            saturation=float(rng.uniform(0.25, 0.9)),
            contrast=float(rng.uniform(0.5, 1.0)),
        )

    def turned(self, degrees: float, seed: int) -> Look:
        """The same pattern in other hues, with other details: what a look-alike wears."""
        return replace(self, hue=(self.hue + degrees / 360) % 1.0, seed=seed)


def available(pool: str) -> tuple[str, ...]:
    """File names of the pool's photographs that this installation of scikit-image has."""
    folder = Path(skimage.data.__file__).parent
    return tuple(name for name in PHOTOGRAPHS[pool] if (folder / name).is_file())


@cache
def photograph(name: str) -> Image.Image:
    """A shipped photograph, RGB, longest side at most 640 pixels (decoded once per process)."""
    with Image.open(Path(skimage.data.__file__).parent / name) as opened:
        picture = opened.convert("RGB")
    picture.thumbnail((640, 640), Image.Resampling.BOX)
    return picture


def texture(look: Look) -> np.ndarray:
    """Paint a look: uint8 (SIDE, SIDE, 3)."""
    rng = np.random.default_rng(look.seed)
    field = PATTERNS[look.pattern](rng, look.pool)
    return palette(look)[(field * 255).astype(np.uint8)]


def palette(look: Look) -> np.ndarray:
    """256 colours from a dark over a middle to a light one around the look's hue, uint8 (256, 3)."""
    light = look.tone + (1 - look.tone) * look.contrast
    stops = [
        colorsys.hsv_to_rgb((look.hue + 0.03) % 1, look.saturation, look.tone * (1 - 0.75 * look.contrast)),
        colorsys.hsv_to_rgb(look.hue, look.saturation, look.tone),
        colorsys.hsv_to_rgb((look.hue - 0.08) % 1, look.saturation * (1 - 0.7 * look.contrast), light),
    ]
    ramp = np.linspace(0, 2, 256)
    channels = [np.interp(ramp, range(3), [255 * stop[c] for stop in stops]) for c in range(3)]
    return np.stack(channels, 1).astype(np.uint8)


def stretched(field: np.ndarray) -> np.ndarray:
    """The field scaled to fill 0..1."""
    low, high = float(field.min()), float(field.max())
    return (field - low) / max(high - low, 1e-6)


def octaves(rng: np.random.Generator, height: int, width: int, cells: float, count: int = 3) -> np.ndarray:
    """Smooth noise in 0..1, float32 (height, width); `cells` of the coarsest octave along the width."""
    total = np.zeros((height, width), np.float32)
    for octave in range(count):
        columns = int(cells * 2**octave) + 2
        rows = max(2, round(columns * height / width))
        coarse = Image.fromarray(rng.random((rows, columns), np.float32))
        total += np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC)) * 0.55**octave
    return stretched(total)


def _grid() -> tuple[np.ndarray, np.ndarray]:
    line = np.linspace(-1, 1, SIDE, dtype=np.float32)
    return line[None, :], line[:, None]


def _turned_grid(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    angle = rng.uniform(0, np.pi)
    x, y = _grid()
    return np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x


def clouds(rng: np.random.Generator, pool: str) -> np.ndarray:
    """Noise in three octaves."""
    return octaves(rng, SIDE, SIDE, rng.uniform(4, 8))


def stripes(rng: np.random.Generator, pool: str) -> np.ndarray:
    """Wavy bands."""
    along, across = _turned_grid(rng)
    wave = along * rng.uniform(9, 18) + rng.uniform(0.3, 1.2) * np.sin(rng.uniform(2, 6) * across)
    return 0.5 + 0.5 * np.clip(1.8 * np.sin(wave + rng.uniform(0, 6)), -1, 1)


def checks(rng: np.random.Generator, pool: str) -> np.ndarray:
    """Two crossed sets of bands."""
    along, across = _turned_grid(rng)
    rate = rng.uniform(8, 14)
    return 0.5 + 0.5 * np.clip(4 * np.sin(rate * along) * np.sin(rate * across), -1, 1)


def rings(rng: np.random.Generator, pool: str) -> np.ndarray:
    """Circles around a point off the middle."""
    x, y = _grid()
    radius = np.hypot(x - rng.uniform(-0.4, 0.4), y - rng.uniform(-0.4, 0.4))
    return 0.5 + 0.5 * np.clip(1.8 * np.sin(radius * rng.uniform(14, 24)), -1, 1)


def _nearest_two(rng: np.random.Generator, count: int) -> np.ndarray:
    """Distances to the nearest and second nearest of `count` random points, float32 (2, half, half)."""
    half = SIDE // 2
    points = rng.uniform(0, half, (count, 2)).astype(np.float32)
    line = np.arange(half, dtype=np.float32)
    square = (line[None, :, None] - points[:, 0]) ** 2 + (line[:, None, None] - points[:, 1]) ** 2
    return np.sqrt(np.partition(square, 1, axis=-1)[..., :2]).transpose(2, 0, 1)


def _enlarged(field: np.ndarray) -> np.ndarray:
    small = Image.fromarray(field.astype(np.float32))
    return stretched(np.asarray(small.resize((SIDE, SIDE), Image.Resampling.BILINEAR)))


def cells(rng: np.random.Generator, pool: str) -> np.ndarray:
    """Voronoi cells with dark seams, like scales or a giraffe's coat."""
    first, second = _nearest_two(rng, int(rng.integers(18, 40)))
    return _enlarged(np.clip((second - first) / 5, 0, 1))


def spots(rng: np.random.Generator, pool: str) -> np.ndarray:
    """Round spots, like a ladybird's."""
    first, _ = _nearest_two(rng, int(rng.integers(14, 30)))
    return _enlarged(1 - np.clip((first - rng.uniform(3, 6)) / 1.5, 0, 1))


def photo(rng: np.random.Generator, pool: str) -> np.ndarray:
    """The brightness of a crop of a photograph; noise where no photograph is installed."""
    names = available(pool)
    if not names:
        return clouds(rng, pool)
    picture = photograph(names[int(rng.integers(len(names)))])
    side = int(rng.integers(120, min(260, *picture.size)))
    left, top = (int(rng.integers(0, size - side + 1)) for size in picture.size)
    crop = (
        picture.crop((left, top, left + side, top + side))
        .convert("L")
        .resize((SIDE, SIDE), Image.Resampling.BOX)
    )
    return stretched(np.asarray(crop, dtype=np.float32))


PATTERNS: dict[str, Callable[[np.random.Generator, str], np.ndarray]] = {
    "clouds": clouds,
    "stripes": stripes,
    "checks": checks,
    "rings": rings,
    "cells": cells,
    "spots": spots,
    "photo": photo,
}
