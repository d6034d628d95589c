"""Scores of a set from its rows: small tables whose answers are worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from qpm.metrics import summary


def rows_of(values, *, case="a", seed=0, sequence="v", object_id=1, **fixed):
    """Rows of one object from its J values; F is half of J."""
    return pd.DataFrame(
        {
            "case": case, "seed": seed, "sequence": sequence, "object_id": object_id, "frame_index": range(len(values)),
            "scored": True, "j": values, "f": [value / 2 for value in values],
        }
    ).assign(**fixed)  # fmt: skip


def test_every_object_weighs_the_same_whatever_its_video_or_length():
    rows = pd.concat(
        [
            rows_of([1.0, 1.0], sequence="v", object_id=1),
            rows_of([0.4] * 10, sequence="v", object_id=2),
            rows_of([0.1], sequence="w", object_id=1),
        ]
    )
    scores = summary.davis(rows)
    assert scores["J_mean"] == pytest.approx((1 + 0.4 + 0.1) / 3)
    assert scores["F_mean"] == pytest.approx(scores["J_mean"] / 2)
    assert scores["J&F"] == pytest.approx(0.75 * scores["J_mean"])


def test_rows_that_are_not_scored_do_not_count():
    rows = rows_of([1.0, 0.5, 0.5, 0.0])
    rows["scored"] = [False, True, True, False]
    table = summary.objects(rows)
    assert table[["j_mean", "frames"]].values.tolist() == [[0.5, 2]]


def test_recall_counts_frames_strictly_above_one_half():
    assert summary.objects(rows_of([0.5, 0.5 + 1e-12, 0.9, 0.1])).j_recall.item() == 0.5


@pytest.mark.parametrize(
    ("frames", "first", "last"), [(38, (0, 9), (28, 37)), (102, (0, 25), (76, 101)), (3, (0, 1), (2, 2))]
)
def test_decay_compares_the_first_quarter_with_the_last_bounds_included(frames, first, last):
    values = np.random.default_rng(0).random(frames)
    expected = values[first[0] : first[1] + 1].mean() - values[last[0] : last[1] + 1].mean()
    assert summary.decay(values) == pytest.approx(expected)


def test_decay_of_one_frame_is_zero():
    assert summary.decay(np.array([0.7])) == 0


def test_decay_follows_the_frames_and_not_the_order_of_the_rows():
    rows = rows_of(np.linspace(1, 0, 40).tolist())
    assert (
        summary.objects(rows.sample(frac=1, random_state=0)).j_decay.item()
        == summary.objects(rows).j_decay.item()
    )
    assert summary.objects(rows).j_decay.item() > 0.7


def test_compatible_decay_repeats_the_published_overflow_beyond_256_frames():
    values = np.linspace(1, 0, 298)
    assert np.isnan(summary.decay(values, "compatible"))  # bound 297 wraps to 41, before 223
    assert summary.decay(values, "fixed") == pytest.approx(0.75, abs=0.01)
    assert summary.decay(values[:256], "compatible") == summary.decay(values[:256], "fixed")


def test_compatible_decay_can_be_a_number_that_is_wrong():
    values = np.linspace(1, 0, 400)  # bounds 299 and 399 wrap to 43 and 143
    assert summary.decay(values, "compatible") == pytest.approx(values[:101].mean() - values[43:144].mean())


def test_overall_of_youtube_vos_is_the_mean_of_four_columns():
    rows = pd.concat(
        [
            rows_of([0.8], object_id=1, seen=True),
            rows_of([0.6], object_id=2, seen=True),
            rows_of([0.2], object_id=3, seen=False),
            rows_of([0.9], object_id=4, seen=None),
        ]
    )
    scores = summary.youtube(rows)
    assert scores == pytest.approx(
        {
            "overall": (0.7 + 0.2 + 0.35 + 0.1) / 4,
            "J_seen": 0.7,
            "J_unseen": 0.2,
            "F_seen": 0.35,
            "F_unseen": 0.1,
        }
    )
    assert summary.overall(rows) == ("G", scores["overall"])


def test_without_unseen_categories_the_overall_number_is_j_and_f():
    rows = rows_of([0.8], seen=True)
    assert np.isnan(summary.youtube(rows)["overall"])
    assert summary.overall(rows) == ("J&F", pytest.approx(0.6))
    assert summary.overall(rows.drop(columns="seen"))[0] == "J&F"


def test_a_video_counts_in_each_of_its_attributes():
    rows = pd.concat(
        [
            rows_of([0.8], sequence="v", attributes="occlusion;blur"),
            rows_of([0.4], sequence="w", attributes="blur"),
            rows_of([0.1], sequence="x", attributes=""),
        ]
    )
    table = summary.per_attribute(rows).set_index("attribute")
    assert table.J_mean.to_dict() == pytest.approx({"blur": 0.6, "occlusion": 0.8})
    assert table.videos.to_dict() == {"blur": 2, "occlusion": 1}


def test_two_cases_are_never_averaged_into_one_number():
    rows = pd.concat([rows_of([0.8], case="a"), rows_of([0.2], case="b")])
    with pytest.raises(ValueError, match=r"2 cases, choose one: \['a', 'b'\]"):
        summary.davis(rows)


def test_nothing_scored_gives_nan_and_no_number():
    assert all(np.isnan(value) for value in summary.davis(rows_of([0.5], scored=False)).values())
