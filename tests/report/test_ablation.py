"""Table 2: the paper's rows in the paper's order, our measured numbers beside them, the controls below."""

from pathlib import Path

import pandas as pd
import pytest

from qpm.report import ablation
from qpm.report.load import published

EMPTY = Path("nowhere")


@pytest.fixture(scope="module")
def paper() -> pd.DataFrame:
    return published(EMPTY, "table2")


@pytest.fixture(scope="module")
def table(rows, paper) -> pd.DataFrame:
    return ablation.prepare(rows, paper)


def test_the_printed_table_is_the_papers(paper):
    assert paper.overall.tolist() == [0.824, 0.836, 0.840, 0.852]
    assert paper[["assessment", "enhancement", "ensemble"]].sum(axis=1).tolist() == [0, 1, 2, 3]


def test_rows_stand_in_the_papers_order_and_controls_from_floor_to_ceiling(table):
    assert table.case.tolist()[:4] == ["stm", "quality_gated", "qpm", "ensemble"]
    below = table[table.control]
    assert set(below.case) == {"prior_only", "random_gate", "oracle_gate"}
    assert below.measured.is_monotonic_increasing


def test_paper_and_measured_never_mix(table):
    assert table[table.control].paper.isna().all()
    ensemble = table[table.case == "ensemble"].iloc[0]
    assert ensemble.paper == 0.852 and pd.isna(ensemble.measured) and pd.isna(ensemble.n_videos)


def test_an_unmeasured_cell_prints_as_nothing(table):
    cells = ablation.table2(table, "").cells
    ensemble = cells.iloc[3]
    assert ensemble[""] == "+ ensemble" and ensemble["Paper"] == "0.852"
    assert ensemble[["Measured G", "Difference [95 %]", "p", "Kept", "Bank", "n", "Seeds"]].eq("").all()


def test_the_baseline_has_a_level_and_no_difference(table):
    baseline = ablation.table2(table, "").cells.iloc[0]
    assert baseline[""] == "baseline (STM)" and baseline["Measured G"] != ""
    assert baseline["Difference [95 %]"] == baseline["p"] == ""


def test_check_marks_stand_where_the_paper_has_them(table):
    cells = ablation.table2(table, "").cells
    assert cells["Assess."].tolist()[:4] == ["", "✓", "✓", "✓"]
    assert cells["Ens."].tolist()[:4] == ["", "", "", "✓"]


def test_a_study_may_name_its_own_case_for_a_row(rows, paper):
    table = ablation.prepare(rows, paper, {"+ enhancement": "prior_only"}, controls=())
    assert table.case.tolist() == ["stm", "quality_gated", "prior_only", "ensemble"]
    assert table.measured.notna().tolist() == [True, True, True, False]


def test_the_caption_says_what_was_measured_and_what_may_not_be_compared(results):
    caption = ablation.table(results).caption
    for words in (
        "built-in synthetic videos (val): 8 videos",
        "Weights: half",
        "if the score is above σm = 0.7 (quality gated, QPM)",
        "Prior: the previous mask if its score is above σen = 0.65, else the given one (QPM).",
        "J&F would weigh all objects alike",
        "must not be compared in absolute terms",
        "not measured (+ ensemble)",
        "random gate 3",
        "8 videos are too few",
    ):
        assert words in caption


def test_the_report_is_three_files(results):
    section = ablation.report(results)
    assert [path.name for path in section.files] == ["table2.md", "table2.tex", "table2.csv"]
    numbers = pd.read_csv(results.folder / "table2.csv")
    assert numbers.paper.tolist()[:4] == [0.824, 0.836, 0.840, 0.852]
    assert {"difference", "low", "high", "p_holm", "n_videos", "kept_share", "bank_frames"} <= set(numbers)
