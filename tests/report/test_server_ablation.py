"""Table 2 on the paper's own data: printed rows, and a server's answers where they were imported."""

import pytest

from qpm.report import server_ablation
from qpm.report.load import load
from qpm.report.render import render
from tests.report.conftest import make_study
from tests.report.test_leaderboard import answer


def test_without_answers_only_the_paper_s_column_is_filled(tmp_path):
    table = server_ablation.table(load(tmp_path, required=False))
    assert table.cells.Paper.tolist() == ["0.824", "0.836", "0.840", "0.852"]
    assert table.cells["Gain (paper)"].tolist() == ["", "+0.012", "+0.016", "+0.028"]
    assert set(table.cells.Measured) == {""}
    assert "Empty until a server's answer is imported: baseline, + assessment" in table.caption


def test_answers_stand_in_the_rows_of_their_cases(tmp_path):
    answer(tmp_path, "stm")
    told = answer(tmp_path, "qpm", 0.8419)
    table = server_ablation.table(load(tmp_path, required=False))
    assert table.cells.Measured.tolist() == ["0.842", "", "0.842", ""]
    assert table.numbers.gain[2] == pytest.approx(-0.0001)
    assert table.cells["J unseen"].tolist() == ["0.799", "", "0.799", ""]
    assert f"+ enhancement: {told.origin}" in table.caption


def test_both_columns_are_drawn(tmp_path):
    answer(tmp_path, "stm")
    axes = server_ablation.figure(server_ablation.table(load(tmp_path, required=False)).numbers).axes[0]
    assert [line.get_label() for line in axes.lines] == ["paper", "measured"]
    assert [text.get_text() for text in axes.texts] == ["0.824", "0.836", "0.840", "0.852", "0.842"]


def test_a_study_without_trials_renders(tmp_path):
    study = make_study()
    study.report, study.baseline = ("server_ablation",), None
    names = {path.name for path in render(tmp_path / "table2", study)}
    assert {"table2.md", "table2.tex", "table2.csv", "server_ablation.png"} <= names
