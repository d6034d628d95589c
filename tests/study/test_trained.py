"""A study that trains and then evaluates: order, the seeds of both, and what a repeated training entails."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from qpm.study import ledger, runner
from qpm.study.spec import Study, load_study
from tests.study.pages import write_notebook

Make = Callable[..., Path]
TRAINING = {"network": "tiny", "start": "scratch", "stages": [{"sources": [{"source": "synthetic"}], "iterations": 2}]}
NET = {"training": TRAINING, "seeds": [0, 1]}
WRITE = """
from pathlib import Path
if config["training"]["threads"] == 3:
    raise RuntimeError("no convergence")
times = Path(folder).parents[2] / "times"  # a training that is not the same twice
times.write_text(times.read_text() + "x" if times.exists() else "x")
(Path(folder) / "weights.safetensors").write_text(times.read_text())
"""


@pytest.fixture
def path(make_study: Make, tmp_path: Path) -> Path:
    """The evaluation is named before the training that it needs."""
    cases = {"stm": {"weights": {"trial": "net"}}, "net": NET}
    found = make_study(cases=cases, seeds=[5])
    write_notebook(found.with_name("train.ipynb"), WRITE)
    return found


def run(study: Study, results: Path) -> runner.RunSummary:
    return runner.run(study, results, jobs=2, console=Console(file=io.StringIO()))


def states(study: Study, results: Path) -> list[tuple[str, int, str, str]]:
    return [(t.case, t.seed, t.state, t.reason) for t in ledger.status(study, results)]


def test_an_evaluation_is_there_once_for_each_seed_of_its_training(path: Path) -> None:
    trials = load_study(path).trials
    found = [(trial.case, trial.seed, getattr(trial, "training_seed", None)) for trial in trials]
    assert found == [("stm", 5, 0), ("stm", 5, 1), ("net", 0, None), ("net", 1, None)]
    one = load_study(path, ["cases.stm.weights.seed=1"]).trials
    assert [getattr(trial, "training_seed", None) for trial in one] == [1, None, None]


def test_a_training_that_the_study_does_not_have_is_refused(path: Path) -> None:
    with pytest.raises(ValueError, match="unknown training 'nett'; did you mean 'net'"):
        load_study(path, ["cases.stm.weights.trial=nett"])
    with pytest.raises(ValueError, match="'net' is not trained with seed 7"):
        load_study(path, ["cases.stm.weights.seed=7"])


def test_trainings_run_first_and_a_repeated_one_makes_its_evaluation_run_again(path: Path, tmp_path: Path) -> None:
    study, results = load_study(path), tmp_path / "results"
    assert run(study, results).exit_code == 0
    records = {record["folder"].name: record for record in ledger.records(results / "fake")}
    evaluated = [record for record in records.values() if record["config"]["case"] == "stm"]
    for record in evaluated:
        trained = records[Path(record["config"]["weights"]).parent.name]
        assert trained["config"]["seed"] == record["config"]["training_seed"]
        assert trained["ended"] <= record["started"] and trained["product_sha256"] == record["trained_sha256"]
    assert run(study, results).skipped == 4

    Path(evaluated[0]["config"]["weights"]).unlink()
    seed = evaluated[0]["config"]["training_seed"]
    again = {("stm", 5, "stale"), ("net", seed, "failed")}
    assert {entry[:3] for entry in states(study, results) if entry[2] != "finished"} == again
    assert any(entry[3].startswith("weights changed (net") for entry in states(study, results))
    repaired = run(study, results)
    assert (repaired.exit_code, repaired.finished, repaired.skipped) == (0, 2, 2)


def test_without_its_training_an_evaluation_is_not_started_and_says_so(path: Path, tmp_path: Path) -> None:
    study = load_study(path, ["cases.net.training.threads=3", "cases.net.seeds=[0]"])
    summary = run(study, tmp_path / "results")
    assert summary.exit_code == 1 and summary.failed == 2
    assert summary.failures[0] == "stm seed 5: not started, for want of the weights of net"
    assert summary.failures[1].startswith("net failed: RuntimeError: no convergence")
