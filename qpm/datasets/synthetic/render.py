"""From a scene to frames and exact label maps: any frame alone, the same bytes each time."""

from __future__ import annotations

import numpy as np
from PIL import Image

from qpm.datasets.synthetic.actors import HEIGHT, WIDTH
from qpm.datasets.synthetic.backdrop import MARGIN, backdrop
from qpm.datasets.synthetic.exposure import exposed, smeared_patch
from qpm.datasets.synthetic.posing import velocity, visible_box, warp
from qpm.datasets.synthetic.scenes import Scene
from qpm.datasets.synthetic.shapes import CATEGORIES, Stencil, stencil, surface

KEPT = 4  # frames that a renderer remembers


class Renderer:
    """Renders a scene lazily; `image(k)` and `labels(k)` share one rendering.

    Notes
    -----
    A pixel's label is the foremost object whose surface covers at least half of the pixel. Everything that is
    unlabelled, and an object before the frame in which its mask is given, is 0 and hides what lies behind it.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._kept: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self._sprites: dict[int, tuple[Stencil, list[Image.Image]]] = {}
        self._canvas: Image.Image | None = None

    def image(self, index: int) -> np.ndarray:
        """Frame `index`, uint8 (192, 336, 3), RGB."""
        return self._rendered(index)[0].copy()

    def labels(self, index: int) -> np.ndarray:
        """Truth of frame `index`, uint8 (192, 336)."""
        return self._rendered(index)[1].copy()

    def _rendered(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        if not 0 <= index < self.scene.frames:
            raise IndexError(f"frame {index} of a video of {self.scene.frames} frames")
        if index not in self._kept:
            if len(self._kept) >= KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[index] = self._render(index)
        return self._kept[index]

    def _render(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        frame = self._background(index)
        labels = np.zeros((HEIGHT, WIDTH), np.uint8)
        depth = [actor.course.above[index] for actor in self.scene.actors]
        for number in np.argsort(depth, kind="stable").tolist():
            if visible_box(self.scene.actors[number].course, index):
                self._paint(frame, labels, number, index)
        rng = np.random.default_rng((self.scene.backdrop, index))
        return exposed(
            np.asarray(frame), self.scene.shake[index], float(self.scene.light[index]), rng
        ), labels

    def _background(self, index: int) -> Image.Image:
        if self._canvas is None:
            self._canvas = backdrop(self.scene)
        dx, dy = self.scene.camera[index].tolist()
        shift = (1, 0, MARGIN + dx, 0, 1, MARGIN + dy)
        return self._canvas.transform(
            (WIDTH, HEIGHT), Image.Transform.AFFINE, shift, Image.Resampling.BILINEAR
        )

    def _sprite(self, number: int) -> tuple[Stencil, list[Image.Image]]:
        if number not in self._sprites:
            actor = self.scene.actors[number]
            outline = stencil(CATEGORIES[actor.category].draw, actor.seed)
            self._sprites[number] = (outline, [surface(look, outline) for look in actor.looks])
        return self._sprites[number]

    def _paint(self, frame: Image.Image, labels: np.ndarray, number: int, index: int) -> None:
        actor = self.scene.actors[number]
        outline, sides = self._sprite(number)
        box = visible_box(actor.course, index, outline.reach)
        if box is None:
            return
        left, top, right, bottom = box
        patch = shown(sides, float(actor.course.look[index])).transform(
            (right - left, bottom - top),
            Image.Transform.MESH,
            warp(actor.course, index, outline, box),
            Image.Resampling.BILINEAR,
        )
        pixels = np.asarray(patch)
        labels[top:bottom, left:right][pixels[..., 3] >= 128] = actor.label if index >= actor.given else 0
        motion = self.scene.shutter * velocity(actor.course, index)
        if np.abs(motion).max() >= 1:
            patch = Image.fromarray(smeared_patch(pixels, motion), "RGBX")
        frame.paste(patch.convert("RGB"), (left, top), patch.getchannel(3))


def shown(sides: list[Image.Image], look: float) -> Image.Image:
    """The side that faces the camera, cross-faded between two while the object turns."""
    first, share = int(look), look % 1.0
    side = sides[first % len(sides)]
    return Image.blend(side, sides[(first + 1) % len(sides)], share) if share else side
