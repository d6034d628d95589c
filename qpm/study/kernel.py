"""Kernels of the running interpreter: no kernelspec to install, private sockets, a share of the CPU threads."""

from __future__ import annotations

import os
import signal
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from subprocess import Popen
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

from qpm.provenance import available_cpus
from qpm.study.kernel_client import PromptClient
from qpm.study.warm_kernel import ForkedKernel, ForkServer, WarmProvisioner
from qpm.study.warm_kernel import server as fork_server

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
QUIET = {
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GIT_PYTHON_REFRESH": "quiet",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
}

LOG = "kernel.log"
PATIENCE = 20.0  # seconds that a kernel has to end by itself
TIDYING = 5.0  # seconds that its notebook then has to go
PER_KERNEL = ("CUDA_VISIBLE_DEVICES",)  # read when a GPU is first used, so kernels of one server may differ in them

_live: dict[Path, tuple[str, Popen | ForkedKernel | None]] = {}  # a notebook's sockets -> its launch, and its kernel
_stopped: set[str] = set()  # launches that start no more kernels
_current: dict[str, str] = {}  # family -> the only one of its launches that may start kernels


class Stopped(RuntimeError):
    """The study is being stopped; no new kernel starts."""


def kernel_class(
    sockets: Path, environment: Mapping[str, str], imports: Sequence[str] = (), launch: str = ""
) -> type[AsyncKernelManager]:
    """A kernel manager class for one notebook.

    Parameters
    ----------
    sockets : Path
        An empty folder that only this user can open. The kernel's IPC sockets lie there, so that, unlike
        with TCP ports, nobody else on the machine can reach the kernel.
    environment : mapping
        Variables set for the kernel beside this process's own.
    imports : sequence of str
        Modules that the notebook will want; a warm kernel has them already.
    launch : str
        What `stop` will call it by.
    """
    own = _environment(environment)
    _live[sockets] = (launch, None)
    spec = KernelSpec(
        argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        display_name="qpm",
        language="python",
        env=own,
    )

    class Provisioner(WarmProvisioner):
        log_file = sockets / LOG
        modules = imports
        server = _server(own)

    class PrivateKernelManager(AsyncKernelManager):
        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            self.client_factory = PromptClient
            self.transport = "ipc"
            self.connection_file = str(sockets / "kernel.json")

        async def _async_pre_start_kernel(self, **settings: Any) -> tuple[list[str], dict[str, Any]]:
            self.kernel_id = self.kernel_id or str(uuid.uuid4())
            self.provisioner = Provisioner(kernel_id=self.kernel_id, kernel_spec=spec, parent=self)
            return await super()._async_pre_start_kernel(**settings)

        @property
        def kernel_spec(self) -> KernelSpec:
            return spec

        async def _async_launch_kernel(self, kernel_cmd: list[str], **settings: Any) -> None:
            if is_stopped(launch):
                raise Stopped("the study is being stopped")
            await super()._async_launch_kernel(kernel_cmd, **settings)
            if isinstance(self.provisioner, Provisioner) and self.provisioner.process is not None:
                _live[sockets] = (launch, self.provisioner.process)
                if is_stopped(launch):  # meanwhile
                    self.provisioner.process.kill()

        async def _async_wait(self, pollinterval: float = 0.1) -> None:
            await super()._async_wait(pollinterval / 10)  # its default would be seen in studies of short trials

    return PrivateKernelManager


def prepare(environment: Mapping[str, str], imports: Sequence[str]) -> None:
    """Have the kernels that will come with this environment load these modules; does not wait. Only inside `warm`."""
    if (server := _server(_environment(environment))) is not None:
        server.prepare(imports)


def death(sockets: Path) -> str:
    """How the kernel of that folder died: its signal or exit code, and its last words if it had any."""
    _, process = _live.get(sockets, ("", None))
    code = process.poll() if process is not None else None
    if code == -signal.SIGKILL:
        cause = "SIGKILL, as when memory runs out"
    elif code is not None and code < 0:
        cause = signal.Signals(-code).name
    else:
        cause = "it did not start" if code is None else f"exit code {code}"
    log = sockets / LOG
    words = log.read_text(encoding="utf-8", errors="replace").strip() if log.is_file() else ""
    return f"{cause}: {words.splitlines()[-1]}" if words else cause


def forget(sockets: Path) -> None:
    """The notebook of that folder has ended."""
    _live.pop(sockets, None)


def share_of_threads(notebooks: int) -> int:
    """CPU threads of each of several notebooks: its share of the cores, or fewer if OMP_NUM_THREADS says so."""
    share, asked = max(1, available_cpus() // max(1, notebooks)), os.environ.get("OMP_NUM_THREADS", "")
    return min(share, int(asked)) if asked.isdigit() and int(asked) else share


def thread_limits(threads: int) -> dict[str, str]:
    """Variables that hold the numerical libraries to a number of CPU threads, which decides how sums round."""
    return {name: str(threads) for name in THREADS} | {"MKL_DYNAMIC": "FALSE"}


def stop(launch: str) -> None:
    """End the notebooks of a launch that run in this process, and start no others for it.

    Their kernels are asked first: a training writes a checkpoint. Those that are still there after a while are killed.
    Then the notebooks tidy up, for which this waits a little.
    """
    _stopped.add(launch)
    asked = [process for own, process in list(_live.values()) if own == launch and process is not None]
    for process in asked:
        process.terminate()
    _wait(PATIENCE, lambda: any(process.poll() is None for process in asked))
    for process in asked:
        process.kill()
    _wait(TIDYING, lambda: any(own == launch for own, _ in list(_live.values())))


def stop_strays(family: str, launch: str) -> None:
    """Stop the launches of a family but one: their hosts are gone, and left notebooks behind in this worker.

    A launch belongs to the family that its name begins with; one that this worker has not begun with is stopped too.
    """
    _current[family] = launch
    for own in {own for own, _ in list(_live.values())}:
        if is_stopped(own):
            stop(own)


def is_stopped(launch: str) -> bool:
    """Whether that launch was stopped in this process, or another one of its family has taken its place."""
    strays = (launch.startswith(family) and launch != current for family, current in _current.items())
    return launch in _stopped or any(strays)


def _wait(seconds: float, busy: Callable[[], bool]) -> None:
    patience = time.monotonic() + seconds
    while time.monotonic() < patience and busy():
        time.sleep(0.05)


def _environment(more: Mapping[str, str]) -> dict[str, str]:
    return QUIET | {"PYTHONPATH": _import_path()} | dict(more)


def _server(environment: Mapping[str, str]) -> ForkServer | None:
    return fork_server(os.environ | {name: environment[name] for name in environment if name not in PER_KERNEL})


def _import_path() -> str:
    """This process's import path, so that the kernel finds what the study's own rules and notebooks import."""
    return os.pathsep.join(entry for entry in sys.path if entry and Path(entry).is_dir())
