"""Backgrounds: crops of photographs or noise, with still clutter painted on."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageOps

from qpm.datasets.synthetic.actors import HEIGHT, WIDTH
from qpm.datasets.synthetic.scenes import Scene
from qpm.datasets.synthetic.shapes import CATEGORIES, stencil, surface
from qpm.datasets.synthetic.textures import Look, available, octaves, palette, photograph

MARGIN = 48  # pixels of background around the frame, for the camera to move in


def backdrop(scene: Scene) -> Image.Image:
    """The background with its clutter, RGB, MARGIN pixels larger than the frame on each side."""
    rng = np.random.default_rng(scene.backdrop)
    width, height = WIDTH + 2 * MARGIN, HEIGHT + 2 * MARGIN
    names = available(scene.pool)
    if names and rng.random() < 0.75:
        canvas = _crop(rng, photograph(names[int(rng.integers(len(names)))]), width, height)
    else:
        noise = (octaves(rng, height, width, rng.uniform(3, 7), 4) * 255).astype(np.uint8)
        canvas = Image.fromarray(palette(Look.drawn(rng, ("clouds",), scene.pool))[noise])
    for _ in range(scene.clutter):
        _litter(rng, canvas, scene.pool)
    return canvas


def _crop(rng: np.random.Generator, picture: Image.Image, width: int, height: int) -> Image.Image:
    """A random part of a photograph, mirrored half the time; grey photographs are tinted."""
    factor = rng.uniform(0.65, 1.0) * min(picture.width / width, picture.height / height)
    across, down = round(factor * width), round(factor * height)
    left = int(rng.integers(0, picture.width - across + 1))
    top = int(rng.integers(0, picture.height - down + 1))
    part = picture.crop((left, top, left + across, top + down))
    part = part.resize((width, height), Image.Resampling.BICUBIC)
    if rng.random() < 0.5:
        part = ImageOps.mirror(part)
    pixels = np.asarray(part)
    if np.ptp(pixels.astype(np.int16), axis=2).max() < 8:
        part = Image.fromarray(palette(Look.drawn(rng, ("photo",), ""))[pixels[..., 0]])
    return part


def _litter(rng: np.random.Generator, canvas: Image.Image, pool: str) -> None:
    """Paint one still, unlabelled thing on the background."""
    families = [c for c in CATEGORIES.values() if c.named and (c.seen or pool == "held_out")]
    family = families[int(rng.integers(len(families)))]
    outline = stencil(family.draw, int(rng.integers(2**31)))
    thing = surface(Look.drawn(rng, family.patterns, pool), outline).rotate(float(rng.uniform(0, 360)))
    side = int(rng.integers(50, 110))
    thing = thing.resize((side, side), Image.Resampling.BOX)
    place = (int(rng.integers(0, canvas.width - side)), int(rng.integers(0, canvas.height - side)))
    canvas.paste(thing.convert("RGB"), place, thing.getchannel(3))
