"""Another method's scores, judged by the same figures."""

import numpy as np
import pytest

from qpm.report import calibration
from qpm.report.outside_scores import with_scores
from qpm.report.score_samples import samples


def written(path, rows, **columns):
    """A CSV about some rows."""
    rows[["sequence", "frame", "object_id"]].assign(**columns).to_csv(path, index=False)
    return path


def test_a_csv_becomes_a_case_with_relative_scores_and_the_masks_of_another(rows, tmp_path):
    own = rows[rows.case == "stm"]
    path = written(tmp_path / "other.csv", own, score=np.where(own.annotated, 0.8, 0.4))
    points = samples(with_scores(rows, path, "stm"), "other", "score")
    assert points.score.unique().tolist() == [pytest.approx(0.5)]
    assert points.iou.tolist() == samples(rows, "stm", "score").iou.tolist()


def test_a_csv_with_its_own_iou_is_judged_by_that_and_by_the_masks_it_scores(rows, tmp_path):
    own = rows[(rows.case == "stm") & (rows.sequence == "video00")]
    path = written(tmp_path / "other.csv", own, score=0.5, iou=0.25)
    points = samples(with_scores(rows, path, "stm"), "other", "score_raw")
    assert points.iou.unique().tolist() == [0.25] and points.video.unique().tolist() == ["synthetic/video00"]


def test_without_a_score_where_the_object_was_given_only_the_raw_score_is_judged(rows, results, tmp_path):
    own = rows[(rows.case == "stm") & ~rows.annotated]
    path = written(tmp_path / "other.csv", own, score=own.iou_true)
    both = with_scores(rows, path, "stm")
    assert samples(both, "other", "score").empty
    section = calibration.report(type(results)(results.folder, both, results.trials), "other")
    assert "raw score" in section.parts[1].caption


def test_a_csv_that_does_not_fit_says_what_is_wrong(rows, tmp_path):
    own = rows[rows.case == "stm"].head(3)
    with pytest.raises(ValueError, match=r"lacks the columns \['score'\]"):
        with_scores(rows, written(tmp_path / "a.csv", own, quality=1), "stm")
    with pytest.raises(ValueError, match="3 masks that case 'stm' has not, such as elsewhere frame 00000"):
        with_scores(rows, written(tmp_path / "b.csv", own.assign(sequence="elsewhere"), score=1), "stm")
    with pytest.raises(ValueError, match="iou must lie in"):
        with_scores(rows, written(tmp_path / "c.csv", own, score=1, iou=2), "stm")
    with pytest.raises(ValueError, match="no case 'sam' in the rows; cases: stm"):
        with_scores(rows, tmp_path / "c.csv", "sam")
