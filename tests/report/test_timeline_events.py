"""The moments of a video that get a picture."""

import numpy as np
import pandas as pd

from qpm.report import style, timeline_chosen, timeline_events, timelines
from qpm.report.load import Results
from qpm.rows import check
from tests.report.test_timeline import leaves, video


def frames(**columns) -> pd.DataFrame:
    """A timeline of six frames where nothing happens, but for what is named."""
    count = 6
    table = pd.DataFrame(
        {"frame_index": range(count), "score": 0.9, "iou_true": 0.9, "iou_baseline": np.nan, "absent": 0.0,
         "prior": "previous", "annotated": [True] + [False] * (count - 1), "kept": False, "bank_frames": 1}
    )  # fmt: skip
    return table.assign(**columns)


def test_each_event_has_its_frame_and_its_rule():
    table = frames(
        iou_true=[1, 0.9, 0.9, 0.2, 0.9, 0.5], score=[1, 0.9, 0.6, 0.5, 0.95, 0.9],
        iou_baseline=[1, 0.9, 0.9, 0.2, 0.3, 0.5],
        prior=["", "previous", "previous", "previous", "previous", "annotated"],
    )  # fmt: skip
    events = timeline_events.prepare(table, sigma_m=0.7)
    assert events.set_index("frame_index").event.to_dict() == {
        0: "mask given", 2: "below $σ_m$", 3: "lowest IoU", 4: "differs most", 5: "most over-estimated",
    }  # fmt: skip


def test_a_frame_is_shown_once_under_the_first_rule_that_chose_it():
    table = frames(iou_true=[1, 0.9, 0.1, 0.9, 0.9, 0.9])
    assert timeline_events.prepare(table).event.tolist() == ["mask given", "lowest IoU"]


def long(**at) -> pd.DataFrame:
    """A timeline of 48 frames where nothing happens, but for values at some frames: `score={7: 0.2}`."""
    table = pd.concat([frames()] * 8, ignore_index=True).assign(frame_index=range(48))
    table["annotated"] = table.frame_index == 0
    for column, values in at.items():
        table[column] = [values.get(index, value) for index, value in enumerate(table[column])]
    return table


def test_pictures_are_a_twelfth_of_the_video_apart():
    near = timeline_events.prepare(long(iou_true={20: 0.1}, score={20: 0.1, 17: 0.6}), sigma_m=0.7)
    assert near.frame_index.tolist() == [0, 20]
    apart = timeline_events.prepare(long(iou_true={20: 0.1}, score={20: 0.1, 16: 0.6}), sigma_m=0.7)
    assert apart.set_index("frame_index").event.to_dict() == {0: "mask given", 16: "below $σ_m$", 20: "lowest IoU"}


def test_an_over_estimate_is_shown_where_it_is_worth_the_word():
    low = {20: 0.1}
    for excess, expected in ((0.19, False), (0.2, True), (0.6, True)):
        table = long(iou_true=low | {40: 0.3}, score=low | {40: 0.3 + excess})
        assert ("most over-estimated" in set(timeline_events.prepare(table).event)) == expected


def test_the_lowest_iou_is_that_of_an_object_that_is_there():
    table = long(iou_true={20: 0.0, 40: 0.4}, score={20: 0.0, 40: 0.4}, absent={20: 1.0})
    events = timeline_events.prepare(table).set_index("frame_index").event
    assert events.to_dict() == {0: "mask given", 40: "lowest IoU"}


def test_the_turn_of_the_prior_is_an_event_where_there_is_room():
    table = frames(prior=["", "previous", "previous", "annotated", "annotated", "annotated"], iou_true=np.nan)
    assert timeline_events.prepare(table).set_index("frame_index").event[3] == "prior: given mask"


def test_the_figure_has_a_picture_for_each_event_where_the_videos_are(saved_study):
    with style.theme():
        with_pictures = timeline_chosen.figure(saved_study("qpm"), "qpm", "stm")
    assert len(with_pictures.axes) > 1
    assert "0: mask given" in {ax.get_title() for ax in with_pictures.axes}


def test_without_the_videos_the_timeline_stands_alone(results):
    config = {"case": "qpm", "dataset": {"name": "folder", "root": "/nowhere"}, "policy": {}}
    gone = type(results)(results.folder, results.rows, ({"folder": "x", "config": config},))
    with style.theme():
        drawing = timeline_chosen.figure(gone, "qpm", "stm")
    assert [len(block.axes) for block in drawing.subfigs] == [1, 1, 1]


def test_every_video_has_its_place_on_the_overview():
    rows = pd.concat([video().assign(sequence=name) for name in "cab"])
    table = timelines.prepare(rows, "qpm")
    assert table.sequence.unique().tolist() == ["a", "b", "c"] and len(table) == 15
    with style.theme():
        drawing = timelines.figure(table, "stm")
    assert [ax.get_title(loc="left") for ax in drawing.axes] == ["a", "b", "c"]
    assert "object absent" not in {text.get_text() for text in drawing.legends[0].get_texts()}


def test_the_overview_names_the_shade_where_an_object_is_absent():
    with style.theme():
        drawing = timelines.figure(timelines.prepare(leaves({3: [1]}), "qpm"), "stm")
    words = [text.get_text() for text in drawing.legends[0].get_texts()]
    assert words[-1] == "object absent" and "true IoU under STM" in words


def test_the_overview_is_headed_every_video_only_if_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(timelines, "MOST", 2)

    def title(count):
        names = [f"v{number:02d}" for number in range(count)]
        rows = pd.concat([video().assign(sequence=name, dataset="d", trial="t", f=0.6) for name in names])
        rows["frame"] = [f"{index:05d}" for index in rows.frame_index]
        return timelines.overview(Results(tmp_path, check(rows.reset_index(drop=True)), ())).title

    assert title(2) == "Every video over time"
    assert title(3) == "The first 2 videos over time"
