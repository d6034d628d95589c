"""A study on disk, made of fabricated rows: what `qpm run` leaves behind."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from qpm import images
from qpm.report.load import Results
from qpm.rows import check, write_rows
from tests.report.fabricate import study_rows

CASES = ("stm", "quality_gated", "prior_only", "qpm", "random_gate", "oracle_gate")
GATE = {"rule": "quality_gate", "n": 5, "sigma_m": 0.7}
POLICIES = {
    "quality_gated": {"shelves": [{"name": "long", "keep": GATE}], "prior": {"rule": "none"}},
    "qpm": {"shelves": [{"name": "long", "keep": GATE}], "prior": {"rule": "selective", "sigma_en": 0.65}},
}


def record(case: str, seed: int) -> dict:
    """What the ledger writes of a finished trial, as far as reports read it."""
    return {
        "status": "finished",
        "hash": f"{abs(hash(case)):064x}"[-64:],
        "started": "2024-05-01T12:00:00Z",
        "seconds": 60.0,
        "config": {
            "study": "fabricated",
            "case": case,
            "seed": seed,
            "dataset": {"name": "synthetic", "split": "val"},
            "weights": "half",
            "policy": POLICIES.get(case, {"shelves": [], "prior": {"rule": "none"}}),
            "inference": {"max_side": 432},
        },
        "identity": {"data": {"synthetic": "ab" * 32}, "weights": {"half": "cd" * 32}},
        "provenance": {"git": {"commit": "0123456789abcdef", "dirty": True}, "packages": {"numpy": "2.4.6"}},
    }


@pytest.fixture(scope="session")
def rows():
    """Rows of six cases on eight videos; random_gate has three seeds."""
    return study_rows(CASES)


@pytest.fixture
def results(rows, tmp_path) -> Results:
    """The same rows with the records of their trials, in an empty folder."""
    trials = [record(case, seed) | {"folder": f"{case}-{seed}"} for case, seed in runs(rows)]
    return Results(tmp_path, rows, tuple(trials))


@pytest.fixture
def study_dir(rows, tmp_path) -> Path:
    """``results/fabricated`` with a folder for each trial."""
    return write_study(tmp_path / "results" / "fabricated", rows)


def write_study(folder: Path, rows) -> Path:
    """Write rows as the finished trials of a study."""
    for case, seed in runs(rows):
        trial = folder / "trials" / f"{case}-{seed:012x}"
        write_rows(trial / "rows.parquet", rows[(rows.case == case) & (rows.seed == seed)])
        (trial / "trial.json").write_text(json.dumps(record(case, seed)))
    return folder


@pytest.fixture
def study() -> SimpleNamespace:
    """What a report asks of a study."""
    return make_study()


def make_study() -> SimpleNamespace:
    """A study that asks for Table 2."""
    return SimpleNamespace(
        name="fabricated",
        question="Does it help & by how much?",
        paper="Table 2",
        expect="qpm above stm",
        cost="nothing",
        baseline="stm",
        report=("ablation",),
    )


def runs(rows):
    """Case and seed of every trial, in order."""
    return list(rows[["case", "seed"]].drop_duplicates().itertuples(index=False, name=None))


@pytest.fixture
def saved_study(tmp_path) -> Callable[..., Results]:
    """A study of one short video in a folder, whose masks were saved for the cases that are named.

    The object is a block of 8 x 12 pixels at (4, 6); "qpm" finds it, "stm" a block that is shifted by 4 to the right.
    """
    clip, grey = tmp_path / "clip", np.full((16, 24, 3), 200, np.uint8)
    for folder in ("JPEGImages/a", "Annotations/a"):
        (clip / folder).mkdir(parents=True)
    for index in range(6):
        images.write_frame(clip / "JPEGImages" / "a" / f"{index:05d}.jpg", grey)
        images.write_labels(clip / "Annotations" / "a" / f"{index:05d}.png", block(6))

    def study(*saved: str) -> Results:
        trials = []
        for case, left in (("stm", 10), ("qpm", 6)):
            config = {"case": case, "seed": 0, "dataset": {"name": "folder", "root": str(clip)}}
            trials.append({"folder": case, "config": config})
            masks = tmp_path / "study" / "trials" / case / "masks" / "a"
            for index in range(6 if case in saved else 0):
                masks.mkdir(parents=True, exist_ok=True)
                images.write_labels(masks / f"{index:05d}.png", block(left))
        rows = [video_row(case, index, iou) for case, iou in (("stm", 0.5), ("qpm", 1.0)) for index in range(6)]
        return Results(tmp_path / "study", check(pd.DataFrame(rows)), tuple(trials))

    return study


def block(left: int) -> np.ndarray:
    """A label map with one object."""
    labels = np.zeros((16, 24), np.uint8)
    labels[4:12, left : left + 12] = 1
    return labels


def video_row(case: str, index: int, iou: float) -> dict:
    """One frame of the only object."""
    given = index == 0
    return {
        "case": case, "dataset": "folder", "sequence": "a", "object_id": 1, "frame": f"{index:05d}",
        "frame_index": index, "annotated": given, "scored": not given, "j": iou, "f": iou, "iou_true": iou,
        "score": 0.9, "score_raw": 0.8, "memorized": "annotated" if given else "previous", "bank_frames": index,
        "seconds": 0.1,
    }  # fmt: skip
