"""A low score as an alarm for a failed mask."""

import pandas as pd
import pytest

from qpm.report import failures, style
from tests.report.test_calibration import scored


def test_curves_of_four_masks_are_those_of_a_hand_calculation():
    # alarms in the order of the score: 0.2 failed, 0.4 good, 0.6 failed, 0.8 good
    rows = scored([0.2, 0.4, 0.6, 0.8], [0.1, 0.9, 0.3, 0.9])
    table = failures.prepare_curves(rows, "qpm", ["score"]).query("tau == 0.5")
    roc = table[table.curve == "roc"]
    assert list(zip(roc.x, roc.y, strict=True)) == [(0, 0), (0, 0.5), (0.5, 0.5), (0.5, 1), (1, 1)]
    assert roc.area.iloc[0] == pytest.approx(0.75) and roc.base.iloc[0] == 0.5
    precision = table[table.curve == "pr"]
    assert (1.0, pytest.approx(2 / 3)) in list(zip(precision.x, precision.y, strict=True))
    assert precision.area.iloc[0] == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)


def test_a_threshold_that_no_mask_fails_has_no_curve():
    table = failures.prepare_curves(scored([0.5, 0.9], [0.6, 0.9]), "qpm", ["score"])
    assert table.tau.unique().tolist() == [0.7]


def test_a_gate_is_strict_and_its_four_shares_are_all_masks():
    table = failures.prepare_gates(scored([0.7, 0.8, 0.9, 0.1], [0.9, 0.2, 0.9, 0.1]), "qpm", [0.7, 0.65])
    assert table.iloc[0].to_dict() == {
        "gate": 0.7, "good kept": 0.25, "bad kept": 0.25, "good dropped": 0.25, "bad dropped": 0.25,
    }  # fmt: skip
    assert table["good kept"].tolist() == [0.25, 0.5]


def test_what_is_bad_and_kept_has_its_number_however_narrow():
    rows = scored([0.9] * 20, [0.9] * 19 + [0.1])
    with style.theme():
        ax = style.figure().subplots()
        failures.draw_gates(failures.prepare_gates(rows, "qpm", [0.7, 0.95]), ax)
    words = [text.get_text() for text in ax.texts]
    assert words == ["95 %", "bad kept 5 %", "bad kept 0 %", "95 %"]


def test_a_random_score_is_named_by_its_threshold():
    rows = scored([0.2, 0.4, 0.6, 0.8], [0.1, 0.6, 0.3, 0.9])
    with style.theme():
        ax = style.figure().subplots()
        failures.draw_curves(failures.prepare_curves(rows, "qpm"), ax, "pr")
    assert {text.get_text(): text.xy[1] for text in ax.texts} == {
        "random, IoU < 0.5": 0.5, "random, IoU < 0.7": 0.75,
    }  # fmt: skip


def test_the_raw_curve_is_broader_than_the_relative_one_that_may_lie_on_it():
    rows = scored([0.2, 0.4, 0.6, 0.8], [0.1, 0.6, 0.3, 0.9])
    with style.theme():
        ax = style.figure().subplots()
        failures.draw_curves(failures.prepare_curves(rows, "qpm"), ax, "roc")
    widths = {line.get_label()[:3]: line.get_linewidth() for line in ax.lines}
    assert widths["raw"] > 2 * widths["rel"]


def test_videos_stand_in_the_order_of_their_rank_correlation():
    rows = pd.concat(
        [scored([0.1, 0.2, 0.3], [0.7, 0.8, 0.9], "same"), scored([0.1, 0.2, 0.3], [0.9, 0.4, 0.1], "opposite"),
         scored([0.5, 0.5, 0.5], [0.1, 0.5, 0.9], "constant")]
    )  # fmt: skip
    table = failures.prepare_ranks(rows, "qpm")
    assert table.video.tolist() == ["opposite", "same"] and table.spearman.tolist() == [-1, 1]
    assert table.failed.tolist() == [pytest.approx(2 / 3), 0]


def test_a_score_that_never_fails_leaves_its_panels_empty():
    with style.theme():
        drawing = failures.figure(scored([0.9, 0.9], [0.9, 0.9]), "qpm", [0.7])
    assert [bool(ax.texts) and "undefined" in ax.texts[0].get_text() for ax in drawing.axes] == [1, 1, 0, 1]
