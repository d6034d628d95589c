"""Only finished trials are read, with the record of each."""

import json
from pathlib import Path

import pytest

from qpm.report.load import load, load_rows, published, settings, study_folder


def test_the_rows_of_all_finished_trials_come_as_one_table(study_dir, rows):
    loaded = load_rows(study_dir)
    key = ["case", "seed", "sequence", "object_id", "frame"]
    assert len(loaded) == len(rows)
    assert loaded.sort_values(key).j.tolist() == rows.sort_values(key).j.tolist()


@pytest.mark.parametrize("status", ["failed", "running", "superseded", "killed"])
def test_a_trial_that_is_not_finished_does_not_count(study_dir, status):
    path = sorted(study_dir.glob("trials/qpm-*/trial.json"))[0]
    path.write_text(json.dumps(json.loads(path.read_text()) | {"status": status}))
    assert "qpm" not in set(load_rows(study_dir).case)


def test_a_trained_network_has_no_rows_and_is_left_out(study_dir):
    (study_dir / "trials" / "qpm-000000000000" / "rows.parquet").unlink()
    assert "qpm" not in set(load_rows(study_dir).case)


def test_a_study_without_results_says_so(tmp_path):
    with pytest.raises(FileNotFoundError, match="no finished trial under .*run the study first"):
        load(tmp_path)


def test_a_setting_is_found_wherever_the_policy_keeps_it():
    policy = {
        "shelves": [{"keep": {"rule": "all_of", "rules": [{"sigma_m": 0.6}]}}],
        "prior": {"sigma_m": None},
    }
    assert settings(policy, "sigma_m") == [0.6]
    assert settings({}, "sigma_m") == []


def test_published_numbers_beside_the_study_come_first(tmp_path):
    (tmp_path / "published").mkdir()
    (tmp_path / "published" / "table2.csv").write_text("row,overall\nbaseline,0.5\n")
    assert published(tmp_path / "study", "table2").overall.tolist() == [0.5]
    assert len(published(tmp_path / "elsewhere" / "study", "table2")) == 4
    with pytest.raises(FileNotFoundError, match=r"table9\.csv is in none of"):
        published(tmp_path, "table9")


def test_a_study_is_found_from_the_folder_of_the_notebooks_where_jupyter_works(study_dir, monkeypatch):
    notebooks = study_dir.parent.parent / "notebooks"
    notebooks.mkdir()
    monkeypatch.chdir(notebooks)
    assert len(load(Path("results/fabricated")).rows) == len(load(study_dir).rows) > 0
    monkeypatch.chdir(study_dir.parent.parent)
    assert study_folder(Path("results/fabricated")) == Path("results/fabricated")
