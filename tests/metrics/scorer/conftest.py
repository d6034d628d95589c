"""Small result folders: two squares of 24 x 24 pixels that move over 12 frames, tolerance 2 pixels."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Save = Callable[..., Path]
SIZE = (96, 160)


def squares(frames: int = 12, down: int = 0, right: int = 0) -> np.ndarray:
    """Label maps (frames, H, W) of objects 1 and 2, moved by some pixels."""
    labels = np.zeros((frames, *SIZE), np.uint8)
    for frame in range(frames):
        top, left = 10 + down + frame % 12, 20 + right + frame % 12
        labels[frame, top : top + 24, left : left + 24] = 1
        labels[frame, top + 40 : top + 64, left + 60 : left + 84] = 2
    return labels


@pytest.fixture
def truth() -> np.ndarray:
    """Objects 1 and 2 on 12 frames."""
    return squares()


@pytest.fixture
def prediction() -> np.ndarray:
    """The truth moved by 1 pixel down and 2 to the right: J = .7833, F = .9896."""
    return squares(down=1, right=2)


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Write label maps as ``<name>/<sequence>/<frame>.png`` and return the folder."""

    def write(name: str, sequences: Mapping[str, np.ndarray] | np.ndarray, mode: str = "P") -> Path:
        if isinstance(sequences, np.ndarray):
            sequences = {"video": sequences}
        for sequence, labels in sequences.items():
            folder = tmp_path / name / sequence
            folder.mkdir(parents=True, exist_ok=True)
            for frame, label_map in enumerate(labels):
                image = Image.fromarray(label_map)
                if mode == "P":
                    image = Image.fromarray(label_map, mode="P")
                    image.putpalette([value for k in range(256) for value in (k, 255 - k, 0)])
                image.save(folder / f"{frame:05d}.png")
        return tmp_path / name

    return write
