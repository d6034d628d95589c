"""Frames chosen by rule."""

import numpy as np
import pandas as pd
import pytest

from qpm import images
from qpm.report import qualitative, style
from qpm.report.load import NotMeasuredError, Results
from qpm.rows import check

FRAMES = {  # (video, frame): (score, iou)
    ("a", 1): (0.95, 0.96), ("a", 2): (0.95, 0.90), ("b", 1): (0.20, 0.10), ("b", 2): (0.80, 0.80),
    ("c", 1): (0.90, 0.50), ("d", 1): (0.40, 0.85), ("e", 1): (0.80, 0.81), ("f", 1): (0.99, 0.99),
}  # fmt: skip


def frames() -> pd.DataFrame:
    rows = [
        {
            "case": "qpm", "sequence": video, "object_id": 1, "frame": f"{index:05d}", "frame_index": index,
            "scored": True, "j": iou, "f": iou, "iou_true": iou, "score": score, "attributes": "occlusion",
        }
        for (video, index), (score, iou) in FRAMES.items()
    ]  # fmt: skip
    return check(pd.DataFrame(rows))


def test_each_pick_is_the_extreme_of_its_kind_in_a_video_of_its_own():
    table = qualitative.prepare(frames(), "qpm", list("abcdef")).set_index("pick")
    assert table.index.tolist() == ["best", "median", "worst", "over-estimated", "under-estimated"]
    assert table.sequence.to_dict() == {
        "worst": "b", "over-estimated": "c", "under-estimated": "d", "best": "f", "median": "e",
    }  # fmt: skip


def test_only_videos_with_saved_masks_are_shown():
    assert set(qualitative.prepare(frames(), "qpm", ["a", "e"]).sequence) == {"a", "e"}


def test_few_frames_give_few_pictures():
    table = qualitative.prepare(frames(), "qpm", ["c"])
    assert table[["pick", "frame"]].to_numpy().tolist() == [["worst", "00001"]]


def test_the_strip_shows_score_and_iou_of_each_frame():
    table = qualitative.prepare(frames(), "qpm", list("abcdef"))
    with style.theme():
        drawing = qualitative.figure(table, lambda *_: np.zeros((24, 40, 3), np.uint8))
    assert drawing.axes[2].get_xlabel() == "score 0.20 · IoU 0.10"
    assert drawing.axes[2].texts[0].get_text() == "b\nframe 00001"


def test_a_long_name_keeps_both_ends():
    assert qualitative.shorten("val-002-appearance_change") == "val-002-appearance_change"
    assert qualitative.shorten("x" * 20 + "y" * 20) == "x" * 13 + "…" + "y" * 12


def test_masks_are_laid_over_the_frames_of_the_dataset(tmp_path):
    grey, labels = np.full((16, 24, 3), 200, np.uint8), np.zeros((16, 24), np.uint8)
    labels[4:12, 6:18] = 1
    for folder in ("JPEGImages/a", "Annotations/a"):
        (tmp_path / "clip" / folder).mkdir(parents=True)
    for index in range(3):
        images.write_frame(tmp_path / "clip" / "JPEGImages" / "a" / f"{index:05d}.jpg", grey)
    images.write_labels(tmp_path / "clip" / "Annotations" / "a" / "00000.png", labels)
    saved = tmp_path / "study" / "trials" / "qpm-0" / "masks" / "a"
    saved.mkdir(parents=True)
    images.write_labels(saved / "00001.png", labels)
    config = {"case": "qpm", "seed": 0, "dataset": {"name": "folder", "root": str(tmp_path / "clip")}}
    results = Results(tmp_path / "study", frames(), ({"folder": "qpm-0", "config": config},))
    picture = qualitative.pictures(results, "qpm", results.masks("qpm"))("a", 1, "00001")
    assert picture.shape == (16, 24, 3)
    assert abs(int(picture[0, 0, 0]) - 200) < 5 and picture[8, 12, 0] != picture[8, 12, 1]


def test_a_study_that_saved_no_masks_says_how_to(results):
    with pytest.raises(NotMeasuredError, match="save_masks"):
        qualitative.report(results)
