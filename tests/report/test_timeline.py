"""One video over time."""

import numpy as np
import pandas as pd
import pytest

from qpm.report import style, timeline
from qpm.report.load import NotMeasuredError


def video() -> pd.DataFrame:
    """Five frames of two objects; the second one enters at frame 2."""
    first = pd.DataFrame(
        {"object_id": 1, "frame_index": range(5), "score": [1, 0.8, 0.6, 0.9, 0.9], "iou_true": 0.8}
    )
    second = pd.DataFrame(
        {"object_id": 2, "frame_index": range(2, 5), "score": [1, 0.7, 0.7], "iou_true": 0.6}
    )
    rows = pd.concat([first, second], ignore_index=True)
    rows["annotated"] = (rows.frame_index == 0) | ((rows.object_id == 2) & (rows.frame_index == 2))
    shelves = ["annotated", "previous", "annotated;previous", "previous;long", "previous"]
    rows["memorized"] = [shelves[index] for index in rows.frame_index]
    rows["prior_frame"] = pd.array([[None, 0, 1, 0, 3][index] for index in rows.frame_index], "Int64")
    rows["present"] = pd.array([True] * len(rows), "boolean")
    return rows.assign(
        case="qpm", sequence="v", seed=0, bank_frames=rows.frame_index, scored=True, j=rows.iou_true
    )


def test_a_frame_is_the_mean_over_its_objects():
    table = timeline.prepare(video(), "qpm", "v")
    assert table.score.tolist() == pytest.approx([1, 0.8, 0.8, 0.8, 0.8])
    assert table.iou_true.tolist() == pytest.approx([0.8, 0.8, 0.7, 0.7, 0.7])
    assert table.annotated.tolist() == [True, False, True, False, False]


def test_kept_is_what_the_keep_rule_let_in():
    assert timeline.prepare(video(), "qpm", "v").kept.tolist() == [False, False, False, True, False]


def test_the_prior_is_the_previous_frame_or_an_annotated_one():
    assert timeline.prepare(video(), "qpm", "v").prior.tolist() == [
        "",
        "previous",
        "previous",
        "annotated",
        "previous",
    ]


def test_the_baseline_is_another_case_on_the_same_video():
    rows = pd.concat([video(), video().assign(case="stm", iou_true=0.1)])
    assert timeline.prepare(rows, "qpm", "v", "stm").iou_baseline.tolist() == pytest.approx([0.1] * 5)
    assert timeline.prepare(rows, "qpm", "v").iou_baseline.isna().all()


def test_a_video_without_rows_is_named():
    with pytest.raises(NotMeasuredError, match="no rows of case 'qpm' for video 'w'"):
        timeline.prepare(video(), "qpm", "w")


def leaves(at: dict[int, list[int]]) -> pd.DataFrame:
    """The video, where the objects named for a frame are absent from the truth."""
    rows = video()
    gone = [row.object_id in at.get(row.frame_index, []) for row in rows.itertuples()]
    return rows.assign(present=pd.array([not each for each in gone], "boolean"))


def test_absence_is_the_share_of_the_objects_that_the_truth_does_not_hold():
    table = timeline.prepare(leaves({1: [1], 3: [1], 4: [1, 2]}), "qpm", "v")
    assert table.absent.tolist() == [0, 1, 0, 0.5, 1]


def test_without_truth_nothing_is_called_absent():
    rows = video().assign(present=pd.array([pd.NA] * 8, "boolean"))
    table = timeline.prepare(rows, "qpm", "v")
    assert (table.absent == 0).all() and timeline.absence(table) == ""


def test_frames_without_the_object_are_shaded_in_runs_and_said_so():
    table = timeline.prepare(leaves({1: [1], 3: [1], 4: [1, 2]}), "qpm", "v")
    with style.theme():
        ax = style.figure().subplots()
        timeline.shade_absence(table, ax)
    spans = [path.get_extents().intervalx.tolist() for shade in ax.collections for path in shade.get_paths()]
    assert spans == [[0.5, 1.5], [2.5, 3.5], [3.5, 4.5]]
    assert [shade.get_alpha() for shade in ax.collections] == [1, 0.5, 1]
    assert timeline.absence(table).startswith("Shaded: the object is out of view")


def test_drawing_survives_a_network_without_score():
    with style.theme():
        ax = style.figure().subplots()
        timeline.draw(timeline.prepare(video().assign(score=np.nan), "qpm", "v"), ax, 0.7, None)
    assert "true IoU" in {text.get_text() for text in ax.texts}


def beside(ax) -> dict[str, float]:
    """The names of the lines, and their heights."""
    return {text.get_text(): text.xy[1] for text in ax.texts if text.xy[0] == 1.008 and text.get_fontsize() == 7.5}


def test_a_name_stands_above_the_strips_whose_rows_it_would_seem_to_name():
    rows = pd.concat([video().assign(score=0.0, iou_true=0.0), video().assign(case="stm", iou_true=0.02)])
    with style.theme():
        ax = style.figure().subplots()
        timeline.draw(timeline.prepare(rows, "qpm", "v", "stm"), ax, 0.7, 0.65, 1.6, "stm")
    names = beside(ax)
    below = {name for name, height in names.items() if height < 0}
    assert below == {"4 frames"}
    lines = sorted(height for name, height in names.items() if name not in below)
    gap = timeline.LABEL / 1.6 * (1.05 - timeline.BANK_AT)
    assert lines[0] >= gap / 2 and np.diff(lines).min() > 0.99 * gap and lines[-1] < 1


def test_the_grey_line_is_called_by_its_case():
    rows = pd.concat([video(), video().assign(case="stm", iou_true=0.1)])
    with style.theme():
        ax = style.figure().subplots()
        timeline.draw(timeline.prepare(rows, "qpm", "v", "stm"), ax, baseline="stm")
    assert "true IoU under STM" in beside(ax)


@pytest.mark.parametrize("height", [1.6, 2.6])
def test_names_beside_lines_that_end_together_keep_apart_at_any_height(height):
    rows = video().assign(score=0.8, iou_true=0.8)
    with style.theme():
        drawing = style.figure(style.PAGE, 2 * height)
        ax = drawing.add_axes((0.1, 0.25, 0.7, 0.5))
        timeline.draw(timeline.prepare(rows, "qpm", "v"), ax, 0.78, 0.76, height)
    inches = sorted(ax.transData.transform((0, place))[1] / drawing.dpi for place in beside(ax).values())
    assert len(inches) == 5 and np.diff(inches).min() > 7.5 / 72 * 1.1  # a line of print
