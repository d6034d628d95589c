"""Frames chosen by rule."""

import numpy as np
import pandas as pd
import pytest

from qpm.report import qualitative, style
from qpm.report.load import NotMeasuredError
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


def test_objects_that_the_truth_lacks_do_not_count():
    rows = frames().assign(present=lambda table: table.sequence != "b")
    assert qualitative.prepare(rows, "qpm", list("abcdef")).set_index("pick").sequence["worst"] != "b"
    absent = rows[rows.sequence == "f"].assign(object_id=2, iou_true=0.0, score=0.0, present=False)
    table = qualitative.prepare(check(pd.concat([rows, absent])), "qpm", list("abcdef")).set_index("pick")
    assert (table.sequence["best"], table.iou_true["best"]) == ("f", 0.99)


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
    assert drawing.axes[2].texts[0].get_text() == "occlusion\nb\nframe 00001"


def test_the_challenges_of_a_video_take_two_lines_at_most():
    assert qualitative.challenge("fast_motion;OCC") == "fast motion, occlusion"
    assert qualitative.challenge("AC;BC;CS;DB;DEF;EA") == "appearance change,\nbackground clutter, …"


def test_a_study_that_saved_no_masks_says_how_to(results):
    with pytest.raises(NotMeasuredError, match="save_masks"):
        qualitative.report(results)


def test_a_study_that_saved_the_masks_of_one_case_alone_has_no_comparison(saved_study):
    section = qualitative.report(saved_study("qpm"), "qpm", "stm")
    assert section.name == "qualitative" and not section.parts


def test_with_the_masks_of_both_the_comparison_stands_below(saved_study):
    results = saved_study("qpm", "stm")
    section = qualitative.report(results, "qpm", "stm")
    assert [part.name for part in section.parts] == ["qualitative", "comparison"]
    files = {path: path.read_bytes() for part in section.parts for path in part.files}
    qualitative.report(results, "qpm", "stm")
    assert {path: path.read_bytes() for path in files} == files
