"""Processes that a test may kill, hosts of a study and workers of a cluster, forked from one that has imported all."""

from __future__ import annotations

import asyncio
import faulthandler
import io
import multiprocessing
import signal
import sys
from multiprocessing.context import ForkServerProcess
from pathlib import Path

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(
    ["qpm.study.runner", "qpm.study.launch", "qpm.study.task", "qpm.study.tracking", "papermill", "pandas"]
)


def start_host(study: Path, results: Path, cluster: str | None = None) -> ForkServerProcess:
    """A `qpm run` in a process of its own."""
    host = CONTEXT.Process(target=_run, args=(study, results, cluster))
    host.start()
    return host


def start_worker(scheduler: str, blind: bool = False) -> ForkServerProcess:
    """A worker with one slot on loopback; a blind one sees nothing of the study's folder, as on another machine."""
    worker = CONTEXT.Process(target=_work, args=(scheduler, blind))
    worker.start()
    return worker


def _run(study: Path, results: Path, cluster: str | None) -> None:
    faulthandler.register(signal.SIGUSR1)
    from rich.console import Console

    from qpm.study.runner import run
    from qpm.study.spec import load_study

    sys.exit(run(load_study(study), results, cluster=cluster, jobs=2, console=Console(file=io.StringIO())).exit_code)


def _work(scheduler: str, blind: bool) -> None:
    from distributed import Worker

    from qpm.study import cluster, task

    if blind:
        cluster._is_file = task._sees_folder = task._is_same_file = lambda _: False

    async def work() -> None:
        own = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
        async with Worker(scheduler, nthreads=1, memory_limit=0, **own) as worker:
            await worker.finished()

    asyncio.run(work())
