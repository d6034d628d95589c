"""Paired differences against scipy and statsmodels where they apply, and against enumeration by hand."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from qpm.metrics import resampling, statistics


def rows_of(scores, case, seed=0, seen=None):
    """One frame per object; `scores` maps a video to the J of its objects, F is the same."""
    return pd.DataFrame(
        [
            {"case": case, "seed": seed, "sequence": video, "object_id": k + 1, "frame_index": 1, "scored": True,
             "j": j, "f": j, "seen": None if seen is None else seen(video, k + 1)}
            for video, values in scores.items()
            for k, j in enumerate(values)
        ]
    )  # fmt: skip


def random_scores(videos, objects=1, seed=0, shift=0.0):
    generator = np.random.default_rng(seed)
    return {f"v{k:02d}": np.clip(generator.random(objects) + shift, 0, 1) for k in range(videos)}


def two_cases(videos=20, **settings):
    return pd.concat(
        [
            rows_of(random_scores(videos, seed=1), "base"),
            rows_of(random_scores(videos, seed=2, **settings), "new"),
        ]
    )


def test_a_video_with_more_objects_weighs_more():
    rows = pd.concat(
        [rows_of({"v": [0.5] * 4, "w": [0.5]}, "base"), rows_of({"v": [0.6] * 4, "w": [0.9]}, "new")]
    )
    result = statistics.paired(rows, "new", "base")
    assert result.difference == pytest.approx((4 * 0.1 + 0.4) / 5)
    assert (result.n_videos, result.n_objects, result.n_seeds) == (2, 5, 1)
    assert (result.case_score, result.baseline_score) == pytest.approx((0.66, 0.5))


def test_cases_that_are_alike_differ_by_nothing_for_sure():
    rows = pd.concat([rows_of(random_scores(8), "base"), rows_of(random_scores(8), "new")])
    result = statistics.paired(rows, "new", "base")
    assert (result.difference, result.low, result.high, result.se, result.p) == (0, 0, 0, 0, 1)
    assert (result.win, result.tie, result.loss) == (0, 8, 0)


def test_swapping_the_cases_turns_the_sign_and_nothing_else():
    rows = two_cases()
    one, other = statistics.paired(rows, "new", "base"), statistics.paired(rows, "base", "new")
    assert (one.difference, one.low, one.high) == pytest.approx((-other.difference, -other.high, -other.low))
    assert (one.p, one.se, one.win) == pytest.approx((other.p, other.se, other.loss))


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_interval_is_that_of_scipy_where_each_video_has_one_object(method):
    rows = two_cases(40)
    result = statistics.paired(rows, "new", "base", "J", resamples=20000, method=method)
    j = rows.pivot(index="sequence", columns="case", values="j")
    scipy = stats.bootstrap(
        ((j.new - j.base).to_numpy(),),
        np.mean,
        n_resamples=20000,
        method=method,
        rng=np.random.default_rng(5),
    )
    assert (result.low, result.high) == pytest.approx(tuple(scipy.confidence_interval), abs=0.006)
    assert result.se == pytest.approx(scipy.standard_error, rel=0.03)


def test_bca_follows_a_skewed_sample_as_scipy_does():
    skewed = np.random.default_rng(0).exponential(size=25) ** 2
    sums, counts = skewed[:, None], np.ones((25, 1))
    draws = resampling.bootstrap(sums, counts, 50000)
    low, high = resampling.interval(sums, counts, draws, method="bca")
    scipy = stats.bootstrap((skewed,), np.mean, n_resamples=50000, method="BCa", rng=np.random.default_rng(1))
    assert (low, high) == pytest.approx(tuple(scipy.confidence_interval), rel=0.03)
    assert low > resampling.interval(sums, counts, draws)[0] + 0.05


def test_sign_flip_p_is_exact_for_few_videos():
    values = np.random.default_rng(2).normal(0.3, 1, 9)
    by_hand = [abs(np.dot(signs, values)) for signs in itertools.product([-1, 1], repeat=9)]
    expected = np.mean(np.array(by_hand) >= abs(values.sum()) - 1e-12)
    assert resampling.sign_flip_p(values) == expected
    scipy = stats.permutation_test(
        (values, np.zeros(9)), lambda a, b: np.sum(a - b), permutation_type="samples", n_resamples=np.inf
    )
    assert resampling.sign_flip_p(values) == pytest.approx(scipy.pvalue)


def test_sign_flip_p_of_many_videos_is_near_the_t_test_for_normal_values():
    values = np.random.default_rng(4).normal(0.25, 1, 60)
    assert resampling.sign_flip_p(values, 50000) == pytest.approx(
        stats.ttest_1samp(values, 0).pvalue, abs=0.01
    )


def test_p_holds_its_level_when_the_cases_are_alike():
    generator = np.random.default_rng(6)
    p = [resampling.sign_flip_p(generator.normal(size=10)) for _ in range(400)]
    assert np.mean(np.array(p) <= 0.05) == pytest.approx(0.05, abs=0.03)


def test_with_five_videos_nothing_can_be_significant_and_the_note_says_so():
    rows = pd.concat(
        [rows_of(dict.fromkeys("abcde", [0.1]), "base"), rows_of(dict.fromkeys("abcde", [0.9]), "new")]
    )
    result = statistics.paired(rows, "new", "base")
    assert result.p == result.smallest_p == 1 / 16
    assert result.note.startswith("n = 5 videos: the smallest possible p is 0.0625")
    assert statistics.paired(two_cases(6), "new", "base").note == ""


def test_one_video_gives_a_difference_and_no_interval():
    rows = pd.concat([rows_of({"v": [0.1, 0.2]}, "base"), rows_of({"v": [0.9, 0.2]}, "new")])
    result = statistics.paired(rows, "new", "base")
    assert result.difference == pytest.approx(0.4)
    assert np.isnan([result.low, result.high, result.se]).all()
    assert result.p == 1


def seen(video, object_id):
    return int(video[1:]) % 3 != 0


def test_g_is_computed_in_every_resample_by_its_own_rule():
    base, new = random_scores(12, objects=2, seed=1), random_scores(12, objects=2, seed=2, shift=0.1)
    rows = pd.concat([rows_of(base, "base", seen=seen), rows_of(new, "new", seen=seen)])
    result = statistics.paired(rows, "new", "base", resamples=300)
    assert result.metric == "G"
    assert result.case_score == pytest.approx(statistics.summary.youtube(rows[rows.case == "new"])["overall"])

    names = sorted(base)
    picks = np.random.default_rng(0).multinomial(12, np.full(12, 1 / 12), size=300)
    draws = []
    for counts in picks:
        drawn = [(name, copy) for name, count in zip(names, counts, strict=True) for copy in range(count)]
        score = {}
        for case, scores in (("new", new), ("base", base)):
            kinds = {
                flag: [s for name, _ in drawn for s in scores[name] if seen(name, 1) == flag]
                for flag in (0, 1)
            }
            score[case] = np.mean([np.mean(kinds[flag]) if kinds[flag] else np.nan for flag in (0, 1)])
        draws.append(score["new"] - score["base"])
    low, high = np.nanquantile(draws, [0.025, 0.975])
    assert (result.low, result.high) == pytest.approx((low, high))


def test_g_needs_unseen_objects():
    with pytest.raises(
        ValueError, match="G needs objects of seen and of unseen categories; none is known as seen"
    ):
        statistics.paired(two_cases(), "new", "base", "G")


def test_the_same_seed_gives_the_same_numbers_and_another_one_others():
    rows = two_cases()
    first, again = (statistics.paired(rows, "new", "base", seed=3) for _ in range(2))
    assert first == again
    assert statistics.paired(rows, "new", "base", seed=4).low != first.low


def test_seeds_are_paired_and_stay_with_their_video():
    runs = [
        rows_of(random_scores(10, seed=10 * kind + run, shift=shift), case, seed=run)
        for kind, (case, shift) in enumerate([("base", 0), ("new", 0.2)])
        for run in range(3)
    ]
    result = statistics.paired(pd.concat(runs), "new", "base")
    assert (result.n_videos, result.n_objects, result.n_seeds) == (10, 10, 3)
    differences = statistics.video_differences(pd.concat(runs), "new", "base")
    assert result.difference == pytest.approx(differences.difference.mean())


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (lambda rows: rows[rows.sequence != "v03"], "only 'base' has v03 object 1 seed 0"),
        (lambda rows: rows.assign(seed=7), "only 'new' has v00 object 1 seed 7"),
        (lambda rows: rows.assign(scored=False), "case 'new' has no scored rows"),
        (lambda rows: pd.concat([rows, rows.assign(trial="t2")]), "more than one trial"),
    ],
)
def test_cases_that_do_not_cover_the_same_are_refused_with_what_is_missing(changed, message):
    rows = two_cases(5).assign(trial="t1")
    new = changed(rows[rows.case == "new"])
    with pytest.raises(ValueError, match=message):
        statistics.paired(pd.concat([rows[rows.case == "base"], new]), "new", "base")


def test_unequal_numbers_of_frames_are_not_the_same_coverage():
    rows = two_cases(3)
    more = rows[(rows.case == "new") & (rows.sequence == "v01")].assign(frame_index=2)
    with pytest.raises(ValueError, match=r"only 'new' has v01 object 1 seed 0 \(2 frames\)"):
        statistics.paired(pd.concat([rows, more]), "new", "base")


def test_an_unknown_case_or_metric_is_named():
    with pytest.raises(ValueError, match="unknown case 'bases'; did you mean 'base'"):
        statistics.paired(two_cases(), "new", "bases")
    with pytest.raises(ValueError, match="unknown metric 'JF'"):
        statistics.paired(two_cases(), "new", "base", "JF")


def test_holm_is_that_of_statsmodels_and_leaves_out_what_was_not_tested():
    p = [0.01, 0.04, 0.03, 0.2, 0.01]
    np.testing.assert_allclose(statistics.holm(p), multipletests(p, method="holm")[1])
    np.testing.assert_allclose(statistics.holm([0.01, np.nan, 0.04]), [0.02, np.nan, 0.04])


def test_every_case_is_compared_with_the_baseline_and_corrected_together():
    rows = pd.concat([two_cases(), rows_of(random_scores(20, seed=1, shift=0.3), "best")])
    table = statistics.compare(rows, "base")
    assert table.case.tolist() == ["new", "best"]
    np.testing.assert_array_equal(table.p_holm, statistics.holm(table.p))


def test_a_baseline_that_is_misspelt_is_named_with_its_nearest():
    with pytest.raises(ValueError, match="unknown case 'bass'; did you mean 'base'"):
        statistics.compare(two_cases(), "bass")


def test_videos_that_differ_most_come_first():
    rows = pd.concat(
        [rows_of({"a": [0.5], "b": [0.5, 0.5], "c": [0.5]}, "base"),
         rows_of({"a": [0.6], "b": [0.1, 0.1], "c": [0.5]}, "new")]
    )  # fmt: skip
    table = statistics.video_differences(rows, "new", "base")
    assert table.sequence.tolist() == ["b", "a", "c"]
    assert table.difference.tolist() == pytest.approx([-0.4, 0.1, 0])
    assert table.objects.tolist() == [2, 1, 1]
