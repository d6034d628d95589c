"""Differences by attribute."""

import pytest

from qpm.metrics import statistics
from qpm.report import attributes, style
from qpm.report.load import NotMeasuredError, Results


def test_a_video_counts_in_each_of_its_attributes(rows):
    both = rows.assign(attributes=rows.attributes.where(rows.sequence != "video00", "occlusion;out of view"))
    table = attributes.prepare(both, ["qpm"], "stm").set_index("attribute")
    assert table.n_videos.to_dict() == {
        "all videos": 8, "out of view": 2, "clean": 1, "deformation": 1, "fast motion": 1, "late object": 1,
        "occlusion": 2, "similar objects": 1,
    }  # fmt: skip


def test_all_videos_are_the_plain_paired_difference(rows):
    table = attributes.prepare(rows, ["qpm"], "stm").set_index("attribute")
    paired = statistics.paired(rows, "qpm", "stm", "J&F")
    assert table.loc["all videos", "difference"] == pytest.approx(paired.difference)
    assert table.index[0] == "all videos"


def test_one_video_has_no_interval(rows):
    table = attributes.prepare(rows, ["qpm"], "stm").set_index("attribute")
    assert table.loc["clean", "n_videos"] == 1
    assert table.loc["clean", ["low", "high"]].isna().all()


def test_every_attribute_is_a_line_with_its_number_of_videos(rows):
    table = attributes.prepare(rows, ["quality_gated", "qpm"], "stm")
    with style.theme():
        drawing = attributes.figure(table)
    names = [tick.get_text() for tick in drawing.axes[0].get_yticklabels()]
    assert names[0] == "all videos (8)" and "occlusion (1)" in names
    assert [text.get_text() for text in drawing.legends[0].get_texts()] == ["quality gated", "QPM"]


def test_a_study_of_controls_alone_shows_them(results):
    shown = results.rows.case.isin(["stm", "oracle_gate", "first_only"])
    section = attributes.report(Results(results.folder, results.rows[shown], results.trials))
    assert [path.name for path in section.files][:2] == ["attributes.png", "attributes.pdf"]
    alone = Results(results.folder, results.rows[results.rows.case == "stm"], results.trials)
    with pytest.raises(NotMeasuredError, match="nothing to compare 'stm' with"):
        attributes.report(alone)


def test_where_every_attribute_has_few_videos_the_caption_does_not_list_them(results):
    assert "an example rather than evidence (every attribute)." in attributes.report(results).caption
    many = results.rows.assign(attributes=results.rows.attributes.replace({"out of view": "clean;rain"}))
    many.loc[many.sequence <= "video05", "attributes"] = "clean"
    caption = attributes.report(Results(results.folder, many, results.trials)).caption
    listed = caption.partition("rather than evidence (")[2].partition(").")[0]
    assert listed and "clean" not in listed.split(", ") and "every" not in listed
