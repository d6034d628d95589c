"""Kernels of the running interpreter: no kernelspec to install, private sockets, a share of the CPU threads."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from subprocess import Popen
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
QUIET = {
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GIT_PYTHON_REFRESH": "quiet",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
}

_live: set[Popen] = set()  # kernels that this process started; `stop_all` ends them
_stopping = False


class Stopped(RuntimeError):
    """The study is being stopped; no new kernel starts."""


def kernel_class(sockets: Path, environment: Mapping[str, str]) -> type[AsyncKernelManager]:
    """A kernel manager class for one notebook.

    Parameters
    ----------
    sockets : Path
        An empty folder that only this user can open. The kernel's IPC sockets lie there, so that, unlike
        with TCP ports, nobody else on the machine can reach the kernel.
    environment : mapping
        Variables set for the kernel beside this process's own.
    """
    spec = KernelSpec(
        argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        display_name="qpm",
        language="python",
        env=QUIET | {"PYTHONPATH": _import_path()} | dict(environment),
    )

    class PrivateKernelManager(AsyncKernelManager):
        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            self.transport = "ipc"
            self.connection_file = str(sockets / "kernel.json")

        @property
        def kernel_spec(self) -> KernelSpec:
            return spec

        async def _async_launch_kernel(self, kernel_cmd: list[str], **settings: Any) -> None:
            if _stopping:
                raise Stopped("the study is being stopped")
            await super()._async_launch_kernel(kernel_cmd, **settings)
            _live.add(self.provisioner.process)

    return PrivateKernelManager


def thread_limits(threads: int) -> dict[str, str]:
    """Variables that hold the numerical libraries to a number of CPU threads."""
    return {name: str(threads) for name in THREADS}


def stop_all() -> None:
    """Kill the kernels of this process and start no others until `allow`."""
    global _stopping
    _stopping = True
    for process in list(_live):
        if process.poll() is None:
            process.kill()


def allow() -> None:
    """Let kernels start (again)."""
    global _stopping
    _stopping = False
    for process in [process for process in _live if process.poll() is not None]:
        _live.discard(process)


def _import_path() -> str:
    """This process's import path, so that the kernel finds what the study's own rules and notebooks import."""
    return os.pathsep.join(entry for entry in sys.path if entry and Path(entry).is_dir())
