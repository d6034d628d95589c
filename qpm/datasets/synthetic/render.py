"""From a scene to frames and exact label maps: any frame alone, the same bytes each time."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageOps

from qpm.datasets.synthetic.scenes import HEIGHT, WIDTH, Actor, Scene
from qpm.datasets.synthetic.shapes import CATEGORIES, Stencil, stencil
from qpm.datasets.synthetic.textures import SIDE, Look, available, octaves, palette, photograph, texture

MARGIN = 48  # pixels of background around the frame, for the camera to move in
NODES = 7  # the warp of an object is exact at NODES x NODES points of its box, bilinear between
KEPT = 4  # frames that a renderer remembers


class Renderer:
    """Renders a scene lazily. `image(k)` and `labels(k)` share one rendering.

    Notes
    -----
    A label is the object whose surface covers at least half of the pixel; an object that was not yet given
    (YouTube-VOS: before its first frame) and everything unlabelled are 0, and hide what lies behind them.
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
            while len(self._kept) >= KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[index] = self._render(index)
        return self._kept[index]

    def _render(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        frame = self._background(index)
        labels = np.zeros((HEIGHT, WIDTH), np.uint8)
        for number in sorted(range(len(self.scene.actors)), key=lambda i: self.scene.actors[i].course.above[index]):
            actor = self.scene.actors[number]
            box = visible_box(actor, index, self._sprite(number)[0].reach)
            if box is not None:
                self._paint(frame, labels, number, index, box)
        return self._exposed(np.asarray(frame), index), labels

    def _background(self, index: int) -> Image.Image:
        if self._canvas is None:
            self._canvas = backdrop(self.scene)
        dx, dy = self.scene.camera[index]
        shift = (1, 0, MARGIN + float(dx), 0, 1, MARGIN + float(dy))
        return self._canvas.transform((WIDTH, HEIGHT), Image.Transform.AFFINE, shift, Image.Resampling.BILINEAR)

    def _sprite(self, number: int) -> tuple[Stencil, list[Image.Image]]:
        if number not in self._sprites:
            actor = self.scene.actors[number]
            outline = stencil(CATEGORIES[actor.category].draw, actor.seed)
            self._sprites[number] = (outline, [surface(look, outline) for look in actor.looks])
        return self._sprites[number]

    def _paint(self, frame: Image.Image, labels: np.ndarray, number: int, index: int, box: tuple[int, ...]) -> None:
        actor = self.scene.actors[number]
        outline, sides = self._sprite(number)
        left, top, right, bottom = box
        mesh = warp(actor, index, outline, box)
        patch = shown(sides, actor.course.look[index]).transform(
            (right - left, bottom - top), Image.Transform.MESH, mesh, Image.Resampling.BILINEAR
        )
        pixels = np.asarray(patch)
        covered = pixels[..., 3] >= 128
        region = labels[top:bottom, left:right]
        region[covered] = actor.label if index >= actor.given else 0
        motion = self.scene.shutter * velocity(actor, index)
        if np.abs(motion).max() >= 1:
            patch = Image.fromarray(smeared_patch(pixels, motion), "RGBX")
        frame.paste(patch.convert("RGB"), (left, top), patch.getchannel(3))

    def _exposed(self, frame: np.ndarray, index: int) -> np.ndarray:
        """Camera shake, light and sensor noise."""
        shake, light = self.scene.shake[index], float(self.scene.light[index])
        values = frame.astype(np.float32)
        if np.abs(shake).max() >= 1:
            values = smeared(values, shake)
        rng = np.random.default_rng((self.scene.backdrop, index))
        grain = rng.integers(-4, 5, values.shape, dtype=np.int8)
        return np.clip(values * light + grain, 0, 255).astype(np.uint8)


def visible_box(actor: Actor, index: int, reach: float) -> tuple[int, int, int, int] | None:
    """The part of the frame that the actor may cover (left, top, right, bottom); None outside the frame."""
    course = actor.course
    stretch = 1 + abs(course.bend[index]) + abs(course.wave[index])
    extent = course.size[index] * reach * max(1.0, course.aspect[index]) * stretch + 2
    extent += np.abs(velocity(actor, index)).max() / 2
    left, right = int(max(0, course.x[index] - extent)), int(min(WIDTH, course.x[index] + extent))
    top, bottom = int(max(0, course.y[index] - extent)), int(min(HEIGHT, course.y[index] + extent))
    return (left, top, right, bottom) if right > left and bottom > top else None


def velocity(actor: Actor, index: int) -> np.ndarray:
    """The actor's motion during the frame, pixels along x and y."""
    before, after = max(index - 1, 0), min(index + 1, len(actor.course.x) - 1)
    share = max(after - before, 1)
    x, y = actor.course.x, actor.course.y
    return np.array([(x[after] - x[before]) / share, (y[after] - y[before]) / share])


def surface(look: Look, outline: Stencil) -> Image.Image:
    """Texture and stencil as one four-band image; shaded towards the rim as if it were round."""
    colours = texture(look).astype(np.float32)
    line = np.arange(SIDE, dtype=np.float32) + 0.5
    across = (line[None, :] - outline.centre[0]) / outline.unit
    down = (line[:, None] - outline.centre[1]) / outline.unit
    shade = np.clip(1.08 - 0.16 * (across + 0.35) ** 2 - 0.16 * (down + 0.45) ** 2, 0.45, 1.1)
    rgb = np.clip(colours * shade[..., None], 0, 255).astype(np.uint8)
    return Image.fromarray(np.concatenate([rgb, outline.alpha[..., None]], 2), "RGBX")


def shown(sides: list[Image.Image], look: float) -> Image.Image:
    """The side that faces the camera, cross-faded between two."""
    first, share = int(look), float(look % 1.0)
    side = sides[first % len(sides)]
    return Image.blend(side, sides[(first + 1) % len(sides)], share) if share > 0 else side


def warp(actor: Actor, index: int, outline: Stencil, box: tuple[int, ...]) -> list[tuple[tuple[int, ...], tuple[float, ...]]]:
    """Pillow's mesh: for each cell of the box, the corners of its source in the sprite."""
    xs = np.unique(np.linspace(box[0], box[2], NODES).astype(int))
    ys = np.unique(np.linspace(box[1], box[3], NODES).astype(int))
    u, v = sources(actor, index, outline, xs[None, :].astype(float), ys[:, None].astype(float))
    return [
        (
            (int(xs[i]) - box[0], int(ys[j]) - box[1], int(xs[i + 1]) - box[0], int(ys[j + 1]) - box[1]),
            tuple(float(w[b, a]) for b, a in ((j, i), (j + 1, i), (j + 1, i + 1), (j, i + 1)) for w in (u, v)),
        )
        for j in range(len(ys) - 1)
        for i in range(len(xs) - 1)
    ]


def sources(actor: Actor, index: int, outline: Stencil, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where in the sprite the frame's points (x, y) come from: turned back, scaled back, unbent."""
    course = actor.course
    angle = np.deg2rad(course.angle[index])
    dx, dy = x - course.x[index], y - course.y[index]
    across = (np.cos(angle) * dx + np.sin(angle) * dy) / (course.size[index] * course.aspect[index])
    down = (np.cos(angle) * dy - np.sin(angle) * dx) / course.size[index]
    bent = across + course.bend[index] * (down * down - 0.5)
    waved = down + course.wave[index] * np.sin(2.2 * across + course.phase[index])
    return outline.centre[0] + outline.unit * bent, outline.centre[1] + outline.unit * waved


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


def backdrop(scene: Scene) -> Image.Image:
    """The background with its clutter, RGB, MARGIN pixels larger than the frame on each side."""
    rng = np.random.default_rng(scene.backdrop)
    size = (WIDTH + 2 * MARGIN, HEIGHT + 2 * MARGIN)
    names = available(scene.pool)
    if names and rng.random() < 0.75:
        canvas = _crop(rng, photograph(names[int(rng.integers(len(names)))]), size)
    else:
        noise = (octaves(rng, size[1], size[0], rng.uniform(3, 7), 4) * 255).astype(np.uint8)
        canvas = Image.fromarray(palette(float(rng.random()), float(rng.uniform(0.3, 0.9)), rng)[noise])
    for _ in range(scene.clutter):
        _litter(rng, canvas, scene.pool)
    return canvas


def _crop(rng: np.random.Generator, picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """A random part of a photograph, mirrored half the time; grey photographs are tinted."""
    most = min(picture.size[0] / size[0], picture.size[1] / size[1])
    factor = rng.uniform(0.65, 1.0) * most
    width, height = (round(factor * side) for side in size)
    left = int(rng.integers(0, picture.size[0] - width + 1))
    top = int(rng.integers(0, picture.size[1] - height + 1))
    part = picture.crop((left, top, left + width, top + height)).resize(size, Image.Resampling.BICUBIC)
    if rng.random() < 0.5:
        part = ImageOps.mirror(part)
    pixels = np.asarray(part)
    if np.ptp(pixels.astype(np.int16), axis=2).max() < 8:
        part = Image.fromarray(palette(float(rng.random()), 0.8, rng)[pixels[..., 0]])
    return part


def _litter(rng: np.random.Generator, canvas: Image.Image, pool: str) -> None:
    """Paint one still, unlabelled thing on the background."""
    named = [name for name, category in CATEGORIES.items() if category.seen or pool == "held_out"]
    category = CATEGORIES[named[int(rng.integers(len(named)))]]
    look = Look(category.patterns[0], float(rng.random()), 0.6, int(rng.integers(2**31)), pool)
    thing = surface(look, stencil(category.draw, int(rng.integers(2**31)))).rotate(float(rng.uniform(0, 360)))
    side = int(rng.integers(50, 110))
    thing = thing.resize((side, side), Image.Resampling.BOX)
    place = (int(rng.integers(0, canvas.width - side)), int(rng.integers(0, canvas.height - side)))
    canvas.paste(thing.convert("RGB"), place, thing.getchannel(3))
