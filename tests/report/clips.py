"""A study with videos and saved masks: a square that moves, which one case follows closely and another loosely."""

import json
from collections.abc import Collection
from pathlib import Path

import numpy as np

from qpm import images
from qpm.rows import write_rows
from tests.report.conftest import record
from tests.report.fabricate import study_rows

LAG = {"stm": 6, "qpm": 1}  # pixels that a case's masks trail behind
HEIGHT, WIDTH, FRAMES = 36, 64, 6


def square(at: int) -> np.ndarray:
    """Labels of an object 12 pixels wide whose left side is at a column."""
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    labels[10:22, at : at + 12] = 1
    return labels


def write_clips(root: Path, videos: list[str]) -> Path:
    """Write the videos with the truth of every frame in the DAVIS shape."""
    for name in videos:
        for kind in ("JPEGImages", "Annotations"):
            (root / kind / name).mkdir(parents=True)
        for index in range(FRAMES):
            frame = np.full((HEIGHT, WIDTH, 3), 40 + 20 * index, np.uint8)
            images.write_frame(root / "JPEGImages" / name / f"{index:05d}.jpg", frame)
            images.write_labels(root / "Annotations" / name / f"{index:05d}.png", square(10 + 4 * index))
    return root


def write_study_with_clips(folder: Path, absent: Collection[int] = ()) -> Path:
    """Write a study of two cases on three videos with the masks of both; frames `absent` hold no object."""
    rows = study_rows(tuple(LAG), videos=3, frames=FRAMES)
    rows["present"] &= ~rows.frame_index.isin(list(absent))
    videos = sorted(rows.sequence.unique())
    root = write_clips(folder.parent / "clips", videos)
    for case, lag in LAG.items():
        trial = folder / "trials" / f"{case}-000000000000"
        write_rows(trial / "rows.parquet", rows[rows.case == case])
        entry = record(case, 0)
        entry["config"]["dataset"] = {"name": "folder", "root": str(root)}
        (trial / "trial.json").write_text(json.dumps(entry))
        for name in videos:
            (trial / "masks" / name).mkdir(parents=True)
            for index in range(FRAMES):
                images.write_labels(trial / "masks" / name / f"{index:05d}.png", square(10 + 4 * index - lag))
    return folder
