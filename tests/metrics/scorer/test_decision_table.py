"""What the public evaluators answer on odd masks, measured once with both; ours must answer the same or refuse.

Each test names the case; numbers are (J, F) of the affected object under davis2017-evaluation and vos-benchmark.
"""

import numpy as np
import pytest

from qpm.metrics.scorer import Refusal, score_folder

MOVED = (0.7833, 0.9896)
PEERS = ("davis2017", "vos-benchmark")


@pytest.fixture
def score(save):
    """Scores of label maps: object id -> (J, F) to four places, and the warnings."""

    def run(truth, prediction, protocol, **settings):
        report = score_folder(save("gt", truth), save("pred", prediction), protocol, **settings)
        table = report.objects.set_index("object_id")[["J_mean", "F_mean"]].round(4)
        return {k: tuple(row) for k, row in zip(table.index, table.values.tolist(), strict=True)}, report

    return run


@pytest.mark.parametrize("protocol", PEERS)
def test_shifted_by_one_and_two_pixels(score, truth, prediction, protocol):
    objects, report = score(truth, prediction, protocol)
    assert objects == {1: MOVED, 2: MOVED}
    assert report.warnings == ()


@pytest.mark.parametrize("protocol", PEERS)
def test_nothing_predicted(score, truth, protocol):
    assert score(truth, np.zeros_like(truth), protocol)[0] == {1: (0, 0), 2: (0, 0)}


@pytest.mark.parametrize("protocol", PEERS)
def test_an_object_that_is_never_predicted(score, truth, prediction, protocol):
    prediction[prediction == 2] = 0
    assert score(truth, prediction, protocol)[0] == {1: MOVED, 2: (0, 0)}


@pytest.mark.parametrize("extra", [3, 255])
@pytest.mark.parametrize("protocol", PEERS)
def test_an_extra_predicted_id_is_ignored_and_told(score, truth, prediction, protocol, extra):
    prediction[3:5, :5, :5] = extra
    objects, report = score(truth, prediction, protocol)
    assert objects == {1: MOVED, 2: MOVED}
    assert f"ids that are not scored: {extra} (2 frames)" in report.warnings[0]
    assert ("davis2017-evaluation would give up" in report.warnings[0]) == (protocol == "davis2017")


@pytest.mark.parametrize(("predicted_from", "expected"), [(5, MOVED), (2, (0.5222, 0.6597))])
def test_a_late_object_counts_in_vos_benchmark_from_where_anyone_shows_it(
    score, truth, prediction, predicted_from, expected
):
    truth[:5][truth[:5] == 2] = 0
    prediction[:predicted_from][prediction[:predicted_from] == 2] = 0
    objects, report = score(truth, prediction, "vos-benchmark")
    assert objects == {1: MOVED, 2: expected}
    assert "objects enter after the first frame: 2 (at 00005)" in report.warnings[0]
    assert "with them, 0.8864 without" in report.warnings[0]


def test_a_late_object_does_not_count_in_davis2017(score, truth, prediction):
    truth[:5][truth[:5] == 2] = 0
    objects, report = score(truth, prediction, "davis2017")
    assert objects == {1: MOVED}
    assert any(
        "objects enter after the first frame: 2 (at 00005); not scored" in text for text in report.warnings
    )


def test_an_object_of_the_first_frame_only(score, truth, prediction):
    truth[1:][truth[1:] == 2] = 0
    prediction[1:][prediction[1:] == 2] = 0
    assert score(truth, prediction, "davis2017")[0] == {1: MOVED, 2: (1, 1)}
    assert score(truth, prediction, "vos-benchmark")[0] == {1: MOVED}


@pytest.mark.parametrize(("protocol", "expected"), [("davis2017", (0.87, 0.9938)), ("vos-benchmark", MOVED)])
def test_an_object_that_is_absent_at_first_in_both(score, truth, prediction, protocol, expected):
    truth[1:5][truth[1:5] == 2] = 0
    prediction[1:5][prediction[1:5] == 2] = 0
    assert score(truth, prediction, protocol)[0] == {1: MOVED, 2: expected}


def test_a_stripe_of_255_in_the_truth(score, truth, prediction):
    truth[:, :4, :] = 255
    objects, report = score(truth, prediction, "davis2017")
    assert objects == {1: MOVED, 2: MOVED}
    assert "255 in 11 truth frames is taken as background" in report.warnings[0]
    objects, report = score(truth, prediction, "vos-benchmark")
    assert objects == {1: MOVED, 2: MOVED, 255: (0, 0)}
    assert "255 in 11 truth frames is an object like any other; J&F 0.5910 with them, 0.8864 without" in str(
        report.warnings
    )


def test_gaps_in_the_ids_are_objects_only_in_davis2017(score, truth, prediction):
    truth[truth == 2], prediction[prediction == 2] = 7, 7
    objects, report = score(truth, prediction, "davis2017")
    assert objects == {1: MOVED, **dict.fromkeys(range(2, 7), (1, 1)), 7: MOVED}
    assert "ids 2, 3, 4, 5, 6 are not in the first truth frame" in report.warnings[0]
    assert "J&F 0.9676 with them, 0.8864 without" in report.warnings[0]
    assert score(truth, prediction, "vos-benchmark")[0] == {1: MOVED, 7: MOVED}


@pytest.mark.parametrize(("frames", "scored"), [(3, 1), (4, 2)])
@pytest.mark.parametrize("protocol", PEERS)
def test_three_and_four_frames(score, truth, prediction, protocol, frames, scored):
    _, report = score(truth[:frames], prediction[:frames], protocol)
    assert report.objects.frames.tolist() == [scored, scored]
    assert report.scores["J_decay"] == report.scores["F_decay"] == 0


@pytest.mark.parametrize("protocol", PEERS)
def test_two_frames_leave_nothing_and_are_refused(score, truth, prediction, protocol):
    with pytest.raises(
        Refusal, match="video: 2 frames, and the first and the last are left out: nothing to score"
    ):
        score(truth[:2], prediction[:2], protocol)


@pytest.mark.parametrize("protocol", PEERS)
def test_a_missing_frame_in_the_middle_is_refused_by_name(save, truth, prediction, protocol):
    gt, pred = save("gt", truth), save("pred", prediction)
    (pred / "video" / "00006.png").unlink()
    with pytest.raises(Refusal, match=r"1 fault:\n.*pred/video/00006\.png is missing"):
        score_folder(gt, pred, protocol)


@pytest.mark.parametrize("protocol", PEERS)
def test_the_first_and_last_prediction_need_not_be_there(save, truth, prediction, protocol):
    gt, pred = save("gt", truth), save("pred", prediction)
    for stem in ("00000", "00011"):
        (pred / "video" / f"{stem}.png").unlink()
    assert score_folder(gt, pred, protocol).scores["J_mean"] == pytest.approx(MOVED[0], abs=1e-4)


@pytest.mark.parametrize("protocol", PEERS)
def test_predictions_of_half_the_size_are_refused(score, truth, prediction, protocol):
    with pytest.raises(
        Refusal, match="video/00001.png is 80 x 48, the truth 160 x 96; masks are never resized"
    ):
        score(truth, prediction[:, ::2, ::2], protocol)


@pytest.mark.parametrize("protocol", PEERS)
def test_colour_images_are_refused_with_the_number_of_colours(save, truth, prediction, protocol):
    gt = save("gt", truth)
    pred = save("pred", np.stack([prediction * 100] * 3, axis=-1), mode="RGB")
    with pytest.raises(Refusal, match=r"10 faults.*\n.*00001.png is a mask of mode RGB with 3 ids"):
        score_folder(gt, pred, protocol)


@pytest.mark.parametrize("protocol", PEERS)
def test_grey_and_palette_images_are_the_same(save, truth, prediction, protocol):
    gt = save("gt", truth)
    grey = score_folder(gt, save("grey", prediction, mode="L"), protocol)
    assert grey.scores == score_folder(gt, save("palette", prediction), protocol).scores


@pytest.mark.parametrize("protocol", PEERS)
def test_one_pixel_predicted_one_pixel_beside(score, protocol):
    truth = np.zeros((5, 96, 160), np.uint8)
    truth[:, 50, 50] = 1
    assert score(truth, np.roll(truth, 1, axis=2), protocol)[0] == {1: (0, 1)}


@pytest.mark.parametrize("protocol", PEERS)
def test_an_object_that_fills_the_frame_with_half_the_predictions_empty(score, protocol):
    truth = np.ones((12, 96, 160), np.uint8)
    prediction = truth.copy()
    prediction[1:6] = 0
    assert score(truth, prediction, protocol)[0] == {1: (0.5, 1)}


def test_decay_of_300_frames_is_nan_in_compatible_mode_only(score, truth, prediction):
    long = np.arange(300) % 12
    _, fixed = score(truth[long], prediction[long], "davis2017")
    _, compatible = score(truth[long], prediction[long], "davis2017", decay="compatible")
    assert fixed.scores["J_decay"] == pytest.approx(0, abs=1e-9)
    assert np.isnan(compatible.scores["J_decay"]) and compatible.to_json()["global"]["J_decay"] is None
    assert "J_decay" in fixed.warnings[-1] and "instead of nan" in fixed.warnings[-1]
    assert compatible.warnings == ()
    assert fixed.scores["J_mean"] == compatible.scores["J_mean"]


def test_masks_of_0_and_255_need_davis2016(score, truth, prediction):
    truth, prediction = ((labels > 0) * np.uint8(255) for labels in (truth, prediction))
    with pytest.raises(Refusal, match="holds no object but 255.*use davis2016"):
        score(truth, prediction, "davis2017")
    assert score(truth, prediction, "vos-benchmark")[0] == {255: MOVED}
    assert score(truth, (prediction > 0).astype(np.uint8), "davis2016")[0] == {1: MOVED}
