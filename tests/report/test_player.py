"""The player of a study's page: what is in its pictures, and the numbers beside them."""

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image

from qpm.report import player
from qpm.report.data_uri import figure_uri, frame_uri, mask_uri, outline_uri
from qpm.report.load import NotMeasuredError, load
from tests.report.clips import FRAMES, HEIGHT, LAG, WIDTH, square, write_study_with_clips


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    folder = write_study_with_clips(tmp_path_factory.mktemp("results") / "fabricated")
    return player.player(load(folder), "qpm", "stm")


def picture(uri: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))


def test_every_layer_has_a_picture_of_every_frame(shown):
    assert [case["name"] for case in shown["cases"]] == ["stm", "qpm"] and len(shown["videos"]) == 3
    for video in shown["videos"]:
        assert set(video["masks"]) == {"stm", "qpm", "truth"}
        layers = [video["pictures"], video["outlines"], *video["masks"].values()]
        assert [len(layer) for layer in layers] == [FRAMES] * 5
        assert {picture(uri).size for layer in layers for uri in layer} == {(WIDTH, HEIGHT)}


def test_a_mask_is_laid_where_the_case_put_it(shown):
    for case, lag in {**LAG, "truth": 0}.items():
        drawn = np.array(picture(shown["videos"][0]["masks"][case][3]).convert("RGBA"))[..., 3] > 0
        assert (drawn == (square(10 + 4 * 3 - lag) > 0)).all()


def test_the_numbers_are_means_over_the_objects_of_a_frame(shown, tmp_path):
    rows = load(write_study_with_clips(tmp_path / "again")).rows
    video = next(v for v in shown["videos"] if v["name"] == "video02")  # three objects
    own = rows[(rows.case == "qpm") & (rows.sequence == "video02") & (rows.frame_index == 4)]
    assert len(own) == 3
    assert video["numbers"]["qpm"]["score"][4] == pytest.approx(own.score.mean(), abs=5e-4)
    assert video["numbers"]["qpm"]["iou"][4] == pytest.approx(own.iou_true.mean(), abs=5e-4)


def test_frames_without_the_object_are_marked_and_the_caption_explains_the_shade(shown, tmp_path):
    gone = player.player(load(write_study_with_clips(tmp_path / "gone", absent=[2, 3])), "qpm", "stm")
    for video in gone["videos"]:
        for case in ("stm", "qpm"):
            assert video["numbers"][case]["absent"] == [0, 0, 1, 1] + [0] * (FRAMES - 4)
    assert gone["absences"] and "Shaded: the object is out of view" in gone["caption"]
    assert not shown["absences"] and "Shaded" not in shown["caption"]


def test_the_gates_are_drawn_as_on_the_timeline_and_a_gate_that_a_policy_lacks_is_not(shown, tmp_path):
    assert [(gate["name"], gate["line"]) for gate in shown["gates"]] == [("σm", "dashed"), ("σen", "dotted")]
    assert player.player(load(write_study_with_clips(tmp_path / "plain")), "stm", "qpm")["gates"] == []


def test_the_given_frame_is_told_from_those_that_were_kept(shown):
    own = shown["videos"][0]["numbers"]["qpm"]
    assert own["given"] == [True] + [False] * (FRAMES - 1)


def test_the_caption_calls_the_videos_as_their_titles_do(shown):
    rules = [video["title"].split(": ")[1].split(" (")[0] for video in shown["videos"]]
    assert f"by J&F: {', '.join(rules)} among the 3 videos" in shown["caption"]


def test_a_long_video_is_thinned_evenly(shown, monkeypatch, tmp_path):
    monkeypatch.setattr(player, "MOST_FRAMES", 4)
    thin = player.player(load(write_study_with_clips(tmp_path / "thin")), "qpm", "stm")
    assert thin["videos"][0]["shown"] == [0, 2, 4] and len(thin["videos"][0]["pictures"]) == 3
    assert len(thin["videos"][0]["numbers"]["qpm"]["score"]) == FRAMES


def test_what_the_page_gets_is_json(shown):
    assert json.loads(json.dumps(shown, allow_nan=False)) == shown


def test_a_study_without_masks_of_both_cases_says_how_to(results):
    with pytest.raises(NotMeasuredError, match="save_masks: true"):
        player.player(results, "qpm", "stm")


def test_a_layer_is_transparent_where_there_is_no_object():
    labels = square(20) * 7
    tinted = np.array(picture(mask_uri(labels, (WIDTH, HEIGHT))).convert("RGBA"))
    assert set(np.unique(tinted[..., 3])) == {0, 105, 255}
    assert ((tinted[..., 3] > 0) == (labels > 0)).all()
    rims = np.array(picture(outline_uri(labels, (WIDTH, HEIGHT))).convert("RGBA"))
    assert rims[15, 26, 3] == 0 and rims[10, 26, 3] == 255  # the inside, and the rim


def test_an_empty_mask_and_void_are_drawn():
    nothing = np.array(picture(mask_uri(np.zeros((4, 4), np.uint8), (4, 4))).convert("RGBA"))
    assert (nothing[..., 3] == 0).all()
    void = np.array(picture(mask_uri(np.full((4, 4), 255, np.uint8), (4, 4))).convert("RGBA"))
    assert (void[..., 3] > 0).all()


def test_a_frame_shrinks_and_a_figure_keeps_its_size_and_is_no_larger_than_its_png(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    assert picture(frame_uri(noise, (30, 20))).size == (30, 20)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    uri = figure_uri(tmp_path / "noise.png")
    assert picture(uri).size == (60, 40) and len(uri) < (tmp_path / "noise.png").stat().st_size * 4 / 3
