"""Frames and label maps in and out of image files, and overlays for looking at them.

Label maps go through Pillow only: a reader that converts to RGB loses the palette indices, which are the ids.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image, UnidentifiedImageError

MAX_GREY_IDS = 32  # a grey label map of more values is an anti-aliased picture; one with a palette may be
UNREADABLE = (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError)  # of a damaged file

White = Literal["auto", "object", "void", "keep"]


class BrokenImage(ValueError):
    """A file that cannot be decoded as an image."""


def voc_palette() -> np.ndarray:
    """The colour map of PASCAL VOC and DAVIS, uint8 (256, 3): id bits 0, 1, 2 are the top of R, G, B."""
    ids = np.arange(256)
    palette = np.zeros((256, 3), dtype=np.uint8)
    for level in range(8):
        bits = (ids[:, None] >> (3 * level + np.arange(3))) & 1
        palette |= (bits << (7 - level)).astype(np.uint8)
    return palette


PALETTE = voc_palette()  # of label maps in files
# Of objects drawn over a frame: bright, and told apart by colour-blind readers. Ids beyond the last begin again.
BRIGHT = np.array(
    [(255, 94, 58), (46, 166, 255), (255, 214, 31), (47, 208, 138), (226, 123, 224), (255, 158, 27), (125, 227, 255)],
    dtype=np.uint8,
)


def open_image(path: Path) -> Image.Image:
    """Open an image file and decode it; a broken one is an error that names the file."""
    try:
        image = Image.open(path)
        image.load()
    except FileNotFoundError:
        raise
    except UNREADABLE as error:
        raise BrokenImage(f"broken image file {path}: {error}") from error
    return image


def image_size(path: Path) -> tuple[int, int]:
    """Height and width from the header of an image file, without decoding it."""
    try:
        with Image.open(path) as image:
            return image.height, image.width
    except FileNotFoundError:
        raise
    except UNREADABLE as error:
        raise BrokenImage(f"broken image file {path}: {error}") from error


def read_frame(path: Path) -> np.ndarray:
    """The picture in a file, uint8 (H, W, 3), RGB."""
    return np.array(open_image(path).convert("RGB"))


def read_labels(path: Path, white: White = "auto") -> np.ndarray:
    """The label map in a palette, grey or bilevel PNG, uint8 (H, W): object ids, 0 the background.

    Parameters
    ----------
    path : Path
        The file. Its palette is not looked at: the index is the id.
    white : "auto", "object", "void" or "keep"
        What the value 255 is. DAVIS-2016 masks are 0 and 255 (an object); in DAVIS-2017 truth 255 is void (no
        object, so 0 here). "auto" decides within the file: 255 is object 1 if it is the only non-zero value,
        else void. "object" (1) and "void" (0) decide for all files of a dataset alike; "keep" leaves 255.

    Raises
    ------
    ValueError
        If the file is broken, in colour, of 16 bits, or grey with so many values that it must be a picture. With
        a palette so many may be objects; it is refused if most of them fill no block of 3 x 3 pixels: objects do,
        the values of a smoothed edge do not.
    """
    image = open_image(path)
    if image.mode not in ("P", "L", "1"):
        raise ValueError(_refusal(path, image))
    labels = np.array(image).astype(np.uint8)
    values = np.flatnonzero(np.bincount(labels.ravel(), minlength=256))
    fault = smoothing(labels, len(values), image.mode)
    if fault:
        raise ValueError(
            f"{path} is no label map: {fault}; "
            "save masks without smoothing (resize with nearest), one value per object, 0 for the background"
        )
    return _without_white(labels, values, white)


def distinct(values: np.ndarray) -> np.ndarray:
    """The values that occur, ascending; 0 always counts."""
    if values.dtype == np.uint8:
        return np.union1d(np.flatnonzero(np.bincount(values.ravel())), [0])
    return np.union1d(values, [0])


def areas_of(values: np.ndarray) -> np.ndarray:
    """The values that fill a 3 x 3 block somewhere, ascending; 0 always counts."""
    middle = values[1:-1, 1:-1]
    inside = np.ones(middle.shape, bool)
    for down in (0, 1, 2):
        for right in (0, 1, 2):
            inside &= values[down : down + middle.shape[0], right : right + middle.shape[1]] == middle
    return distinct(middle[inside])


def smoothing(labels: np.ndarray, ids: int, mode: str) -> str:
    """What is wrong with a label map of so many values, background included; empty if they can be objects."""
    if ids <= MAX_GREY_IDS:
        return ""
    if mode == "L":
        return f"{ids} grey values, a picture or anti-aliased edges"
    areas = len(areas_of(labels))
    return f"{ids} ids, of which only {areas} fill an area, as smoothing leaves them" if ids > 2 * areas else ""


def _refusal(path: Path, image: Image.Image) -> str:
    colours = image.getcolors(maxcolors=1 << 16)
    count = f"{len(colours)} colours" if colours else "very many values"
    return (
        f"{path} is no label map: mode {image.mode} with {count}; expected a palette (P) or grey (L) PNG "
        "whose pixel values are the object ids; turn each colour into an id (qpm.images.write_labels writes them)"
    )


def _without_white(labels: np.ndarray, values: np.ndarray, white: White) -> np.ndarray:
    if white == "keep" or 255 not in values:
        return labels
    is_object = white == "object" or (white == "auto" and not np.isin(values, (0, 255), invert=True).any())
    return np.where(labels == 255, np.uint8(1 if is_object else 0), labels)


def write_labels(path: Path, labels: np.ndarray) -> None:
    """Write a label map, integer (H, W) with ids 0..255, as a palette PNG in the VOC colours."""
    if labels.ndim != 2 or labels.min(initial=0) < 0 or labels.max(initial=0) > 255:
        found = f"{labels.shape} up to {labels.max(initial=0)}"
        raise ValueError(f"{path}: a label map is (H, W) with ids 0..255, not {found}")
    image = Image.fromarray(np.ascontiguousarray(labels, dtype=np.uint8), mode="P")
    image.putpalette(PALETTE.tobytes())
    image.save(path, format="PNG")


def write_frame(path: Path, frame: np.ndarray, quality: int = 95) -> None:
    """Write an RGB picture, uint8 (H, W, 3); `quality` is for JPEG, written without chroma subsampling."""
    options: dict[str, Any] = (
        {"quality": quality, "subsampling": 0} if path.suffix.lower() in (".jpg", ".jpeg") else {}
    )
    Image.fromarray(frame).save(path, **options)


def object_colours(labels: np.ndarray) -> np.ndarray:
    """The colour in which each object is drawn, uint8 (..., 3); meaningless where the label is 0."""
    return BRIGHT[(labels.astype(np.int64) - 1) % len(BRIGHT)]


def outline(labels: np.ndarray, width: int = 1) -> np.ndarray:
    """Pixels of an object within `width` of another label above, below, left or right; bool (H, W)."""
    edge = np.zeros(labels.shape, dtype=bool)
    for step in range(1, width + 1):
        down, right = labels[step:] != labels[:-step], labels[:, step:] != labels[:, :-step]
        edge[step:] |= down
        edge[:-step] |= down
        edge[:, step:] |= right
        edge[:, :-step] |= right
    return edge & (labels > 0)


def overlay(frame: np.ndarray, labels: np.ndarray, alpha: float = 0.5, outlined: int = 1) -> np.ndarray:
    """The frame with its objects tinted, each in its `object_colours`; uint8 (H, W, 3).

    Parameters
    ----------
    frame : uint8 (H, W, 3)
    labels : integer (H, W)
    alpha : float
        Share of the object's colour, 0..1.
    outlined : int
        Pixels of every object's rim that have its full colour.
    """
    if frame.shape[:2] != labels.shape:
        raise ValueError(f"overlay: frame {frame.shape[:2]} and labels {labels.shape} differ in size")
    weight = np.where(labels > 0, alpha, 0.0)
    weight[outline(labels, outlined)] = 1.0
    mixed = frame * (1.0 - weight[..., None]) + object_colours(labels) * weight[..., None]
    return (mixed + 0.5).astype(np.uint8)
