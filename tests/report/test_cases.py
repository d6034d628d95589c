"""One row per case: level, difference to the baseline, and what was kept."""

import pandas as pd
import pytest

from qpm.metrics import statistics, summary
from qpm.report import cases
from qpm.report.load import NotMeasuredError


def frame(case, video, index, j, memorized="", bank=1, seed=0, objects=1):
    """Rows of one frame; F equals J, so J&F is J."""
    return [
        {
            "case": case, "trial": f"{case}-{seed}", "seed": seed, "dataset": "d", "sequence": video,
            "object_id": k + 1,
            "seen": pd.NA, "frame": f"{index}", "frame_index": index, "annotated": index == 0, "scored": index > 0,
            "j": j, "f": j, "memorized": memorized, "bank_frames": bank, "seconds": 0.5,
        }
        for k in range(objects)
    ]  # fmt: skip


def two_cases() -> pd.DataFrame:
    rows = []
    for video, (low, high) in {"a": (0.4, 0.5), "b": (0.6, 0.7), "c": (0.8, 0.8)}.items():
        rows += frame("stm", video, 0, 1.0, "annotated") + frame("stm", video, 1, low, "previous", 2)
        rows += frame("qpm", video, 0, 1.0, "annotated") + frame("qpm", video, 1, high, "previous;long", 4)
    return pd.DataFrame(rows)


def test_each_case_has_its_level_and_its_paired_difference():
    table = cases.compare(two_cases(), "stm").set_index("case")
    assert table.measured.round(6).to_dict() == {"stm": 0.6, "qpm": pytest.approx(2.0 / 3)}
    assert table.loc["qpm", "difference"] == pytest.approx(0.2 / 3)
    assert table.loc["qpm", ["win", "tie", "loss"]].tolist() == [2, 1, 0]
    assert table.loc["stm", ["difference", "low", "high", "p", "p_holm"]].isna().all()
    assert table.n_videos.tolist() == [3, 3] and table.n_seeds.tolist() == [1, 1]


def test_the_interval_and_p_are_those_of_the_statistics():
    rows = two_cases()
    table, paired = cases.compare(rows, "stm").set_index("case"), statistics.paired(rows, "qpm", "stm", "J&F")
    assert table.loc["qpm", ["low", "high", "p"]].tolist() == [paired.low, paired.high, paired.p]


def test_a_frame_counts_once_as_kept_and_the_previous_frame_is_no_decision():
    rows = frame("x", "a", 0, 1.0, "annotated")
    rows += frame("x", "a", 1, 0.5, "previous;long", bank=2, objects=3)
    rows += frame("x", "a", 2, 0.5, "previous", bank=3)
    rows += frame("x", "a", 3, 0.5, "", bank=4) + frame("x", "a", 4, 0.5, "recent", bank=3)
    use = cases.memory_use(pd.DataFrame(rows)).set_index("case").loc["x"]
    assert use.kept_share == 2 / 4  # of the four frames whose mask was not given
    assert use.bank_frames == 3.0 and use.seconds == 0.5


def test_the_seeds_of_a_random_control_are_averaged_and_their_spread_is_told():
    rows = two_cases()
    draws = [rows[rows.case == "qpm"].assign(case="random_gate", trial=f"r{k}", seed=k) for k in (0, 1)]
    draws[1] = draws[1].assign(j=draws[1].j - 0.1, f=draws[1].f - 0.1)
    table = cases.compare(pd.concat([rows, *draws], ignore_index=True), "stm").set_index("case")
    assert table.loc["random_gate", "n_seeds"] == 2
    assert table.loc["random_gate", "measured"] == pytest.approx(2 / 3 - 0.05)
    assert table.loc["random_gate", "spread"] == pytest.approx(0.1 / 2**0.5)
    assert table.loc["random_gate", "difference"] == pytest.approx(0.2 / 3 - 0.05)
    assert pd.isna(table.loc["qpm", "spread"])


def test_a_baseline_of_several_seeds_is_compared_on_the_shared_ones():
    rows = two_cases()
    more = rows[rows.case == "stm"].assign(seed=1, trial="stm-1", j=0.0, f=0.0)
    table = cases.compare(pd.concat([rows, more], ignore_index=True), "stm").set_index("case")
    assert table.loc["qpm", "difference"] == pytest.approx(0.2 / 3)


def test_several_trainings_of_one_seed_are_averaged_like_seeds():
    rows = two_cases()
    again = rows.assign(trial=rows.trial + "-again", j=rows.j - 0.1, f=rows.f - 0.1)
    table = cases.compare(pd.concat([rows, again], ignore_index=True), "stm").set_index("case")
    assert table.n_seeds.tolist() == [2, 2]
    assert table.loc["stm", "measured"] == pytest.approx(0.55) and table.loc["stm", "spread"] > 0
    assert table.loc["qpm", "difference"] == pytest.approx(0.2 / 3)


def test_a_run_without_a_score_is_a_gap_and_not_left_out():
    rows = two_cases()
    empty = rows[rows.case == "qpm"].assign(seed=1, trial="qpm-1", scored=False)
    table = cases.compare(pd.concat([rows, empty], ignore_index=True), "stm").set_index("case")
    assert pd.isna(table.loc["qpm", "measured"]) and table.loc["qpm", "n_seeds"] == 2


def test_the_correction_counts_every_comparison_of_the_table():
    rows = two_cases()
    third = rows[rows.case == "qpm"].assign(case="quality_gated", trial="g")
    table = cases.compare(pd.concat([rows, third], ignore_index=True), "stm").set_index("case")
    assert table.loc["qpm", "p_holm"] == pytest.approx(min(1.0, 2 * table.loc["qpm", "p"]))


def test_the_metric_is_g_where_seen_and_unseen_are_both_there():
    rows = two_cases()
    assert summary.metric_name(rows) == "J&F"
    assert summary.metric_name(rows.assign(seen=rows.sequence == "a").astype({"seen": "boolean"})) == "G"


def test_a_baseline_that_was_not_run_is_named_with_the_cases_that_were():
    with pytest.raises(NotMeasuredError, match="baseline 'first_only'.*stm, qpm"):
        cases.compare(two_cases(), "first_only")
