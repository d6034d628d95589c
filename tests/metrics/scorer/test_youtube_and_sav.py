"""Protocols of other layouts: listed objects with categories, and a folder of binary masks per object."""

import json

import numpy as np
import pytest

from qpm.metrics.scorer import Refusal, score_folder

J = pytest.approx(0.78328, abs=1e-5)


@pytest.fixture
def youtube(save, truth, prediction):
    """One video: object 1 (a dog, seen) on all frames, object 2 (a panda, unseen) from frame 4 to frame 9."""
    truth[:4][truth[:4] == 2], truth[10:][truth[10:] == 2] = 0, 0
    gt, pred = save("gt/Annotations", truth), save("pred", prediction)
    stems = [f"{frame:05d}" for frame in range(12)]
    objects = {"1": {"category": "dog", "frames": stems}, "2": {"category": "panda", "frames": stems[4:10]}}
    (gt.parent / "meta.json").write_text(json.dumps({"videos": {"video": {"objects": objects}}}))
    return gt.parent, pred


def frames_of(report):
    return {k: group.frame_index.tolist() for k, group in report.rows.groupby("object_id")}


def test_objects_are_scored_on_their_own_frames_without_the_given_one(youtube):
    report = score_folder(*youtube, "youtube-vos")
    assert frames_of(report) == {1: list(range(1, 12)), 2: [5, 6, 7, 8, 9]}
    assert report.rows.groupby("object_id").seen.first().tolist() == [True, False]


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [(True, True, [5, 6, 7, 8]), (False, False, [4, 5, 6, 7, 8, 9]), (False, True, [4, 5, 6, 7, 8])],
)
def test_both_ends_can_be_switched_and_the_report_says_how(youtube, first, last, expected):
    report = score_folder(*youtube, "youtube-vos", leave_out_first=first, leave_out_last=last)
    assert frames_of(report)[2] == expected
    settings = report.to_json()["settings"]
    assert (settings["leave_out_first"], settings["leave_out_last"], settings["ends_of"]) == (
        first,
        last,
        "object",
    )


def test_overall_is_the_mean_over_seen_and_unseen(youtube):
    report = score_folder(*youtube, "youtube-vos")
    scores = report.to_json()["global"]
    assert list(scores) == ["overall", "J_seen", "J_unseen", "F_seen", "F_unseen"]
    assert scores["J_seen"] == scores["J_unseen"] == J
    assert scores["overall"] == pytest.approx((0.78328 + 0.98958) / 2, abs=1e-5)
    assert "not the servers' program" in report.meaning


def test_without_unseen_objects_the_overall_is_undefined_and_said_to_be(youtube):
    gt, pred = youtube
    meta = json.loads((gt / "meta.json").read_text())
    meta["videos"]["video"]["objects"]["2"]["category"] = "cat"
    (gt / "meta.json").write_text(json.dumps(meta))
    report = score_folder(gt, pred, "youtube-vos")
    assert report.to_json()["global"]["overall"] is None
    assert report.warnings == ("no object is scored for J_unseen, F_unseen, so overall is undefined",)


def test_categories_may_come_from_another_file(youtube, tmp_path):
    gt, pred = youtube
    meta = json.loads((gt / "meta.json").read_text())
    for entry in meta["videos"]["video"]["objects"].values():
        del entry["category"]
    (gt / "meta.json").write_text(json.dumps(meta))
    with pytest.raises(Refusal, match="video object 1 has no category; give a JSON"):
        score_folder(gt, pred, "youtube-vos")
    (tmp_path / "categories.json").write_text(json.dumps({"video": {"1": "dog", "2": "panda"}}))
    report = score_folder(gt, pred, "youtube-vos", categories=tmp_path / "categories.json")
    assert report.scores["J_unseen"] == J


def test_a_listed_frame_without_truth_or_prediction_is_refused(youtube):
    gt, pred = youtube
    (gt / "Annotations" / "video" / "00007.png").unlink()
    (pred / "video" / "00003.png").unlink()
    with pytest.raises(Refusal) as refusal:
        score_folder(gt, pred, "youtube-vos")
    assert [fault.split("video/")[1] for fault in refusal.value.faults] == [
        "00003.png is missing",
        "00007.png is missing",
    ]


def test_the_real_sample_scores_one_against_itself(shared_data):
    root = shared_data / "YouTubeVOS-sample" / "train"
    report = score_folder(root, root / "Annotations", "youtube-vos")
    assert report.scores["J_seen"] == report.scores["F_seen"] == 1
    assert report.objects.frames.tolist() == [14] * 5


@pytest.fixture
def sav(save, truth, prediction):
    """Two objects in folders of their own, as 0 and 255; object 1 is absent from frames 1 to 4."""
    truth[1:5][truth[1:5] == 2], prediction[1:5][prediction[1:5] == 2] = 0, 0
    folders = [
        save(name, {f"sav_1/00{k - 1}": (labels == k).astype(np.uint8) * 255 for k in (1, 2)}, mode="L")
        for name, labels in (("gt", truth), ("pred", prediction))
    ]
    return folders


def test_every_object_has_a_folder_and_counts_from_where_it_first_shows(sav):
    report = score_folder(*sav, "sa-v")
    assert report.objects[["sequence", "object_id", "frames"]].values.tolist() == [
        ["sav_1", 0, 10],
        ["sav_1", 1, 6],
    ]
    assert report.objects.J_mean.tolist() == [J, J]
    assert report.warnings == ()


def test_first_and_last_frame_are_those_of_the_object(sav):
    gt, pred = sav
    for frame in range(3):
        (gt / "sav_1" / "000" / f"{frame:05d}.png").unlink()
    assert frames_of(score_folder(gt, pred, "sa-v"))[0] == list(range(1, 8))


def test_an_object_without_truth_on_scored_frames_is_a_warning(save, sav):
    gt, pred = sav
    save("gt", {"sav_1/001": np.zeros((12, 96, 160), np.uint8)}, mode="L")
    report = score_folder(gt, pred, "sa-v")
    assert report.objects.object_id.tolist() == [0]
    assert report.warnings == ("sav_1/001: no object of the truth shows on the scored frames; not scored",)


def test_label_maps_without_object_folders_score_as_in_vos_benchmark(save, truth, prediction):
    gt, pred = save("gt", {"a": truth, "b": truth}), save("pred", {"a": prediction, "b": prediction})
    assert score_folder(gt, pred, "sa-v").scores == score_folder(gt, pred, "vos-benchmark").scores


def test_an_object_folder_that_is_no_number_is_refused(save, truth, prediction):
    gt, pred = (
        save(name, {"v/dog": labels, "v/cat": labels}) for name, labels in (("g", truth), ("p", prediction))
    )
    with pytest.raises(Refusal, match="folder 'v/cat' should be <sequence>/<object>, the object a number"):
        score_folder(gt, pred, "sa-v")
