"""DAVIS test-dev and YouTube-VOS valid in small: what is public of a set whose truth a server holds."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from qpm import images
from qpm.datasets import DavisConfig, YoutubeVosConfig

SIZE = (12, 16)


def labels(*ids: int) -> np.ndarray:
    """Each id fills two columns, from the left."""
    picture = np.zeros(SIZE, np.uint8)
    for place, value in enumerate(ids):
        picture[:, 2 * place : 2 * place + 2] = value
    return picture


def sequence(
    root: Path, frames: Path, masks: Path, stems: list[str], given: dict[str, tuple[int, ...]]
) -> None:
    """Frames, and masks where some are given."""
    for folder in (root / frames, root / masks):
        folder.mkdir(parents=True, exist_ok=True)
    for stem in stems:
        Image.new("RGB", SIZE[::-1]).save(root / frames / f"{stem}.jpg")
    for stem, ids in given.items():
        images.write_labels(root / masks / f"{stem}.png", labels(*ids))


@pytest.fixture
def davis(tmp_path: Path) -> DavisConfig:
    """DAVIS test-dev in small: two sequences whose first masks alone are public."""
    root = tmp_path / "DAVIS"
    for name, ids in (("cat", (1,)), ("dogs", (1, 2))):
        places = (Path(f"{part}/480p/{name}") for part in ("JPEGImages", "Annotations"))
        sequence(root, *places, ["00000", "00001", "00002"], {"00000": ids})
    (root / "ImageSets" / "2017").mkdir(parents=True)
    (root / "ImageSets" / "2017" / "test-dev.txt").write_text("cat\ndogs\n")
    return DavisConfig(root=root, split="test-dev")


@pytest.fixture
def youtube(tmp_path: Path) -> YoutubeVosConfig:
    """YouTube-VOS valid in small: object 5 enters late, and frame 00005 is listed for no object."""
    root = tmp_path / "YouTubeVOS"
    stems = ["00000", "00005", "00010", "00015"]
    places = (Path(f"valid/{part}/0a1b") for part in ("JPEGImages", "Annotations"))
    sequence(root, *places, stems, {"00000": (2,), "00010": (5,)})
    objects = {
        "2": {"category": "dog", "frames": ["00000", "00010"]},
        "5": {"category": "wombat", "frames": ["00010", "00015"]},
    }
    (root / "valid" / "meta.json").write_text(json.dumps({"videos": {"0a1b": {"objects": objects}}}))
    return YoutubeVosConfig(root=root)
