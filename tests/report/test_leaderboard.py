"""Table 1: as printed, and below the rule what was measured."""

from pathlib import Path

import pandas as pd
import pytest

from qpm.metrics import summary
from qpm.report import leaderboard
from qpm.report.load import published

PAPER = published(Path("nowhere"), "table1")
FOUR = ["j_seen", "j_unseen", "f_seen", "f_unseen"]


def test_each_printed_overall_is_the_mean_of_its_four_columns():
    assert (PAPER[FOUR].mean(axis=1) - PAPER.overall).abs().max() <= 0.001


def test_the_measured_row_is_the_youtube_summary_of_the_case(rows):
    table = leaderboard.prepare(rows, PAPER)
    own = table[table.measured].iloc[0]
    assert own.team == "QPM"
    assert own[list(leaderboard.COLUMNS)].to_dict() == pytest.approx(
        summary.youtube(rows[rows.case == "qpm"])
    )
    assert len(table) == len(PAPER) + 1


def test_data_without_seen_and_unseen_leave_the_measured_cells_empty(results):
    unknown = type(results)(
        results.folder, results.rows.assign(seen=pd.array([pd.NA] * len(results.rows), "boolean")), ()
    )
    table = leaderboard.table(unknown)
    assert table.cells.iloc[-1].tolist() == ["QPM (measured here)", "", "", "", "", ""]
    assert "do not say which categories were seen" in table.caption


def test_ours_is_bold_and_measured_stands_below_the_rule(results):
    table = leaderboard.table(results)
    assert table.cells.Team[list(table.bold)].tolist() == ["Ours (paper)", "QPM (measured here)"]
    assert table.rules == (7,)
