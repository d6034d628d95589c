"""What a study leaves in MLflow: runs, names, params, metrics, tags, data, tables and figures."""

import json

import pandas as pd
import pytest

from qpm.rows import write_rows
from qpm.study import environment
from qpm.study.tracking import Tracker, metric_name

PROVENANCE = {
    "command": "qpm run studies/fake.yaml",
    "git": {"commit": "c0ffee", "branch": "main", "dirty": True},
}
TRIAL = {
    "hash": "ab" * 32,
    "config": {"case": "qpm", "notebook": "evaluate", "seed": 0, "policy": {"keep": {"rule": "quality_gate", "n": 5}}},
    "identity": {"data": {"synthetic": "cd" * 32}, "weights": {}},
}


def write_trial(folder, j: float = 0.8) -> None:
    """The files of a finished trial, with rows of two videos."""
    rows = [
        {
            "sequence": name, "object_id": 1, "frame": f"{k:05d}", "frame_index": k, "scored": k > 0,
            "j": j, "f": j + offset,
        }
        for name, offset in (("a", 0.1), ("b", 0.0))
        for k in range(3)
    ]  # fmt: skip
    write_rows(folder / "rows.parquet", pd.DataFrame(rows))
    for name in ("notebook.ipynb", "notebook.0a1b2c3d.partial.ipynb", "frames.png", "objects.csv", "trial.json"):
        (folder / name).write_text("{}")


def write_study(results) -> tuple[Tracker, str, list[str]]:
    """A launch with two finished trials; gives the tracker, the launch's run and those of the trials."""
    tracker = Tracker(results, "fake", note="Does it help?")
    launch = tracker.start_launch("fake", PROVENANCE, diff="+ a line")
    trials = []
    for case, j in (("stm", 0.7), ("qpm", 0.8)):
        write_trial(results / case, j)
        record = TRIAL | {"config": TRIAL["config"] | {"case": case}}
        trials.append(tracker.start_trial(launch, f"policy={case},seed=0", record, PROVENANCE))
        tracker.end_trial(trials[-1], "finished", results / case, {"J&F": j + 0.025, "J_mean": j})
    tracker.end(launch, "finished")
    return tracker, launch, trials


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    tracker, launch, trials = write_study(tmp_path_factory.mktemp("results"))
    return tracker.client, tracker.client.get_run(launch), tracker.client.get_run(trials[1])


def test_an_experiment_a_study_a_parent_a_launch_a_child_a_trial(study):
    client, launch, trial = study
    assert client.get_experiment(trial.info.experiment_id).name == "qpm/fake"
    assert launch.info.run_name == "fake" and trial.info.run_name == "policy=qpm,seed=0"
    assert trial.data.tags["mlflow.parentRunId"] == launch.info.run_id
    assert (launch.info.status, trial.info.status) == ("FINISHED", "FINISHED")


def test_tags_say_where_a_run_comes_from_and_what_it_asks(study):
    _, launch, trial = study
    assert launch.data.tags["mlflow.note.content"] == "Does it help?"
    assert launch.data.tags["mlflow.source.type"] == "JOB" and trial.data.tags["mlflow.source.type"] == "NOTEBOOK"
    for run in (launch, trial):
        assert run.data.tags["mlflow.source.git.commit"] == "c0ffee"
        assert run.data.tags["mlflow.source.git.branch"] == "main"
        assert run.data.tags["qpm.git.dirty"] == "True" and run.data.tags["qpm.schema_version"]
        assert run.data.tags["qpm.study"] == "fake"
    assert trial.data.tags["qpm.trial_hash"] == "ab" * 32 and trial.data.tags["qpm.case"] == "qpm"


def test_params_are_the_settings_and_metrics_are_grouped(study):
    _, _, trial = study
    assert trial.data.params["policy.keep.n"] == "5" and trial.data.params["notebook"] == "evaluate"
    assert trial.data.metrics == {"val/J_and_F": pytest.approx(0.825), "val/J_mean": pytest.approx(0.8)}


def test_the_data_are_an_input_with_their_digest_and_their_use(study):
    _, _, trial = study
    (given,) = trial.inputs.dataset_inputs
    assert (given.dataset.name, given.dataset.digest) == ("synthetic", ("cd" * 32)[:36])
    assert [(tag.key, tag.value) for tag in given.tags] == [("mlflow.data.context", "validation")]


def test_tables_figures_and_provenance_are_artifacts(study):
    client, launch, trial = study
    found = {item.path for item in client.list_artifacts(trial.info.run_id)}
    assert found == {"notebook.ipynb", "objects.csv", "trial.json", "per_sequence.json", "figures"}
    assert [item.path for item in client.list_artifacts(trial.info.run_id, "figures")] == ["figures/frames.png"]
    above = {item.path for item in client.list_artifacts(launch.info.run_id)}
    assert above == {"provenance.json", "pip-freeze.txt", "git.diff"}


def test_the_table_has_a_line_a_video(study, tmp_path):
    client, _, trial = study
    path = client.download_artifacts(trial.info.run_id, "per_sequence.json", str(tmp_path))
    table = json.loads(open(path).read())
    rows = [dict(zip(table["columns"], row, strict=True)) for row in table["data"]]
    assert [(row["sequence"], row["objects"], row["frames"]) for row in rows] == [("a", 1, 2), ("b", 1, 2)]
    assert [row["J&F"] for row in rows] == [pytest.approx(0.85), pytest.approx(0.8)]


def test_names_of_metrics():
    assert metric_name("J&F", "val/") == metric_name("val_J&F") == "val/J_and_F"
    assert metric_name("loss") == "loss"


def test_the_address_of_the_source_tells_no_password():
    assert environment.without_login("https://me:secret@host.org/x.git") == "https://host.org/x.git"
    assert environment.without_login("git@host.org:x.git") == "git@host.org:x.git"
    assert "\npytest==" in environment.libraries()
