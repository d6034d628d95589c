"""The figures about the score, on cases where the answer is known."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from qpm.report import calibration, score_quality, style
from qpm.report.load import NotMeasuredError
from qpm.report.score_samples import COLOURS, kinds, samples, since_given


def scored(score, iou, video="a", raw=None):
    """Rows of one video with a score and an IoU per frame; the first frame is given."""
    count = len(score)
    return pd.DataFrame(
        {
            "case": "qpm", "dataset": "d", "sequence": video, "object_id": 1, "frame_index": np.arange(count) + 1,
            "annotated": False, "scored": True, "present": pd.array([True] * count, "boolean"), "j": iou,
            "score": score, "score_raw": score if raw is None else raw, "attributes": "", "area": 0.1,
        }
    )  # fmt: skip


def test_a_perfect_score_lies_on_the_diagonal_and_on_the_oracle():
    iou = np.linspace(0.05, 0.95, 19)
    rows = scored(iou, iou)
    bins = calibration.prepare_reliability(rows, "qpm", ["score"])
    filled = bins[bins["count"] > 0]
    assert filled.score.tolist() == pytest.approx(filled.iou.tolist())
    risk = calibration.prepare_risk(rows, "qpm", ["score"]).pivot(
        index="coverage", columns="kind", values="risk"
    )
    assert risk.score.tolist() == pytest.approx(risk.oracle.tolist())
    assert risk.random.nunique() == 1 and risk.random.iloc[0] == pytest.approx(1 - iou.mean())


def test_every_curve_ends_at_the_mean_risk(rows):
    risk = calibration.prepare_risk(rows, "qpm")
    ends = risk[risk.coverage == 1.0]
    assert set(ends.kind) == {"score_raw", "score", "oracle", "random"}
    assert ends.risk.round(9).nunique() == 1


def test_each_bin_holds_the_samples_of_its_width():
    bins = calibration.prepare_reliability(
        scored([0.05, 0.15, 0.15, 1.2], [0.1, 0.2, 0.4, 0.9]), "qpm", ["score"]
    )
    assert bins["count"].tolist() == [1, 2, 0, 0, 0, 0, 0, 0, 0, 1]
    assert bins.iou.tolist()[:2] == pytest.approx([0.1, 0.3])


def test_a_band_is_drawn_where_several_videos_have_samples_and_holds_their_mean():
    rows = pd.concat([scored([0.15, 0.55], [iou, 0.5], video) for video, iou in (("a", 0.1), ("b", 0.3))])
    rows = pd.concat([rows, scored([0.95], [0.9], "c")])
    bins = calibration.prepare_reliability(rows, "qpm", ["score"]).set_index("low").round(9)
    assert (bins.iou_low.iloc[1], bins.iou_high.iloc[1]) == (0.1, 0.3)  # both videos can be drawn alone
    assert (bins.iou_low.iloc[5], bins.iou_high.iloc[5]) == (0.5, 0.5)
    assert np.isnan(bins.iou_low.iloc[9]) and np.isnan(bins.iou_low.iloc[3])


def test_recalibration_learns_from_the_other_videos_alone():
    rows = pd.concat([scored([0.2, 0.8], [0.4, 0.6], "a"), scored([0.2, 0.8], [0.1, 0.9], "b")])
    table = samples(rows, "qpm", "recalibrated").set_index("video")
    assert table.score["d/a"].tolist() == pytest.approx([0.1, 0.9])
    assert table.score["d/b"].tolist() == pytest.approx([0.4, 0.6])


def test_one_video_alone_cannot_be_recalibrated():
    assert kinds(scored([0.2, 0.8], [0.4, 0.6]), "qpm") == ("score_raw", "score")


def test_time_counts_from_the_frame_where_an_object_was_given():
    rows = pd.concat([scored([1, 1, 1], [1, 1, 1], "a"), scored([1, 1], [1, 1], "b")], ignore_index=True)
    rows.loc[1, "annotated"] = True
    assert since_given(rows).tolist() == [-1, 0, 1, 0, 1]


def test_a_case_without_score_is_not_calibrated(results):
    rows = results.rows.assign(score=np.nan, score_raw=np.nan)
    with pytest.raises(NotMeasuredError, match="'qpm' has no predicted score"):
        calibration.report(type(results)(results.folder, rows, results.trials))


def test_the_gates_are_told_in_shares():
    rows = scored([0.9, 0.8, 0.75, 0.3], [0.9, 0.8, 0.4, 0.9])
    assert calibration.gate_sentence(rows, "qpm", [0.7]) == (
        "score > σm = 0.7 keeps 75 %, of which 33 % have IoU < 0.5, and drops 33 % of the good."
    )
    assert calibration.gate_sentence(rows, "qpm", [0.65]).startswith("score > σen = 0.65 keeps")
    assert calibration.gate_sentence(rows, "qpm", [0.6]).startswith("score > 0.6 keeps")


def test_the_table_holds_every_number_with_and_without_empty_unions():
    rows = scored([0.9, 0.9, 0.5, 0.1], [0.8, 0.6, 0.4, 1.0])
    rows.loc[3, "present"] = False  # IoU 1 by rule
    numeric = score_quality.prepare(rows, ["qpm"], [0.7]).set_index("measure")
    assert list(numeric) == ["qpm raw", "qpm raw *", "qpm relative", "qpm relative *"]
    whole, without = numeric["qpm relative"], numeric["qpm relative *"]
    assert (whole["samples"], without["samples"]) == (4, 3)
    assert whole["bias (score − IoU)"] == pytest.approx((0.1 + 0.3 + 0.1 - 0.9) / 4)
    assert without["root mean squared error"] == pytest.approx(np.sqrt((0.01 + 0.09 + 0.01) / 3))
    assert (whole["failed masks (IoU < 0.5)"], whole["failed masks (IoU < 0.7)"]) == (0.25, 0.5)
    assert whole["AUROC (IoU < 0.5)"] == pytest.approx(2 / 3) and without["AUROC (IoU < 0.5)"] == 1
    assert whole["false alarms where 95 % are found (IoU < 0.5)"] == pytest.approx(1 / 3)
    assert whole["risk of the best-scored 50 %"] == pytest.approx(0.3)
    assert (whole["score > σm = 0.7: kept"], whole["score > σm = 0.7: lost of the good"]) == (0.5, pytest.approx(1 / 3))


def test_the_order_of_recalibrated_scores_between_videos_is_left_empty(rows):
    numeric = score_quality.prepare(rows, ["qpm"]).set_index("measure")["qpm recalibrated"]
    assert np.isnan(numeric["Spearman"]) and np.isnan(numeric["excess AURC"])
    assert numeric["Spearman, mean over videos"] > 0 and numeric["calibration error (10 bins)"] < 0.1


def test_the_table_names_the_policy_only_where_there_are_several(rows):
    one = score_quality.quality_table(score_quality.prepare(rows, ["qpm"]), "").cells
    two = score_quality.quality_table(score_quality.prepare(rows, ["qpm", "stm"]), "").cells
    assert list(one)[:3] == ["Measure", "raw", "raw *"] and "STM: relative *" in two


def test_the_set_has_its_figures_and_rendering_again_changes_no_byte(results):
    section = calibration.report(results)
    files = [path for part in section.all() for path in part.files]
    assert {path.stem for path in files} == {"calibration", "residuals", "failures"}
    before = {path: path.read_bytes() for path in files}
    calibration.report(results)
    assert {path: path.read_bytes() for path in files} == before


def test_one_band_is_drawn_that_of_the_relative_score(results):
    bins = calibration.prepare_reliability(results.rows, "qpm")
    with style.theme():
        ax = style.figure().subplots()
        calibration.draw_reliability(bins, ax)
    assert [tuple(band.get_facecolor()[0][:3]) for band in ax.collections] == [to_rgb(COLOURS["score"])]


def test_each_gate_is_named_above_its_line_to_its_outer_side():
    points = samples(scored([0.9, 0.3], [0.9, 0.2]), "qpm", "score")
    with style.theme():
        ax = style.figure().subplots()
        calibration.draw_scatter(points, ax, (0.7, 0.65))
        alone = style.figure().subplots()
        calibration.draw_scatter(points, alone, (0.6,))
    assert {text.get_text(): (text.xy, text.get_ha()) for text in ax.texts} == {
        "$σ_m$": ((0.7, 1), "left"), "$σ_{en}$": ((0.65, 1), "right"),
    }  # fmt: skip
    gates = {line.get_xdata()[0]: line.get_linestyle() for line in ax.lines[1:]}
    assert gates == {0.7: "--", 0.65: ":"}  # as on the timeline
    assert [text.get_text() for text in alone.texts] == ["0.6"]


def test_the_captions_say_what_the_short_words_and_colours_mean(results):
    section = calibration.report(results).parts[0]
    for caption in (section.caption, section.table.caption):
        assert "Thresholds of the paper: σm of the memory gate, σen of the prior gate." in caption
    assert "AURC: area under the risk–coverage curve" in section.table.caption
    assert "the darker the more samples" in section.caption


def test_the_rank_correlation_stands_outside_the_density(results):
    with style.theme():
        drawing = calibration.figure(results)
    (place,) = [(ax, text) for ax in drawing.axes for text in ax.texts if text.get_text().startswith("ρ = ")]
    assert place[0].get_title(loc="left") == "a  score and IoU" and place[1].xy[0] > 1


def test_the_figure_has_its_panels(results):
    with style.theme():
        drawing = calibration.figure(results)
    titles = [ax.get_title(loc="left") for ax in drawing.axes if ax.get_title(loc="left")]
    assert titles == ["a  score and IoU", "b  reliability", "c  risk and coverage"]
