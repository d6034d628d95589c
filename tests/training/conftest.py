"""A miniature dataset, and trainings on it that take seconds."""

from collections.abc import Iterator
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from qpm.training.config import TrainConfig


@pytest.fixture(autouse=True)
def no_process_stays() -> Iterator[None]:
    """However a training ends, its loader's processes end with it."""
    before = set(active_children())
    yield
    assert set(active_children()) <= before


@pytest.fixture(scope="session")
def root(tmp_path_factory) -> Path:
    """Two DAVIS sequences of a bright square that moves over noise."""
    root = tmp_path_factory.mktemp("davis")
    rng = np.random.default_rng(0)
    (root / "ImageSets/2016").mkdir(parents=True)
    (root / "ImageSets/2016/train.txt").write_text("left\nright\n")
    for name, step in (("left", -2), ("right", 2)):
        frames, masks = root / f"JPEGImages/240p/{name}", root / f"Annotations/240p/{name}"
        frames.mkdir(parents=True), masks.mkdir(parents=True)
        for t in range(6):
            frame = rng.integers(0, 90, (64, 96, 3), dtype=np.uint8)
            mask = np.zeros((64, 96), dtype=np.uint8)
            x = 40 + step * t
            mask[16:48, x : x + 32] = 255
            frame[mask > 0] += 150
            Image.fromarray(frame).save(frames / f"{t:05d}.jpg")
            Image.fromarray(mask).save(masks / f"{t:05d}.png")
    return root


@pytest.fixture(scope="session")
def settings(root):
    """(changes of the training, changes of its one stage) -> settings as JSON types."""

    def make(stage: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
        one = {
            "sources": [{"source": "davis", "root": str(root), "resolution": "240p"}],
            "shapes": [[2, 1]],
            "size": 64,
            "iterations": 6,
            "optimiser": {"warm_up": 2, "rate": 3e-3},
            **(stage or {}),
        }
        common = {"network": "tiny", "start": "scratch", "precision": "32", "workers": 0, "threads": 1}
        return {**common, "stages": [one], "log_every": 2, "checkpoint_every": 3, **changes}

    return make


@pytest.fixture(scope="session")
def config(settings):
    """As `settings`, validated."""
    return lambda stage=None, **changes: TrainConfig.model_validate(settings(stage, **changes))
