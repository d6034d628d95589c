"""Score quality against scipy and scikit-learn on the same arrays, and against small cases done by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from qpm.metrics import calibration


@pytest.fixture
def noisy():
    """500 samples of 10 videos: the score follows the IoU with noise."""
    generator = np.random.default_rng(3)
    iou = generator.beta(3, 1, 500)
    score = np.clip(iou + generator.normal(0, 0.2, 500), 0, 1.3)
    return score, iou, np.repeat([f"v{k}" for k in range(10)], 50)


def rows_of(score, iou, sequence="v", **fixed):
    table = pd.DataFrame({"score": score, "score_raw": score, "j": iou, "frame_index": range(len(iou))})
    defaults = {"case": "a", "dataset": "d", "sequence": sequence, "object_id": 1, "scored": True, "annotated": False,
                "present": True}  # fmt: skip
    return table.assign(**(defaults | fixed))


def test_any_rising_score_has_rank_correlation_one_and_no_excess_risk(noisy):
    iou = noisy[1]
    assert calibration.spearman(iou**3, iou) == pytest.approx(1)
    assert calibration.auroc(iou**3, iou) == 1
    assert calibration.excess_aurc(iou**3, iou) == 0


def test_measures_of_one_kind_only_are_undefined_and_not_a_number():
    same = np.full(4, 0.9)
    assert np.isnan(calibration.spearman(same, np.array([0.1, 0.2, 0.3, 0.4])))
    assert np.isnan(calibration.auroc(np.array([0.1, 0.2, 0.3, 0.4]), same))


def test_auroc_asks_whether_failures_score_lower(noisy):
    score, iou, _ = noisy
    assert calibration.auroc(score, iou, 0.7) == pytest.approx(roc_auc_score(iou >= 0.7, score))
    assert calibration.average_precision(score, iou, 0.7) > np.mean(iou < 0.7)
    tied = score.round(1)
    assert calibration.auroc(tied, iou, 0.7) == pytest.approx(roc_auc_score(iou >= 0.7, tied), abs=1e-12)


def test_a_video_counts_once_in_the_mean_over_videos_and_not_where_undefined():
    score = np.array([1, 2, 3, 2, 1, 5, 5.0])
    iou = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7])
    video = np.array(["up", "up", "up", "down", "down", "flat", "flat"])
    assert calibration.per_video(calibration.spearman, score, iou, video) == pytest.approx((1 - 1) / 2)


def test_reliability_bins_hold_every_sample_and_keep_the_means(noisy):
    score, iou, _ = noisy
    for by in ("width", "count"):
        table = calibration.reliability(score, iou, bins=7, by=by)
        assert table["count"].sum() == 500
        assert np.nansum(table.iou * table["count"]) / 500 == pytest.approx(iou.mean())
        assert np.nansum(table.score * table["count"]) / 500 == pytest.approx(score.mean())


def test_a_relative_score_above_one_counts_in_the_last_bin():
    table = calibration.reliability(np.array([1.2, 0.95, -0.1]), np.array([1.0, 0.9, 0.0]), bins=10)
    assert table["count"].tolist() == [1, 0, 0, 0, 0, 0, 0, 0, 0, 2]


def test_calibration_error_of_a_score_that_is_always_too_high_by_a_tenth():
    iou = np.linspace(0, 0.85, 200)
    assert calibration.calibration_error(iou + 0.1, iou) == pytest.approx(0.1)
    assert calibration.calibration_error(iou, iou) == 0


def test_recalibration_learns_from_other_videos_only(noisy):
    score, iou, video = noisy
    expected = calibration.recalibrate(score, iou, video)
    spoilt = np.where(video == "v3", 1 - iou, iou)
    again = calibration.recalibrate(score, spoilt, video)
    np.testing.assert_array_equal(again[video == "v3"], expected[video == "v3"])
    assert not np.array_equal(again[video == "v4"], expected[video == "v4"])
    assert np.abs(expected - iou).mean() < np.abs(score - iou).mean()
    assert np.isnan(calibration.recalibrate(score, iou, np.full(500, "one"))).all()


def test_risk_of_the_best_scored_share_by_hand():
    curve = calibration.risk_coverage(np.array([0.2, 0.9, 0.5]), np.array([0.0, 1.0, 0.4]))
    assert curve.coverage.tolist() == pytest.approx([1 / 3, 2 / 3, 1])
    assert curve.risk.tolist() == pytest.approx([0, 0.3, 1.6 / 3])
    assert calibration.aurc(np.array([0.2, 0.9, 0.5]), np.array([0.0, 1.0, 0.4])) == pytest.approx(
        (0.3 + 1.6 / 3) / 3
    )


@given(st.permutations(range(6)))
@settings(deadline=None)
def test_samples_of_one_score_have_no_order(order):
    score, iou = np.array([0.5, 0.5, 0.5, 0.9, 0.9, 0.1]), np.array([0.1, 0.9, 0.3, 0.8, 1.0, 0.2])
    assert calibration.aurc(score[order], iou[order]) == pytest.approx(calibration.aurc(score, iou))


def test_a_constant_score_risks_the_mean_at_every_coverage(noisy):
    iou = noisy[1]
    np.testing.assert_allclose(calibration.risk_coverage(np.ones(500), iou).risk, 1 - iou.mean())


def test_gate_is_strict_and_never_keeps_an_undefined_score():
    score, iou = np.array([0.7, 0.71, 0.9, np.nan, 0.2]), np.array([0.9, 0.8, 0.4, 0.9, 0.1])
    gate = calibration.gate_confusion(score, iou, sigma=0.7)
    assert gate == pytest.approx(
        {
            "kept": 2 / 5, "iou_kept": 0.6, "iou_dropped": 1.9 / 3, "bad_in_memory": 1 / 2, "bad_kept": 1 / 2,
            "good_lost": 2 / 3,
        }
    )  # fmt: skip


def test_only_scored_frames_with_a_score_and_without_a_given_mask_are_judged():
    rows = rows_of(
        [1.0, 0.8, np.nan, 0.6],
        [1.0, 0.7, 0.5, 0.3],
        annotated=[True, False, False, False],
        scored=[1, 1, 1, 0],
    )
    assert calibration.samples(rows)[["score", "iou"]].values.tolist() == [[0.8, 0.7]]


def test_frames_where_nobody_sees_the_object_can_be_left_out():
    rows = rows_of([0.9, 0.8, 0.7], [1.0, 1.0, 0.0], present=[True, False, False])
    assert len(calibration.samples(rows)) == 3
    assert calibration.samples(rows, empty_union=False).score.tolist() == [0.9, 0.7]


def test_table_has_a_row_per_case_score_and_treatment_of_empty_frames(noisy):
    score, iou, video = noisy
    rows = rows_of(score, iou, sequence=video)
    rows.loc[::10, ["present", "j"]] = [False, 1.0]
    table = calibration.calibration_table(pd.concat([rows, rows.assign(case="b", score=np.nan)]))
    assert table[["case", "score", "empty_union", "n"]].values.tolist() == [
        ["a", "score_raw", True, 500], ["a", "score_raw", False, 450], ["a", "score", True, 500],
        ["a", "score", False, 450], ["b", "score_raw", True, 500], ["b", "score_raw", False, 450],
    ]  # fmt: skip
    first = table.iloc[1]
    kept = np.arange(500) % 10 != 0
    assert first.spearman == pytest.approx(calibration.spearman(score[kept], iou[kept]))
    assert first.failed == np.mean(iou[kept] < 0.5)
    assert first.mae_recalibrated < first.mae
    assert first.videos == 10


def test_an_unknown_score_is_named():
    with pytest.raises(ValueError, match="rows have no score 'quality'"):
        calibration.samples(rows_of([0.5], [0.5]), "quality")
