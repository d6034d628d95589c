"""Pictures inside an HTML file: small, and the same bytes for the same pixels."""

from __future__ import annotations

import base64
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from qpm.images import object_colours, open_image, outline

FIGURE_QUALITY, FRAME_QUALITY = 90, 60  # of WebP, 0..100
TINT = 105  # opacity of an object's inside in a layer, 0..255


def figure_uri(path: Path) -> str:
    """Return a figure's PNG as WebP: lossless if that is smaller (lines and text), else lossy (photographs)."""
    image = open_image(path).convert("RGB")
    return min((_webp(image, lossless=True), _webp(image, quality=FIGURE_QUALITY)), key=len)


def frame_uri(frame: np.ndarray, size: tuple[int, int]) -> str:
    """Return a video frame, uint8 (H, W, 3), as a small picture of the given (width, height)."""
    return _webp(Image.fromarray(frame).resize(size, Image.Resampling.LANCZOS), quality=FRAME_QUALITY)


def mask_uri(labels: np.ndarray, size: tuple[int, int]) -> str:
    """Return a label map as a picture to lay over its frame: objects tinted, with a rim, the rest transparent."""
    small = _shrunk(labels, size)
    ids = [int(object_id) for object_id in np.unique(small) if object_id]
    index = np.zeros(small.shape, np.uint8)
    for place, object_id in enumerate(ids):
        index[small == object_id] = 2 * place + 1
    index[outline(small)] += 1
    colours = np.repeat(object_colours(np.array(ids, dtype=np.uint8)), 2, axis=0)
    return _palette_png(index, colours.tolist(), [TINT, 255] * len(ids))


def outline_uri(labels: np.ndarray, size: tuple[int, int]) -> str:
    """Return the rims of a label map in white with a dark edge, to lay over a frame and another mask."""
    small = _shrunk(labels, size)
    rim = outline(small)
    grown = np.pad(rim, 1)
    halo = grown[:-2, 1:-1] | grown[2:, 1:-1] | grown[1:-1, :-2] | grown[1:-1, 2:]
    index = np.where(rim, 2, np.where(halo, 1, 0)).astype(np.uint8)
    return _palette_png(index, [(0, 0, 0), (255, 255, 255)], [150, 255])


def _shrunk(labels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return np.array(Image.fromarray(labels.astype(np.uint8)).resize(size, Image.Resampling.NEAREST))


def _palette_png(index: np.ndarray, colours: list[Any], opacity: list[int]) -> str:
    """A PNG whose index 0 is transparent and whose next ones have the given colours and opacities."""
    image = Image.fromarray(index, mode="P")
    image.putpalette([0, 0, 0, *(value for colour in colours for value in colour)])
    return _encoded(image, "PNG", transparency=bytes([0, *opacity]), optimize=True)


def _webp(image: Image.Image, **options: Any) -> str:
    return _encoded(image, "WEBP", method=4, **options)


def _encoded(image: Image.Image, form: str, **options: Any) -> str:
    buffer = BytesIO()
    image.save(buffer, format=form, **options)
    return f"data:image/{form.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}"
