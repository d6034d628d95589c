"""The videos that are shown over time, and how they are headed."""

import numpy as np
import pandas as pd
import pytest

from qpm.report import style, timeline_chosen
from qpm.report.load import Results
from qpm.rows import check
from tests.report.test_timeline import video

CHANGES = {"gains": 0.2, "a_little": 0.01, "not": 0.0, "loses": -0.3, "less": -0.02}


def rows(changes: dict[str, float], case: str = "qpm") -> pd.DataFrame:
    """The videos under STM with J and F of 0.5, and under `case` with a change of each."""
    tables = [
        video().assign(sequence=name, case=own, j=0.5 + change, f=0.5 + change, dataset="d", trial=own)
        for name, difference in changes.items()
        for own, change in (("stm", 0.0), (case, difference))
    ]
    table = pd.concat(tables, ignore_index=True)
    return check(table.assign(frame=[f"{index:05d}" for index in table.frame_index]))


def test_the_largest_gain_the_largest_loss_and_the_median_change_are_shown():
    chosen = timeline_chosen.choose(rows(CHANGES), "qpm", "stm")
    assert dict(zip(chosen.rule, chosen.sequence, strict=True)) == {
        "largest gain": "gains", "largest loss": "loses", "median change": "not",
    }  # fmt: skip


@pytest.mark.parametrize("baseline", ["never_run", "qpm"])
def test_without_a_baseline_the_video_that_falls_lowest_is_shown(baseline):
    table = rows(CHANGES)
    table.loc[table.sequence == "less", "iou_true"] = 0.05
    chosen = timeline_chosen.choose(table[table.case == "qpm"], "qpm", baseline)
    assert chosen.sequence.tolist() == ["less"] and chosen.difference.isna().all()
    assert timeline_chosen.heading(chosen.iloc[0].to_dict(), baseline) == "lowest IoU: less"


def test_a_heading_says_by_which_rule_and_by_how_much():
    entry = {"sequence": "swan", "rule": "largest loss", "difference": -0.1234}
    assert timeline_chosen.heading(entry, "stm") == "largest loss: swan (−0.123 J&F to STM)"


def test_the_caption_names_the_rules_and_among_how_many_videos(tmp_path):
    results = Results(tmp_path, rows(CHANGES), ())
    caption = timeline_chosen.report(results).caption
    assert "Chosen by rule among 5 videos, by J&F: largest gain, largest loss, median change." in caption
    assert "grey, the true IoU under STM" in caption and "no masks were saved" in caption
    alone = timeline_chosen.report(Results(tmp_path, results.rows.query("case == 'qpm'"), ())).caption
    assert "among 5 videos, by true IoU: lowest IoU." in alone and "STM" not in alone


def test_the_videos_stand_below_each_other_with_axes_of_one_width(tmp_path):
    table = rows(CHANGES)
    table.loc[table.sequence == "gains", "prior_frame"] = table.frame_index - 1  # only one kind of prior
    with style.theme():
        drawing = timeline_chosen.figure(Results(tmp_path, table, ()), "qpm", "stm")
        style.lay_out(drawing)
    axes = [block.axes[0] for block in drawing.subfigs]
    assert [ax.get_xlabel() for ax in axes] == ["", "", "frame"]
    widths = [ax.get_window_extent().width for ax in axes]
    assert np.ptp(widths) < 0.02 * max(widths)
