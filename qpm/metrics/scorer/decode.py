"""One mask from its PNG, or what is wrong with it."""

from __future__ import annotations

import zlib
from typing import IO, NamedTuple

import numpy as np
from PIL import Image, UnidentifiedImageError

from qpm.images import smoothing

MODES = ("P", "L", "1")
LIKELY_IDS = 10
UNREADABLE = (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError, zlib.error)


class Header(NamedTuple):
    """Size (H, W) of a mask, None where it cannot be read, and what is wrong with the file, empty if nothing."""

    size: tuple[int, int] | None
    fault: str


def read_header(stream: IO[bytes]) -> Header:
    """Look at a PNG without decoding its pixels: size, mode, and the checksum of every part."""
    try:
        image = Image.open(stream)
        size, mode = (image.height, image.width), image.mode
        if mode not in MODES:
            return Header(size, _colour_fault(image))
        image.verify()
    except UNREADABLE as error:
        return Header(None, f"is no readable PNG: {str(error).split(' <_io')[0]}")
    return Header(size, "")


def read_labels(stream: IO[bytes]) -> tuple[np.ndarray, tuple[int, ...]]:
    """Label map, uint8 (H, W), and its ids other than 0, ascending.

    Raises
    ------
    ValueError
        If it cannot be decoded, or holds so many values that its edges must be smoothed. The message goes on after
        the file's name.
    """
    try:
        image = Image.open(stream)
        labels = np.asarray(image)
    except UNREADABLE as error:
        raise ValueError(f"is no readable PNG: {error}") from error
    labels = labels.astype(np.uint8, copy=False)
    ids = label_ids(labels)
    if fault := smoothing(labels, len(ids) + 1, image.mode):
        raise ValueError(f"is no label map: {fault}; expected one value per object (resize masks with nearest)")
    return labels, ids


def label_ids(labels: np.ndarray) -> tuple[int, ...]:
    """Values other than 0 in a uint8 label map, ascending.

    Likely values are counted until every pixel is accounted for, which is far faster than a histogram; a map
    that holds others gets the histogram.
    """
    largest = int(labels.max(initial=0))
    ids: list[int] = []
    left = labels.size - np.count_nonzero(labels == 0)
    for k in [largest, *range(1, min(largest, LIKELY_IDS))]:
        if not left:
            break
        count = np.count_nonzero(labels == k)
        left -= count
        ids += [k] if count else []
    if left:
        ids = (np.flatnonzero(np.bincount(labels.ravel())[1:]) + 1).tolist()
    return tuple(sorted(ids))


def _colour_fault(image: Image.Image) -> str:
    pixels = np.asarray(image)
    codes = (
        pixels if pixels.ndim == 2 else pixels @ 256 ** np.arange(pixels.shape[2])
    )  # one number per colour
    ids = len(np.unique(codes))
    return f"is a mask of mode {image.mode} with {ids} ids; expected a palette (P) or grey (L) PNG, value = object id"
