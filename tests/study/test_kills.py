"""Thirty kills at random moments: the host, its workers, the kernels. In the end every trial has ended once."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import psutil
import pytest
from distributed import LocalCluster
from mlflow.tracking import MlflowClient

from qpm.report.load import load
from qpm.study import ledger, locks
from qpm.study.spec import load_study
from tests.study.hosts import start_host, start_worker

Make = Callable[..., Path]
KILLS = Counter(host=8, worker=8, kernel=14)
CASES = ("a", "b", "c")
SIZE = {"n_workers": 0, "processes": False, "dashboard_address": "127.0.0.1:0", "host": "127.0.0.1", "protocol": "tcp"}


class Field:
    """A scheduler, two workers and a host, of which any may be killed and is then replaced.

    When a host has finished the study, the study asks for one more seed, so that there is always something to kill.
    """

    def __init__(self, scheduler: LocalCluster, make_study: Make, results: Path) -> None:
        self.address, self.make_study, self.results = scheduler.scheduler_address, make_study, results
        self.seeds, self.study = 0, Path()
        self.workers = [start_worker(self.address) for _ in range(2)]
        while len(scheduler.scheduler.workers) < 2:
            time.sleep(0.02)
        self.grow()

    def grow(self) -> None:
        """Ask for more, and start a host."""
        self.seeds += 1
        self.study = self.make_study(*CASES, seeds=list(range(self.seeds)))
        self.start_host()

    def start_host(self) -> None:
        """A host in the place of the last one."""
        self.host: ForkServerProcess = start_host(self.study, self.results, self.address)

    def wait(self) -> None:
        """Wait a moment; see that there is a host, and something for it to do."""
        time.sleep(0.05)
        if self.host.exitcode == 0:
            self.grow()
        elif self.host.exitcode is not None:  # a trial has used up its attempts, or all workers were gone
            self.start_host()

    def is_running(self) -> bool:
        """Whether a notebook is being executed."""
        return any(self.results.glob("fake/trials/*/notebook.*.partial.ipynb"))

    def finish(self) -> None:
        """Let the study come to its end, undisturbed."""
        while self.host.exitcode != 0:
            if self.host.exitcode is not None:
                self.start_host()
            self.host.join(timeout=300)
            if self.host.exitcode is None:
                os.kill(self.host.pid or 0, signal.SIGUSR1)  # it shows where it is
                self.host.join(timeout=5)
                raise TimeoutError("the host does not end")

    def kill(self, victim: str, place: int) -> bool:
        """Whether there was one to kill."""
        if victim == "host":
            return self._kill_host()
        return self._kill_worker(place) if victim == "worker" else self._kill_kernel(place)

    def _kill_host(self) -> bool:
        if self.host.exitcode is not None:
            return False
        kill(self.host.pid)
        self.host.join()
        self.start_host()
        return True

    def _kill_worker(self, place: int) -> bool:
        kill(self.workers[place].pid)
        self.workers[place].join()
        self.workers[place] = start_worker(self.address)
        return True

    def _kill_kernel(self, place: int) -> bool:
        try:
            below = psutil.Process(self.workers[place].pid).children(recursive=True)
            kernels = [process for process in below if process.ppid() != self.workers[place].pid]
            for kernel in kernels[:1]:
                kernel.kill()
        except psutil.NoSuchProcess:  # it ended meanwhile
            return False
        return bool(kernels)

    def end(self) -> None:
        for process in (self.host, *self.workers):
            process.kill()
            process.join()


def kill(pid: int | None) -> None:
    os.kill(pid or 0, signal.SIGKILL)


@pytest.fixture
def field(make_study: Make, tmp_path: Path) -> Iterator[Field]:
    with LocalCluster(**SIZE) as scheduler:
        made = Field(scheduler, make_study, tmp_path / "results")
        yield made
        made.end()


def test_whatever_is_killed_every_trial_ends_once_and_all_records_agree(field: Field) -> None:
    chance = random.Random(0)
    for victim in chance.sample(list(KILLS), k=KILLS.total(), counts=list(KILLS.values())):
        amid_a_trial, place = chance.random() < 0.7, chance.randrange(2)  # else amid a host's start
        while amid_a_trial and not field.is_running():
            field.wait()
        time.sleep(chance.uniform(0, 0.4))
        while not field.kill(victim, place):
            field.wait()
    field.finish()
    check(field.study, field.results, {(case, seed) for case in CASES for seed in range(field.seeds)})


def check(path: Path, results: Path, wanted: set[tuple[str, int]]) -> None:
    """Ledger, MLflow and rows hold each trial once, finished, and nothing is left behind."""
    records = list(ledger.records(results / "fake"))
    assert {(t.case, t.seed, t.state) for t in ledger.status(load_study(path), results)} == {
        (*trial, "finished") for trial in wanted
    }
    assert Counter((r["config"]["case"], r["config"]["seed"]) for r in records) == dict.fromkeys(wanted, 1)
    client = MlflowClient(f"sqlite:///{results / 'mlflow.db'}")
    (experiment,) = [e for e in client.search_experiments() if e.name == "qpm/fake"]
    runs = client.search_runs([experiment.experiment_id], max_results=1000)
    ended = Counter(run.info.status for run in runs if "qpm.case" in run.data.tags)
    assert ended["FINISHED"] == len(wanted) and ended["RUNNING"] == 0
    assert {r["run_id"] for r in records} <= {run.info.run_id for run in runs if run.info.status == "FINISHED"}
    assert not [run for run in runs if run.info.status == "RUNNING"]
    frames = load(results / "fake").rows.groupby(["case", "seed"]).frame.apply(list)
    assert frames.to_dict() == {trial: [f"{number:05d}" for number in range(4)] for trial in wanted}
    assert [path.name for path in results.rglob("*.partial*")] == []
    assert locks.owner(results / "fake" / ledger.LOCK) is None
