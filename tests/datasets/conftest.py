"""Miniature trees of frames and masks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from qpm.images import write_labels

Writer = Callable[..., None]


@pytest.fixture
def write_frames() -> Callable[[Path, int], None]:
    """(folder, count, size) -> 00000.jpg ... of one grey each, 10 apart."""

    def write(folder: Path, count: int, size: tuple[int, int] = (12, 16)) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for index in range(count):
            Image.fromarray(np.full((*size, 3), 10 * index, np.uint8)).save(folder / f"{index:05d}.jpg")

    return write


@pytest.fixture
def write_masks() -> Callable[..., None]:
    """(folder, {index: ids}, size) -> palette PNGs in which each id fills two columns, from the left."""

    def write(folder: Path, ids: Mapping[int, tuple[int, ...]], size: tuple[int, int] = (12, 16)) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for index, values in ids.items():
            labels = np.zeros(size, np.uint8)
            for position, value in enumerate(values):
                labels[:, 2 * position : 2 * position + 2] = value
            write_labels(folder / f"{index:05d}.png", labels)

    return write
