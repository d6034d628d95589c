"""`qpm run` shares sweeps by itself: the rows of independent trials, one record and one MLflow run each, kill-safe."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
import torch
import yaml
from mlflow.tracking import MlflowClient
from rich.console import Console

from qpm.model import build, save_network
from qpm.rows import read_rows
from qpm.study import ledger, runner
from qpm.study.runner import RunSummary
from qpm.study.spec import load_study

VIDEOS, FRAMES = 2, 5
JOBS = 2  # everywhere: with other numbers of threads, sums round otherwise
HOST = """
import sys
from pathlib import Path
from qpm.study.runner import run
from qpm.study.spec import load_study
sys.exit(run(load_study(Path(sys.argv[1])), Path(sys.argv[2]), jobs=JOBS).exit_code)
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small grid over both thresholds, with a tiny network of random weights."""
    folder = tmp_path_factory.mktemp("study")
    torch.manual_seed(0)
    content = {
        "question": "Is a shared sweep the same?", "paper": "Eq. 3 and 4", "expect": "yes", "cost": "seconds",
        "base": {
            "dataset": {"name": "synthetic", "videos": VIDEOS, "frames": FRAMES},
            "weights": str(save_network(build("tiny"), folder / "tiny.safetensors")),
            "policy": {"preset": "qpm", "keep": {"n": 1}},
            "inference": {"max_side": 48, "precision": "32"},
        },
        "grid": {"policy.keep.sigma_m": [0.9, 1.0], "policy.prior.sigma_en": [0.0, 1.0]},
    }  # fmt: skip
    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return path


def run(study: Path, results: Path, share: bool = True) -> tuple[RunSummary, str]:
    told = io.StringIO()
    console = Console(file=told, width=200)
    return runner.run(load_study(study), results, jobs=JOBS, share=share, console=console), told.getvalue()


def rows(results: Path) -> dict[str, pd.DataFrame]:
    """Case -> its rows, without what only a clock says."""
    tables = [read_rows(path) for path in results.glob("small/trials/*/rows.parquet")]
    return {str(table.case.iloc[0]): table.drop(columns=["seconds", "trial"]) for table in tables}


@pytest.fixture(scope="module")
def shared(study: Path) -> tuple[Path, RunSummary, str]:
    results = study.parent / "shared"
    return results, *run(study, results)


def test_rows_are_those_of_independent_trials(study: Path, shared: tuple[Path, RunSummary, str]) -> None:
    results, summary, told = shared
    assert (summary.finished, summary.exit_code) == (4, 0)
    assert "4 trials differ only in the policy and share a sweep" in told
    assert f"of {4 * VIDEOS * FRAMES} frames" in told and "query encoder" in told
    alone, told = run(study, study.parent / "alone", share=False)
    assert alone.finished == 4 and "share" not in told
    one, other = rows(results), rows(study.parent / "alone")
    assert one.keys() == other.keys() and len(one) == 4
    for name in one:
        pd.testing.assert_frame_equal(one[name], other[name], check_exact=True)


def test_every_setting_has_its_record_its_notebook_and_its_mlflow_run(shared: tuple[Path, RunSummary, str]) -> None:
    results, _, _ = shared
    records = list(ledger.records(results / "small"))
    assert [record["status"] for record in records] == ["finished"] * 4
    assert {record["shared"]["trials"] for record in records} == {4}
    assert all((record["folder"] / "notebook.ipynb").is_file() for record in records)
    client = MlflowClient(f"sqlite:///{results / 'mlflow.db'}")
    (experiment,) = [e for e in client.search_experiments() if e.name == "qpm/small"]
    trials = client.search_runs([experiment.experiment_id], "tags.`qpm.case` LIKE '%'")
    assert [one.info.status for one in trials] == ["FINISHED"] * 4
    (launch,) = [one for one in client.search_runs([experiment.experiment_id]) if "qpm.case" not in one.data.tags]
    assert launch.data.metrics["frames_alone"] == 4 * VIDEOS * FRAMES > launch.data.metrics["frames_segmented"]
    assert list(results.glob("small/trials/.shared/*/*.parquet")) == []


def test_a_finished_study_runs_nothing_again(study: Path, shared: tuple[Path, RunSummary, str]) -> None:
    again, told = run(study, shared[0])
    assert (again.finished, again.skipped, told) == (0, 4, "")


def test_a_study_that_is_killed_goes_on_with_the_next_video(
    study: Path, shared: tuple[Path, RunSummary, str]
) -> None:
    results = study.parent / "killed"
    command = [sys.executable, "-c", HOST.replace("JOBS", str(JOBS)), str(study), str(results)]
    host = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while host.poll() is None and not list(results.glob("small/trials/.shared/*/0000*.parquet")):
        time.sleep(0.02)
    os.kill(host.pid, signal.SIGKILL)
    host.wait()
    deadline = time.monotonic() + 60  # a kernel caught between fork and exec holds the lock for a moment longer
    while "running" in {trial.state for trial in ledger.status(load_study(study), results)}:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    summary, told = run(study, results)
    assert summary.exit_code == 0 and summary.finished + summary.skipped == 4
    if summary.finished == 4:  # else the first trial had ended before the kill
        assert f"query encoder {VIDEOS * FRAMES} " in told
    expected = rows(shared[0])
    for name, table in rows(results).items():
        pd.testing.assert_frame_equal(table, expected[name], check_exact=True)
