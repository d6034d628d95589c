"""Where notebooks run: threads of this machine, or the workers of a Dask cluster."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import dask
from distributed import Client, Future, LocalCluster, wait
from distributed.system import MEMORY_LIMIT

from qpm.provenance import available_cpus
from qpm.study.execute import Outcome, execute
from qpm.study.notebook import modules

LOOPBACK = "127.0.0.1:0"  # any free port that only this machine reaches
MEMORY = 3e9  # bytes that a trial may need
LOST = 3  # workers that may die under a trial before Dask gives it up


class Engine:
    """Runs notebooks on a number of slots; each slot is one kernel at a time.

    Parameters
    ----------
    client : Client
    slots : int
        How many notebooks run at once.
    threads : int
        CPU threads for each.
    """

    def __init__(self, client: Client, slots: int, threads: int) -> None:
        self.client, self.slots, self.threads = client, slots, threads
        self.launch = uuid.uuid4().hex  # tells its kernels from those of another study on the same workers

    def prepare(self, notebook: Path) -> None:
        """Have kernels of this machine load what the notebook imports, before the first is needed."""
        from qpm.study import kernel

        kernel.prepare(kernel.thread_limits(self.threads), modules(notebook))

    def submit(self, notebook: Path, folder: Path, parameters: Mapping[str, Any]) -> Future:
        """Start a notebook; the future's result is its `Outcome`."""
        from qpm.study.kernel import thread_limits

        output = (folder / "notebook.ipynb").resolve()
        limits = thread_limits(self.threads)
        return self.client.submit(
            execute, notebook.resolve(), output, dict(parameters), limits, self.launch, pure=False
        )

    def ended(self, futures: Iterable[Future], seconds: float) -> set[Future]:
        """The futures that have ended, after waiting for one at most so long."""
        try:
            return set(wait(list(futures), timeout=seconds, return_when="FIRST_COMPLETED").done)
        except TimeoutError:
            return set()

    def stop(self, futures: Iterable[Future], seconds: float = 5.0) -> None:
        """Kill the kernels, wherever they run, and wait a little for their notebooks to end."""
        from qpm.study import kernel

        self.client.run(kernel.stop, self.launch)
        with suppress(TimeoutError):
            wait(list(futures), timeout=seconds)


def outcome(future: Future) -> Outcome:
    """How a notebook ended; a lost worker counts as a killed kernel, anything else unexpected as a failure."""
    error = future.exception()
    if error is None:
        return future.result()
    lost = type(error).__name__ in ("KilledWorker", "CancelledError", "FutureCancelledError", "CommClosedError")
    return Outcome("killed" if lost else "failed", 0.0, f"{type(error).__name__}: {error}")


def automatic_jobs() -> int:
    """As many notebooks at a time as CPU cores and memory allow; one where there is a GPU to share.

    One thread in each of two kernels uses two cores better than two threads in one.
    """
    if Path("/dev/nvidia0").exists():
        return 1
    return max(1, min(available_cpus(), int(MEMORY_LIMIT // MEMORY)))


@contextmanager
def start(jobs: int, cluster: str | None = None, trials: int | None = None) -> Iterator[Engine]:
    """Open the engine for a with block.

    Parameters
    ----------
    jobs : int
        Notebooks at a time on this machine; its CPU cores are divided among them. 0: see `automatic_jobs`.
    cluster : str, optional
        Address of a running ``dask scheduler``; then its workers' threads are the slots. The workers need the
        same paths as this machine for the results and the data.
    trials : int, optional
        How many there are to run; more slots than that would only waste cores.
    """
    from qpm.study.warm_kernel import warm

    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # outcomes are ours to tell
    with ExitStack() as stack:
        if cluster is None:
            slots = min(jobs or automatic_jobs(), trials or jobs or available_cpus())
            threads = max(1, available_cpus() // slots)
            stack.enter_context(dask.config.set({"distributed.scheduler.allowed-failures": LOST}))
            # "None" would not close the status pages but open them to the network, on port 8787 and another
            pages = {"dashboard_address": LOOPBACK, "worker_dashboard_address": LOOPBACK}
            size = {"n_workers": 1, "threads_per_worker": slots, "processes": False, "memory_limit": 0}
            client = stack.enter_context(Client(stack.enter_context(LocalCluster(**size, **pages))))
            stack.enter_context(warm())
        else:
            client = stack.enter_context(Client(cluster))
            slots, threads = sum(client.nthreads().values()), 1
            if not slots:
                raise ValueError(f"the scheduler at {cluster} has no workers; start some: dask worker {cluster}")
        yield Engine(client, slots, threads)
