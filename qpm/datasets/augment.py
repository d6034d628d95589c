"""Augmentation of clips: one warp for image and labels, and colours as one affine map of RGB.

Coordinates are continuous pixels (x, y): the centre of the first pixel is (0.5, 0.5). A warp is a (2, 3)
matrix that maps a point of the output to the point of the source that is shown there. Only Pillow and numpy:
at the sizes of training clips they are as fast as tensors and keep uint8.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

FILL = (124, 116, 104)  # ImageNet's mean colour, which normalisation turns into about zero
LUMA = np.array([0.299, 0.587, 0.114])

Box = tuple[float, float, float, float]  # x, y of the upper left corner, width, height
Size = tuple[int, int]  # height, width


def crop_warp(box: Box, size: Size, flip: bool = False) -> np.ndarray:
    """Show `box` of the source in an output of that size, mirrored left to right if `flip`."""
    x, y, width, height = box
    along = -width / size[1] if flip else width / size[1]
    return np.array([[along, 0.0, x + (width if flip else 0.0)], [0.0, height / size[0], y]])


def compose(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The warp that looks up `first` at the points that `second` looks up."""
    full = np.vstack([second, [0.0, 0.0, 1.0]])
    return first @ full


def small_affine(
    rng: np.random.Generator, size: Size, rotation: float, shear: float, scale: float, shift: float = 0.0
) -> np.ndarray:
    """A random rotation and shear (degrees, both signs) and scale (1 +- x) about the centre of the output.

    `shift` moves it by up to that share of the output's sides.
    """
    angle, slant = (
        np.radians(rng.uniform(-rotation, rotation)),
        np.tan(np.radians(rng.uniform(-shear, shear))),
    )
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.array([[1.0, slant], [0.0, 1.0]]) / rng.uniform(1 - scale, 1 + scale)
    sides = np.array(size[::-1], dtype=float)
    moved = rng.uniform(-shift, shift, 2) * sides if shift else np.zeros(2)
    return np.column_stack([linear, sides / 2 + moved - linear @ (sides / 2)])


def warp_frame(frame: np.ndarray, warp: np.ndarray, size: Size) -> np.ndarray:
    """The picture seen through a warp, uint8 (*size, 3), bilinear; what lies outside is the mean colour.

    Where one output pixel spans more than 1.4 pixels of the source, twice as many are drawn and averaged, so
    that a reduced picture is as smooth as a resized one.
    """
    span = np.hypot(warp[0, :2], warp[1, :2])  # source pixels per output pixel along x and y
    more_x, more_y = (2 if step > 1.4 else 1 for step in span)
    finer = warp * np.array([1 / more_x, 1 / more_y, 1.0])
    shape, bilinear = (size[1] * more_x, size[0] * more_y), Image.Resampling.BILINEAR
    image = Image.fromarray(frame)
    drawn = image.transform(shape, Image.Transform.AFFINE, tuple(finer.ravel()), bilinear, fillcolor=FILL)
    return np.asarray(drawn if more_x == more_y == 1 else drawn.reduce((more_x, more_y)))


def warp_labels(labels: np.ndarray, warp: np.ndarray, size: Size) -> np.ndarray:
    """The label map seen through a warp, uint8 of that size, nearest; what lies outside is background."""
    image = Image.fromarray(labels)
    return np.asarray(image.transform(size[::-1], Image.Transform.AFFINE, tuple(warp.ravel())))


def random_box(
    rng: np.random.Generator, size: Size, area: tuple[float, float], aspect: float, shape: float = 1.0
) -> Box:
    """A random crop box inside an image.

    Its area is a uniform share of the image's within `area`; its width / height lies between shape / aspect and
    shape * aspect, evenly on a log scale. A box that is too long for the image is cut to the image's side.
    """
    height, width = size
    target = rng.uniform(*area) * height * width
    ratio = shape * np.exp(rng.uniform(-np.log(aspect), np.log(aspect)))
    w, h = min(width, np.sqrt(target * ratio)), min(height, np.sqrt(target / ratio))
    return float(rng.uniform(0, width - w)), float(rng.uniform(0, height - h)), float(w), float(h)


@dataclass(frozen=True)
class Colour:
    """An affine map of RGB: value @ matrix + offset, then cut to 0..255."""

    matrix: np.ndarray  # (3, 3)
    offset: np.ndarray  # (3,)

    def __call__(self, frame: np.ndarray) -> np.ndarray:
        """The recoloured picture, uint8 (H, W, 3)."""
        mixed = frame.reshape(-1, 3).astype(np.float32) @ self.matrix.astype(np.float32)
        return (
            np.clip(mixed + self.offset.astype(np.float32) + 0.5, 0, 255)
            .astype(np.uint8)
            .reshape(frame.shape)
        )

    def then(self, other: Colour) -> Colour:
        """This map followed by another one, without cutting in between."""
        return Colour(self.matrix @ other.matrix, self.offset @ other.matrix + other.offset)


def random_colour(
    rng: np.random.Generator,
    brightness: float,
    contrast: float,
    saturation: float,
    hue: float = 0.0,
    grey: float = 0.0,
) -> Colour:
    """Random brightness, contrast and saturation (factors 1 +- x), hue (turns) and greyscale (probability).

    Contrast is about mid-grey. Hue is a rotation of RGB about the grey axis, which keeps the map linear.
    """
    light, spread, vivid = (rng.uniform(1 - x, 1 + x) for x in (brightness, contrast, saturation))
    if rng.random() < grey:
        vivid = 0.0
    to_grey = np.repeat(LUMA[:, None], 3, axis=1)
    matrix = hue_rotation(2 * np.pi * rng.uniform(-hue, hue)) @ (vivid * np.eye(3) + (1 - vivid) * to_grey)
    return Colour(light * spread * matrix, np.full(3, 127.5 * (1 - spread)))


def hue_rotation(angle: float) -> np.ndarray:
    """Rotation of RGB about (1, 1, 1) by `angle` radians; (3, 3), for row vectors."""
    cosine, sine = np.cos(angle), np.sin(angle) / np.sqrt(3)
    cross = np.array([[0.0, 1.0, -1.0], [-1.0, 0.0, 1.0], [1.0, -1.0, 0.0]])
    return cosine * np.eye(3) + (1 - cosine) / 3 + sine * cross
