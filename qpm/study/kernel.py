"""Kernels of the running interpreter: no kernelspec to install, private sockets, a share of the CPU threads."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from subprocess import Popen
from typing import Any

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import LocalProvisioner

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
QUIET = {
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "GIT_PYTHON_REFRESH": "quiet",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
}

LOG = "kernel.log"

_live: dict[Path, Popen] = {}  # folder of its sockets -> kernel, while its notebook runs; `stop_all` ends them
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
            with open(sockets / LOG, "w", encoding="utf-8") as log:  # the kernel's own words, not the study's screen
                await super()._async_launch_kernel(kernel_cmd, **settings | {"stdout": log, "stderr": log})
            if isinstance(self.provisioner, LocalProvisioner) and self.provisioner.process is not None:
                _live[sockets] = self.provisioner.process

    return PrivateKernelManager


def death(sockets: Path) -> str:
    """How the kernel of that folder died: its signal or exit code, and its last words if it had any."""
    process = _live.get(sockets)
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


def thread_limits(threads: int) -> dict[str, str]:
    """Variables that hold the numerical libraries to a number of CPU threads."""
    return {name: str(threads) for name in THREADS}


def stop_all() -> None:
    """Kill the kernels of this process and start no others until `allow`."""
    global _stopping
    _stopping = True
    for process in list(_live.values()):
        process.kill()


def allow() -> None:
    """Let kernels start (again)."""
    global _stopping
    _stopping = False


def _import_path() -> str:
    """This process's import path, so that the kernel finds what the study's own rules and notebooks import."""
    return os.pathsep.join(entry for entry in sys.path if entry and Path(entry).is_dir())
