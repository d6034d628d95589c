"""A study around its trials: nothing runs twice, nothing that failed is hidden, and all three records agree."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient
from rich.console import Console

from qpm.study import ledger, locks, runner
from qpm.study.runner import RunSummary
from qpm.study.spec import Study, load_study
from qpm.study.verify import verify
from tests.study.pages import write_notebook

Make = Callable[..., Path]
HOST = """
import signal, sys
from pathlib import Path
from qpm.cli.faults import terminated
from qpm.study.runner import run
from qpm.study.spec import load_study
signal.signal(signal.SIGTERM, terminated)
summary = run(load_study(Path(sys.argv[1])), Path(sys.argv[2]))
print(*sys.modules)
sys.exit(summary.exit_code)
"""


def run(study: Study, results: Path, jobs: int = 2) -> tuple[RunSummary, str]:
    told = io.StringIO()
    return runner.run(study, results, jobs=jobs, console=Console(file=told, width=200)), told.getvalue()


def states(study: Study, results: Path) -> dict[str, str]:
    return {trial.case: trial.state for trial in ledger.status(study, results)}


def mlflow_states(results: Path) -> list[tuple[str, str]]:
    """Case and status of every trial's run, in the order in which they began."""
    client = MlflowClient(f"sqlite:///{results / 'mlflow.db'}")
    (experiment,) = [e for e in client.search_experiments() if e.name == "qpm/fake"]
    runs = client.search_runs([experiment.experiment_id], order_by=["attributes.start_time"])
    return [(run.data.tags["qpm.case"], run.info.status) for run in runs if "qpm.case" in run.data.tags]


def test_a_failure_stays_where_it_is_and_a_repaired_study_runs_only_what_is_missing(
    make_study: Make, tmp_path: Path
) -> None:
    path, results = make_study("good", "bad", "dies"), tmp_path / "results"
    study = load_study(path)
    first, told = run(study, results)
    assert (first.finished, first.skipped, first.failed, first.exit_code) == (1, 0, 2, 1)
    assert states(study, results) == {"good": "finished", "bad": "failed", "dies": "killed"}
    assert [line.split(":")[0] for line in first.failures] == ["bad failed", "dies killed"]
    assert "no such luck" in first.failures[0] and "notebook.ipynb" in first.failures[0]
    assert "trying again" in told  # a dead kernel once more, a Python error never
    assert sorted(mlflow_states(results)) == [
        ("bad", "FAILED"),
        ("dies", "KILLED"),
        ("dies", "KILLED"),
        ("good", "FINISHED"),
    ]

    (tmp_path / "fixed").touch()
    second, _ = run(study, results)
    assert (second.finished, second.skipped, second.failed, second.exit_code) == (2, 1, 0, 0)
    assert set(states(study, results).values()) == {"finished"}
    assert [status for case, status in mlflow_states(results) if case == "good"] == ["FINISHED"]

    third = subprocess.run([sys.executable, "-c", HOST, str(path), str(results)], capture_output=True, text=True)
    assert (third.returncode, third.stderr) == (0, "")
    assert not {"torch", "mlflow", "papermill", "distributed"} & set(third.stdout.split())  # quick, for want of work


def test_changed_settings_supersede_a_trial_and_going_back_runs_nothing(make_study: Make, tmp_path: Path) -> None:
    path, results = make_study("good"), tmp_path / "results"
    run(load_study(path), results)
    other = load_study(path, ["base.dataset.frames=3"])
    (why,) = [trial.reason for trial in ledger.status(other, results)]
    assert why == "config key dataset.frames changed from 4 to 3; dataset changed (synthetic)"
    run(other, results)
    records = {record["config"]["dataset"]["frames"]: record for record in ledger.records(results / "fake")}
    assert (records[4]["status"], records[3]["status"]) == ("superseded", "finished")
    back, _ = run(load_study(path), results)
    assert (back.finished, back.skipped) == (0, 1)
    records = {record["config"]["dataset"]["frames"]: record for record in ledger.records(results / "fake")}
    assert (records[4]["status"], records[3]["status"]) == ("finished", "superseded")


def start_host(study: Path, results: Path) -> subprocess.Popen:
    """A `qpm run` in a process of its own, once its slow trial is running."""
    host = subprocess.Popen(
        [sys.executable, "-c", HOST, str(study), str(results)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while not list(results.glob("fake/trials/*/notebook.*.partial.ipynb")):
        assert host.poll() is None
        time.sleep(0.05)
    return host


def test_a_killed_host_is_found_out_and_its_trial_runs_again(make_study: Make, tmp_path: Path) -> None:
    path, results = make_study("slow"), tmp_path / "results"
    host = start_host(path, results)
    assert states(load_study(path), results) == {"slow": "running"}
    with pytest.raises(locks.Locked, match=f"study fake is being run by process {host.pid} on host "):
        run(load_study(path), results)
    os.kill(host.pid, signal.SIGKILL)
    host.wait()
    deadline = time.monotonic() + 10  # a kernel caught between fork and exec holds the lock for a moment longer
    while states(load_study(path), results) == {"slow": "running"} and time.monotonic() < deadline:
        time.sleep(0.05)
    assert states(load_study(path), results) == {"slow": "killed"}
    assert mlflow_states(results) == [("slow", "RUNNING")]  # nobody was left to say otherwise

    (tmp_path / "fixed").touch()
    summary, told = run(load_study(path), results)
    assert summary.exit_code == 0 and "left unfinished" in told
    assert mlflow_states(results) == [("slow", "KILLED"), ("slow", "FINISHED")]
    assert [path.name for path in results.rglob("*.partial*")] == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["int", "term"])
def test_ctrl_c_ends_the_kernels_and_says_so(make_study: Make, tmp_path: Path, number: int, code: int) -> None:
    path, results = make_study("slow"), tmp_path / "results"
    host = start_host(path, results)
    host.send_signal(number)
    assert host.wait(timeout=120) == code
    assert states(load_study(path), results) == {"slow": "killed"}
    assert mlflow_states(results) == [("slow", "KILLED")]
    (record,) = ledger.records(results / "fake")
    assert record["reason"] == "interrupted"


def test_a_page_that_fails_is_named_and_the_other_reports_are_made(make_study: Make, tmp_path: Path) -> None:
    path, results = make_study("stm", baseline="stm", report=["ablation", "policies"]), tmp_path / "results"
    fails = "import pathlib\nassert pathlib.Path(study_dir).parents[1].joinpath('fixed').exists(), 'no such table'"
    write_notebook(path.with_name("ablation.ipynb"), fails, parameters="study_dir = ''")
    write_notebook(path.with_name("policies.ipynb"), "1 + 1", parameters="study_dir = ''")
    first, _ = run(load_study(path), results)
    page = results / "fake" / "notebooks" / "ablation.ipynb"
    assert first.failures == (f"report ablation failed: AssertionError: no such table ({page})",)
    assert (first.exit_code, first.finished, first.failed) == (1, 1, 0)
    assert {"table2.md", "policies.md", "index.html"} <= {path.name for path in first.outputs}
    assert page.is_file() and page.with_name("policies.ipynb").is_file()

    (tmp_path / "fixed").touch()
    second, _ = run(load_study(path), results)
    assert (second.exit_code, second.skipped, second.failures) == (0, 1, ())
    assert {checked.found for checked in verify(load_study(path), results)} == {"the same"}
    table = results / "fake" / "policies.csv"
    table.write_text(table.read_text().replace("0.6", "0.9"))
    assert [checked.file for checked in verify(load_study(path), results) if not checked.good] == ["policies.csv"]


def test_an_incomplete_study_has_no_tables_unless_asked_and_then_they_say_what_lacks(
    make_study: Make, tmp_path: Path
) -> None:
    path, results = make_study("stm", "bad", baseline="stm", report=["policies"]), tmp_path / "results"
    refused, told = run(load_study(path), results)
    assert (refused.exit_code, refused.outputs) == (1, ()) and "no tables: 1 of 2 trials are finished" in told
    partial = runner.run(load_study(path), results, allow_partial=True, console=Console(file=io.StringIO()))
    assert partial.exit_code == 1
    assert "INCOMPLETE, not measured: bad." in (results / "fake" / "policies.md").read_text()
