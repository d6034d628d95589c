"""A policy beside its baseline."""

import numpy as np
import pandas as pd
import pytest

from qpm import images
from qpm.report import comparison, style
from qpm.report.choice import choose
from qpm.report.load import NotMeasuredError
from qpm.rows import check


def rows() -> pd.DataFrame:
    """Three videos of ten frames; QPM gains .2 on "up" in its last frames, loses .3 on "down", keeps "same"."""
    gain = {"up": [0] * 5 + [0.4] * 5, "down": [-0.3] * 10, "same": [0] * 10}
    records = [
        {
            "case": case, "sequence": video, "object_id": 1, "frame": f"{index:05d}", "frame_index": index,
            "scored": True, "j": 0.5 + (gain[video][index] + index / 1000 if case == "qpm" else 0), "f": 0.5,
        }
        for case in ("stm", "qpm") for video in gain for index in range(10)
    ]  # fmt: skip
    return check(pd.DataFrame(records))


def prepared(table: pd.DataFrame, differing: list[int], sequences=("up", "down", "same")) -> pd.DataFrame:
    """The frames of two videos in all of which the masks differ in so many pixels."""
    chosen = choose(table, "qpm", "stm", list(sequences)).head(2)
    counted = [
        {"sequence": video, "frame": f"{index:05d}", "differing": pixels, "pixels of stm": 0, "pixels of qpm": 2}
        for video in chosen.sequence for index, pixels in enumerate(differing)
    ]  # fmt: skip
    return comparison.prepare(table, "qpm", "stm", chosen, pd.DataFrame(counted))


def test_the_videos_of_largest_gain_and_loss_give_five_frames_each():
    table = prepared(rows(), [9, 0, 8, 0, 7, 0, 6, 5, 4, 0])
    assert table.groupby("rule").sequence.unique().map(list).to_dict() == {
        "largest gain": ["up"], "largest loss": ["down"],
    }  # fmt: skip
    up = table[table.sequence == "up"]
    assert up.difference.iloc[0] == pytest.approx((0.2 + 0.0045) / 2)
    assert up.frame_index.tolist() == [0, 2, 4, 6, 7]
    assert up.qpm.tolist() == pytest.approx([0.5, 0.502, 0.504, 0.906, 0.907])


def test_the_frames_are_those_of_most_differing_pixels_spread_over_the_video():
    assert comparison.telling([3, 1, 4, 1, 5, 9, 2, 6], most=3) == [4, 5, 7]
    long = [0] * 40
    long[20:30] = range(1, 11)
    assert comparison.telling(long) == [20, 23, 26, 29]  # 40 // 12 apart; where nothing differs, nothing is shown
    assert comparison.telling([7] * 40) == [0, 3, 6, 9, 12]
    assert comparison.telling([0, 0, 0]) == [0]


@pytest.mark.parametrize("length", [5, 11, 12, 40, 100])
def test_there_is_room_for_five_frames_that_differ(length):
    for seed in range(20):
        assert len(comparison.telling(np.random.default_rng(seed).permutation(length) + 1)) == 5


def test_pixels_are_counted_where_both_have_a_mask(tmp_path):
    for case, widths in {"stm": (2, 3), "qpm": (2, 0, 1)}.items():
        (tmp_path / case / "a").mkdir(parents=True)
        for index, width in enumerate(widths):
            labels = np.zeros((4, 6), np.uint8)
            labels[1, :width] = 1
            images.write_labels(tmp_path / case / "a" / f"{index:05d}.png", labels)
    counted = comparison.count({case: {"a": tmp_path / case / "a"} for case in ("stm", "qpm")}, ["a"])
    assert counted.to_dict("list") == {
        "sequence": ["a", "a"], "frame": ["00000", "00001"], "differing": [0, 3],
        "pixels of stm": [2, 3], "pixels of qpm": [2, 0],
    }  # fmt: skip


def test_where_the_object_is_absent_the_figure_says_so_in_words():
    absent = rows().assign(present=lambda table: table.frame_index != 4)
    first = prepared(absent, [1] * 10).query("frame_index == 4").iloc[0]
    assert comparison.reached(first, "stm") == "absent"
    assert comparison.reached(first, "qpm") == "absent, 2 px drawn"


def test_a_frame_that_one_case_has_not_measured_is_not_taken_for_an_absent_object():
    partial = rows().query("case == 'stm' or frame_index != 4")
    assert 4 not in prepared(partial, [1] * 10).frame_index.tolist()


def test_an_object_that_is_absent_does_not_count_beside_one_that_is_there():
    other = rows().assign(object_id=2, present=False, j=1.0)
    table = prepared(check(pd.concat([rows(), other])), [1] * 10)
    assert table.stm.tolist() == [0.5] * 10


def test_only_videos_with_masks_of_both_are_chosen():
    assert set(prepared(rows(), [1] * 10, ["same"]).sequence) == {"same"}


def test_the_baseline_stands_above_and_the_truth_below_where_it_is_asked_for():
    table = prepared(rows(), [1] * 5 + [0] * 5)
    black = {name: lambda *_: np.zeros((9, 16, 3), np.uint8) for name in ("stm", "qpm", "truth")}
    with style.theme():
        drawing = comparison.figure(table, black)
    first = drawing.subfigs[0].axes
    assert [ax.get_ylabel() for ax in first[::5]] == ["STM", "QPM", "truth"]
    assert (first[5].texts[0].get_text(), first[10].texts[:]) == ("0.50", [])
    assert "largest gain: up (+0.102 J&F)" in drawing.subfigs[0].get_suptitle()


def test_a_video_that_differs_in_fewer_frames_leaves_its_other_places_empty():
    table = prepared(rows(), [1] * 5 + [0] * 5).drop(index=[7, 8, 9])
    with style.theme():
        drawing = comparison.figure(table, {"stm": lambda *_: np.zeros((9, 16, 3), np.uint8)})
    assert [ax.axison for ax in drawing.subfigs[1].axes] == [True, True, False, False, False]


def test_the_baseline_is_not_compared_with_itself(results):
    with pytest.raises(NotMeasuredError, match="'stm' is the baseline itself"):
        comparison.report(results, "stm", "stm")
