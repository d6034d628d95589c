"""A study on the workers of a scheduler: one dies in the middle of a trial, another does not see the study's folder."""

from __future__ import annotations

import io
import json
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from distributed import LocalCluster
from rich.console import Console

from qpm.rows import read_rows
from qpm.study import ledger, runner
from qpm.study.cluster import connect
from qpm.study.spec import load_study
from tests.study.hosts import start_worker

Make = Callable[..., Path]
SIZE = {"n_workers": 0, "processes": False, "dashboard_address": "127.0.0.1:0", "host": "127.0.0.1", "protocol": "tcp"}


def test_a_study_completes_though_a_worker_is_killed_and_the_other_sees_no_shared_folder(
    make_study: Make, tmp_path: Path
) -> None:
    study, results = load_study(make_study("slow", "slow_too", "good")), tmp_path / "results"
    done: list[runner.RunSummary] = []
    with LocalCluster(**SIZE) as scheduler:
        address = scheduler.scheduler_address
        mortal, blind = start_worker(address), start_worker(address, blind=True)
        while len(scheduler.scheduler.workers) < 2:
            time.sleep(0.05)

        def run() -> None:
            told = Console(file=io.StringIO())
            done.append(runner.run(study, results, cluster=address, console=told))

        host = threading.Thread(target=run)
        host.start()
        while not list(results.glob("fake/trials/slow*/notebook.*.partial.ipynb")):  # of the one that sees the folder
            assert host.is_alive()
            time.sleep(0.05)
        os.kill(mortal.pid or 0, signal.SIGKILL)
        time.sleep(0.5)
        (tmp_path / "fixed").touch()
        host.join(timeout=300)
        blind.kill()
    assert [(s.finished, s.failed, s.exit_code) for s in done] == [(3, 0, 0)]
    for record in ledger.records(results / "fake"):
        folder = record["folder"]
        assert record["status"] == "finished" and record["machine"]["packages"]["qpm"]
        assert len(read_rows(folder / "rows.parquet")) == 4
        assert sorted(path.name for path in folder.iterdir()) == ["notebook.ipynb", "rows.parquet", "trial.json"]
        weights = json.loads((folder / "notebook.ipynb").read_text())["metadata"]["papermill"]["parameters"]["config"]
        assert Path(weights["weights"]).parent.parent.name == "inputs"  # sent along: the worker lacked them


def test_a_scheduler_without_workers_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with LocalCluster(**SIZE) as scheduler:
        with pytest.raises(ValueError, match="has no workers; start some: dask worker tcp://127.0.0.1"):
            with connect(scheduler.scheduler_address, 1, tmp_path):
                pass
