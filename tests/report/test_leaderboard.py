"""Table 1: as printed, and below the rule what was measured."""

import datetime
from pathlib import Path

import pandas as pd
import pytest

from qpm.metrics import summary
from qpm.metrics.server_scores import import_scores
from qpm.report import leaderboard
from qpm.report.load import Results, load, published
from qpm.report.render import render
from tests.report.conftest import make_study

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
    assert table.cells.Team[list(table.bold)].tolist() == ["Ours (QPM, printed)", "QPM (measured here)"]
    assert table.rules == (7,)


def answer(folder, case="qpm", overall=0.842):
    """Keep a server's answer for a case of a study."""
    parts = {"J_seen": 0.816, "J_unseen": 0.799, "F_seen": 0.87, "F_unseen": 0.881}
    lines = {"Overall": overall} | parts
    (folder / "scores.txt").write_text("".join(f"{name}: {value}\n" for name, value in lines.items()))
    return import_scores(folder / "scores.txt", folder, case, "CodaLab 28987", datetime.date(2026, 11, 22))


@pytest.fixture
def unmeasured(tmp_path) -> Results:
    """A study of which nothing was run."""
    return load(tmp_path, required=False)


def test_the_printed_ranking_stands_alone_until_an_answer_is_imported(unmeasured):
    table = leaderboard.table(unmeasured)
    assert table.cells.iloc[-1].tolist() == ["QPM (measured here)", "", "", "", "", ""]
    assert "no server's answer was imported" in table.caption
    assert "Checked: every Overall is the mean of its four columns" in table.caption


def test_an_imported_answer_fills_the_measured_row_and_says_where_it_is_from(unmeasured):
    told = answer(unmeasured.folder)
    table = leaderboard.table(unmeasured)
    assert table.cells.iloc[-1].tolist() == ["QPM (measured here)", "0.842", "0.816", "0.799", "0.870", "0.881"]
    assert told.origin in table.caption
    assert table.numbers.source.iloc[-1] == told.origin
    assert "other data" not in table.caption


def test_a_server_s_answer_goes_before_what_was_measured_here(results):
    answer(results.folder)
    assert leaderboard.table(results).numbers.overall.iloc[-1] == 0.842


def test_an_overall_that_is_not_the_mean_is_named():
    spoilt = PAPER.assign(overall=PAPER.overall.where(PAPER.team != "cncyww", 0.9))
    said = leaderboard.check(leaderboard.prepare(load(Path("nowhere"), required=False).rows, spoilt))
    assert said == "Not the mean of its four columns: cncyww 0.900 (mean 0.8390)."


def test_the_figure_has_a_line_for_every_row_that_has_numbers(unmeasured):
    numeric = leaderboard.table(unmeasured).numbers
    axes = leaderboard.figure(numeric).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        *("wenhaowang", "hkchengrex", "testing-gg", "Ours (QPM, printed)", "cncyww", "cheng321284", "PixelKitty")
    ]


def test_a_study_without_trials_renders_its_ranking(tmp_path):
    study = make_study()
    study.report, study.baseline = ("leaderboard",), None
    files = {path.name for path in render(tmp_path / "table1", study)}
    assert {"table1.md", "table1.tex", "table1.csv", "leaderboard.png", "leaderboard.pdf", "index.html"} <= files
