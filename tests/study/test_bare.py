"""A training without MLflow leaves a record, and MLflow takes it in later."""

import json
import os

import pandas as pd
import pytest

from qpm.study import bare
from qpm.study.bare import import_run, recorded
from qpm.study.locks import Locked
from qpm.study.tracking import Tracker
from qpm.study.train import TrainTrial

SETTINGS = {
    "study": "trainings",
    "case": "tiny",
    "training": {"network": "tiny", "start": "scratch", "stages": [{"sources": [{"source": "synthetic", "videos": 1}],
                                                                    "shapes": [[2, 1]]}]},
}  # fmt: skip


@pytest.fixture
def trial() -> TrainTrial:
    return TrainTrial.model_validate(SETTINGS)


def log(folder, iterations):
    rows = [{"iteration": i, "loss": 1 / i, "val_J_and_F": 0.5 if i == 20 else float("nan")} for i in iterations]
    pd.DataFrame(rows).to_parquet(folder / "metrics.parquet")


def test_a_run_is_imported_once_and_then_what_is_new(trial, tmp_path):
    folder, results = tmp_path / "run", tmp_path / "results"
    with pytest.raises(KeyboardInterrupt), recorded(trial, folder):
        log(folder, [10, 20])
        raise KeyboardInterrupt("stopped by SIGTERM")
    run_id = import_run(folder, results)
    tracker = Tracker(results, "trainings")
    run = tracker.client.get_run(run_id)
    assert (run.info.status, run.data.tags["qpm.reason"]) == ("KILLED", "stopped by SIGTERM")
    assert run.data.params["training.network"] == "tiny" and run.data.metrics["val/J_and_F"] == 0.5
    with recorded(trial, folder):
        log(folder, [10, 20, 30])
    assert import_run(folder, results) == run_id
    steps = [metric.step for metric in tracker.client.get_metric_history(run_id, "loss") if metric.step]
    assert sorted(set(steps)) == [10, 20, 30] and tracker.client.get_run(run_id).info.status == "FINISHED"


def test_a_second_training_in_the_folder_is_refused_and_changes_nothing(trial, tmp_path):
    with recorded(trial, tmp_path):
        before = (tmp_path / "run.json").read_bytes()
        with pytest.raises(Locked, match=f"the training in {tmp_path} is being run by process {os.getpid()} on host"):
            with recorded(trial, tmp_path):
                raise AssertionError("it has begun")
        assert (tmp_path / "run.json").read_bytes() == before


def test_a_run_that_goes_on_is_running_again_and_then_ends(trial, tmp_path):
    folder, results = tmp_path / "run", tmp_path / "results"
    with pytest.raises(KeyboardInterrupt), recorded(trial, folder):
        log(folder, [10])
        raise KeyboardInterrupt("stopped by SIGTERM")
    run_id = import_run(folder, results)
    client = Tracker(results, "trainings").client
    with recorded(trial, folder):
        log(folder, [10, 20])
        assert import_run(folder, results) == run_id
        run = client.get_run(run_id)
        assert run.info.status == "RUNNING" and "qpm.reason" not in run.data.tags
    assert import_run(folder, results) == run_id and client.get_run(run_id).info.status == "FINISHED"


def test_a_run_that_ends_while_it_is_imported_is_not_taken_for_a_killed_one(trial, tmp_path, monkeypatch):
    folder, results = tmp_path / "run", tmp_path / "results"
    training = recorded(trial, folder)
    training.__enter__()
    log(folder, [10])
    read = bare.history

    def slow(*asked):
        training.__exit__(None, None, None)
        return read(*asked)

    monkeypatch.setattr(bare, "history", slow)
    run_id = import_run(folder, results)
    assert Tracker(results, "trainings").client.get_run(run_id).info.status == "RUNNING"  # the next import ends it


def test_the_record_tells_how_a_training_failed(trial, tmp_path):
    with pytest.raises(ValueError), recorded(trial, tmp_path):
        raise ValueError("loss is nan")
    record = json.loads((tmp_path / "run.json").read_text())
    assert (record["status"], record["reason"]) == ("failed", "ValueError: loss is nan")
    assert TrainTrial.model_validate(record["config"]) == trial


def test_a_record_that_finds_no_room_does_not_hide_how_a_training_failed(trial, tmp_path, monkeypatch, caplog):
    def full(path, record):
        raise OSError("No space left on device")

    with pytest.raises(OSError, match="make room"), recorded(trial, tmp_path):
        monkeypatch.setattr(bare, "write_json", full)
        raise OSError("cannot write best.safetensors: make room")
    assert "run.json does not tell how the training ended (No space left on device)" in caplog.text


def test_a_folder_without_a_record_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"run\.json: expected the folder that `qpm train"):
        import_run(tmp_path, tmp_path)
