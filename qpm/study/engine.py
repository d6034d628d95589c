"""Where notebooks run: threads of this machine, or the workers of a Dask cluster."""

from __future__ import annotations

import logging
import uuid
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import dask
from distributed import Client, Future, LocalCluster, wait
from distributed.system import MEMORY_LIMIT

from qpm.files import write_atomic
from qpm.study import cluster as clusters
from qpm.study import kernel
from qpm.study.execute import Outcome
from qpm.study.notebook import modules
from qpm.study.slots import CPU, gpus, places
from qpm.study.task import Task, package_digest, perform, perform_elsewhere
from qpm.study.warm_kernel import warm

LOOPBACK = "127.0.0.1:0"  # any free port that only this machine reaches


class Engine:
    """Runs notebooks on the threads of this process; each is one kernel at a time.

    Parameters
    ----------
    client : Client
    places : sequence of str
        One entry for each notebook that may run at once: the GPU that it sees, or `qpm.study.slots.CPU`.

    Attributes
    ----------
    shared_folder : bool
        Whether all of them see the study's folder.
    """

    shared_folder = True

    def __init__(self, client: Client, places: Sequence[str], family: str = "") -> None:
        self.client = client
        self.threads = kernel.share_of_threads(len(places))
        self.launch = family + uuid.uuid4().hex  # tells its kernels from those of another study on the same workers
        self._all, self._free = len(places), list(reversed(places))
        self._taken: dict[Future, str] = {}

    @property
    def slots(self) -> int:
        """How many notebooks run at once."""
        return self._all

    def prepare(self, notebook: Path) -> None:
        """Have kernels of this machine load what the notebook imports, before the first is needed."""
        kernel.prepare(kernel.thread_limits(self.threads), modules(notebook))

    def submit(
        self, notebook: Path, folder: Path, parameters: Mapping[str, Any], inputs: Sequence[Path] = ()
    ) -> Future:
        """Start a notebook; the future's result is its `Outcome`. `inputs` are files that it reads."""
        place = self._free.pop()
        chosen = {} if place == CPU else {"CUDA_VISIBLE_DEVICES": place}
        environment = kernel.thread_limits(self.threads) | chosen
        future = self._send(self._task(notebook, folder, parameters, environment, inputs))
        self._taken[future] = place
        return future

    def ended(self, futures: Iterable[Future], seconds: float) -> set[Future]:
        """The futures that have ended, after waiting for one at most so long."""
        try:
            done = set(wait(list(futures), timeout=seconds, return_when="FIRST_COMPLETED").done)
        except TimeoutError:
            return set()
        self._free += [self._taken.pop(future) for future in done if future in self._taken]
        return done

    def stop(self, futures: Iterable[Future], seconds: float = 5.0) -> None:
        """Kill the kernels, wherever they run, and wait a little for their notebooks to end."""
        self.client.run(kernel.stop, self.launch, on_error="ignore")
        with suppress(TimeoutError):
            wait(list(futures), timeout=seconds)

    def _task(self, notebook: Path, folder: Path, *rest: Any) -> Task:
        parameters, environment, inputs = rest
        content, here = notebook.read_bytes(), notebook.resolve()
        files = tuple(path.resolve() for path in inputs)
        return Task(here, content, folder.resolve(), dict(parameters), environment, self.launch, files)

    def _send(self, task: Task) -> Future:
        return self.client.submit(perform, task, pure=False)


class ClusterEngine(Engine):
    """Runs notebooks on the workers of a cluster; a worker's threads are its slots, and they may come and go.

    Parameters
    ----------
    client : Client
    folder : Path
        The study's. Workers that do not see it send what a trial has written back through the client.
    """

    def __init__(self, client: Client, folder: Path) -> None:
        family = f"{folder.resolve()}:"
        super().__init__(client, (), family)
        client.run(kernel.stop_strays, family, self.launch, on_error="ignore")  # a worker may be ending
        self.shared_folder = clusters.all_see(client, folder)
        self._sent: dict[Path, Future] = {}

    @property
    def slots(self) -> int:
        """How many notebooks run at once."""
        return max(1, sum(self.client.nthreads().values()))

    def prepare(self, notebook: Path) -> None:
        """Workers prepare themselves, with their first notebook."""

    def submit(
        self, notebook: Path, folder: Path, parameters: Mapping[str, Any], inputs: Sequence[Path] = ()
    ) -> Future:
        """See `Engine.submit`."""
        return self._send(self._task(notebook, folder, parameters, {}, inputs))

    def _send(self, task: Task) -> Future:
        inputs = [] if self.shared_folder else [self._content(path) for path in task.inputs]
        return self.client.submit(perform_elsewhere, task, package_digest(), *inputs, pure=False)

    def _content(self, path: Path) -> Future:
        """A file's content on the cluster, sent once; as a task's result, for it outlives the worker that holds it."""
        if path not in self._sent:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # that it is large
                self._sent[path] = self.client.submit(bytes, path.read_bytes(), pure=False)
        return self._sent[path]


def outcome(future: Future, folder: Path) -> Outcome:
    """How a trial's notebook ended, its files in the folder.

    A lost worker counts as a killed kernel, anything else unexpected as a failure.
    """
    error = future.exception()
    if error is not None:
        lost = type(error).__name__ in ("KilledWorker", "CancelledError", "FutureCancelledError", "CommClosedError")
        return Outcome("killed" if lost else "failed", 0.0, f"{type(error).__name__}: {error}")
    result: Outcome = future.result()
    for name, content in result.files.items():
        write_atomic(folder / name, lambda partial, content=content: partial.write_bytes(content))  # type: ignore[misc]
    return result


@contextmanager
def start(
    folder: Path,
    jobs: int = 0,
    cluster: str | None = None,
    trials: int | None = None,
    per_gpu: int = 1,
    use_gpus: bool = True,
) -> Iterator[Engine]:
    """Open the engine for a with block.

    Parameters
    ----------
    folder : Path
        The study's.
    jobs : int
        Notebooks at a time on this machine, whose CPU cores are divided among them; on Slurm, jobs. 0: see
        `qpm.study.slots.places`.
    cluster : str, optional
        See `qpm.study.cluster.connect`.
    trials : int, optional
        How many there are to run.
    per_gpu : int
        Notebooks that share a GPU of this machine.
    use_gpus : bool
        False: none of them needs one.
    """
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # outcomes are ours to tell
    with ExitStack() as stack:
        if cluster is not None:
            yield ClusterEngine(stack.enter_context(clusters.connect(cluster, jobs or trials or 1, folder)), folder)
            return
        room = places(jobs, per_gpu, trials, gpus() if use_gpus else (), MEMORY_LIMIT)
        stack.enter_context(dask.config.set({"distributed.scheduler.allowed-failures": clusters.LOST}))
        # "None" would not close the status pages but open them to the network, on port 8787 and another
        pages = {"dashboard_address": LOOPBACK, "worker_dashboard_address": LOOPBACK}
        size = {"n_workers": 1, "threads_per_worker": len(room), "processes": False, "memory_limit": 0}
        client = stack.enter_context(Client(stack.enter_context(LocalCluster(**size, **pages))))
        stack.enter_context(warm())
        yield Engine(client, room)
