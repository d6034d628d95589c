"""The object families: which outline each has, which patterns it wears, and whether training shows it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from qpm.datasets.synthetic import outlines
from qpm.datasets.synthetic.textures import SIDE, Look, texture


@dataclass(frozen=True)
class Category:
    """A family of objects: its outline, the patterns that it wears, and whether training shows it."""

    draw: outlines.Draw
    patterns: tuple[str, ...]
    seen: bool = True
    named: bool = True  # False: only ever an unlabelled occluder


CATEGORIES: dict[str, Category] = {
    "board": Category(outlines.board, ("photo",), named=False),
    "pebble": Category(outlines.pebble, ("clouds", "photo")),
    "star": Category(outlines.star, ("stripes", "spots")),
    "gear": Category(outlines.gear, ("photo", "clouds")),
    "flower": Category(outlines.flower, ("clouds", "spots")),
    "leaf": Category(outlines.leaf, ("stripes", "photo")),
    "heart": Category(outlines.heart, ("spots", "clouds")),
    "cross": Category(outlines.cross, ("stripes", "cells")),
    "bottle": Category(outlines.bottle, ("photo", "stripes")),
    "fish": Category(outlines.fish, ("cells", "stripes")),
    "mushroom": Category(outlines.mushroom, ("spots", "photo")),
    "house": Category(outlines.house, ("cells", "photo")),
    "cat": Category(outlines.cat, ("clouds", "stripes", "photo")),
    "bird": Category(outlines.bird, ("cells", "rings"), seen=False),
    "cup": Category(outlines.cup, ("checks", "photo"), seen=False),
    "crescent": Category(outlines.crescent, ("clouds", "checks"), seen=False),
    "butterfly": Category(outlines.butterfly, ("rings", "spots"), seen=False),
    "tree": Category(outlines.tree, ("checks", "clouds"), seen=False),
    "arrow": Category(outlines.arrow, ("rings", "photo"), seen=False),
}


@dataclass(frozen=True)
class Stencil:
    """A drawn outline: alpha uint8 (SIDE, SIDE), its centroid and unit in pixels, its reach in units.

    One unit is the radius of the disc of the same area, so that a size in pixels means the same for each family.
    """

    alpha: np.ndarray
    centre: tuple[float, float]
    unit: float
    reach: float


def stencil(draw: outlines.Draw, seed: int) -> Stencil:
    """Draw an outline, anti-aliased (three times oversampled)."""
    rng = np.random.default_rng(seed)
    outline = draw(rng)
    span = max(float(np.abs(points).max()) for points, _ in outline) * 1.06
    big = Image.new("L", (3 * SIDE, 3 * SIDE))
    pen = ImageDraw.Draw(big)
    for points, fill in outline:
        pen.polygon([tuple(p) for p in (points / span + 1) * 1.5 * SIDE], fill=255 * fill)
    alpha = np.asarray(big.reduce(3))
    rows, columns = np.nonzero(alpha >= 128)
    centre = (float(columns.mean()) + 0.5, float(rows.mean()) + 0.5)
    unit = float(np.sqrt(len(rows) / np.pi))
    reach = float(np.hypot(columns + 0.5 - centre[0], rows + 0.5 - centre[1]).max() + 1) / unit
    return Stencil(alpha, centre, unit, reach)


def surface(look: Look, outline: Stencil) -> Image.Image:
    """Texture and stencil as one four-band image; shaded towards the rim as if it were round."""
    colours = texture(look).astype(np.float32)
    line = np.arange(SIDE, dtype=np.float32) + 0.5
    across = (line[None, :] - outline.centre[0]) / outline.unit
    down = (line[:, None] - outline.centre[1]) / outline.unit
    shade = np.clip(1.08 - 0.16 * (across + 0.35) ** 2 - 0.16 * (down + 0.45) ** 2, 0.45, 1.1)
    rgb = np.clip(colours * shade[..., None], 0, 255).astype(np.uint8)
    return Image.fromarray(np.concatenate([rgb, outline.alpha[..., None]], 2), "RGBX")
