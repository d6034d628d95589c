"""A policy beside its baseline."""

import numpy as np
import pandas as pd
import pytest

from qpm.report import comparison, style
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


def test_the_videos_of_largest_gain_and_loss_give_five_frames_each():
    table = comparison.prepare(rows(), "qpm", "stm", ["up", "down", "same"])
    assert table.groupby("rule").sequence.unique().map(list).to_dict() == {
        "largest gain": ["up"], "largest loss": ["down"],
    }  # fmt: skip
    assert table[table.sequence == "up"].difference.iloc[0] == pytest.approx((0.2 + 0.0045) / 2)


def test_each_part_of_a_video_gives_the_frame_that_differs_most():
    table = comparison.prepare(rows(), "qpm", "stm", ["up", "down", "same"])
    assert table[table.sequence == "up"].frame_index.tolist() == [1, 3, 5, 7, 9]
    assert table[table.sequence == "down"].frame_index.tolist() == [0, 2, 4, 6, 8]
    assert table[table.sequence == "up"].qpm.tolist() == pytest.approx([0.501, 0.503, 0.905, 0.907, 0.909])


def test_only_videos_with_masks_of_both_are_chosen():
    assert set(comparison.prepare(rows(), "qpm", "stm", ["same"]).sequence) == {"same"}


def test_the_baseline_stands_above_and_the_truth_below_where_it_is_asked_for():
    table = comparison.prepare(rows(), "qpm", "stm", ["up", "down", "same"])
    black = {name: lambda *_: np.zeros((9, 16, 3), np.uint8) for name in ("stm", "qpm", "truth")}
    with style.theme():
        drawing = comparison.figure(table, black)
    first = drawing.subfigs[0].axes
    assert [ax.get_ylabel() for ax in first[::5]] == ["STM", "QPM", "truth"]
    assert (first[5].texts[0].get_text(), first[10].texts[:]) == ("0.50", [])
    assert "largest gain: up (+0.102 J&F)" in drawing.subfigs[0].get_suptitle()


def test_the_baseline_is_not_compared_with_itself(results):
    with pytest.raises(NotMeasuredError, match="'stm' is the baseline itself"):
        comparison.report(results, "stm", "stm")
