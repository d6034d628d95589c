"""The figures about the score, on cases where the answer is known."""

import numpy as np
import pandas as pd
import pytest

from qpm.report import calibration, score_quality, style
from qpm.report.load import NotMeasuredError


def scored(score, iou, video="a", raw=None):
    """Rows of one video with a score and an IoU per frame; the first frame is given."""
    count = len(score)
    return pd.DataFrame(
        {
            "case": "qpm", "dataset": "d", "sequence": video, "object_id": 1, "frame_index": np.arange(count) + 1,
            "annotated": False, "scored": True, "present": pd.array([True] * count, "boolean"), "j": iou,
            "score": score, "score_raw": score if raw is None else raw,
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


def test_a_case_without_score_is_not_calibrated(results):
    rows = results.rows.assign(score=np.nan, score_raw=np.nan)
    with pytest.raises(NotMeasuredError, match="'qpm' has no predicted score"):
        calibration.report(type(results)(results.folder, rows, results.trials))


def test_the_gates_are_told_in_shares():
    rows = scored([0.9, 0.8, 0.75, 0.3], [0.9, 0.8, 0.4, 0.9])
    assert calibration.gate_sentence(rows, "qpm", [0.7]) == (
        "score > 0.7 keeps 75 %, of which 33 % have IoU < 0.5, and drops 33 % of the good."
    )


def test_the_table_names_the_policy_only_where_there_are_several(rows):
    one = score_quality.quality_table(score_quality.prepare(rows, ["qpm"]), "").cells
    two = score_quality.quality_table(score_quality.prepare(rows, ["qpm", "stm"]), "").cells
    assert "Policy" not in one and two.Policy.unique().tolist() == ["QPM", "STM"]
    assert one.Score.tolist() == ["raw", "raw", "relative", "relative"]


def test_the_figure_has_its_panels_and_the_files_are_written(results):
    section = calibration.report(results)
    assert {path.suffix for path in section.files} == {".png", ".pdf", ".txt", ".md", ".tex", ".csv"}
    with style.theme():
        drawing = calibration.figure(results)
    assert [ax.get_title(loc="left") for ax in drawing.axes][::3] == [
        "a  score and IoU",
        "c  risk and coverage",
    ]
