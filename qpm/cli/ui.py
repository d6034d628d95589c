"""`qpm ui`: browse the runs in MLflow's own web pages, on this machine only."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

HOST = "127.0.0.1"


def ui(
    results: Annotated[Path, typer.Option(help="Folder of the studies' results.")] = Path("results"),
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on 127.0.0.1.")] = 5000,
) -> None:
    """Browse and compare the runs in MLflow.

    Serves 127.0.0.1 only; Ctrl-C ends it.

    \b
    Example:
      qpm ui --port 5001
    """
    database = (results / "mlflow.db").resolve()
    if not database.exists():
        raise FileNotFoundError(f"no runs to show: {database} does not exist; `qpm run STUDY.yaml` makes it")
    if in_use(port):
        raise ValueError(f"port {port} on {HOST} is in use; choose another with --port")
    typer.echo(f"MLflow at http://{HOST}:{port} (ready in about ten seconds; Ctrl-C ends it)", err=True)
    raise typer.Exit(serve(server_command(database, port)))


def serve(command: Sequence[str]) -> int:
    """Run a server until it ends, or we are interrupted or terminated; none of its processes stays behind."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    server = subprocess.Popen(command, env=server_environment(), start_new_session=True)
    try:
        return server.wait()
    finally:
        stop(server)


def stop(server: subprocess.Popen[bytes]) -> None:
    """End a server that leads a process group, with every process of the group."""
    with suppress(ProcessLookupError):
        os.killpg(server.pid, signal.SIGTERM)


def server_command(database: Path, port: int) -> list[str]:
    """The command that serves one SQLite store on the loopback interface."""
    store = f"sqlite:///{database}"
    return [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", store,
            "--host", HOST, "--port", str(port), "--workers", "1"]  # fmt: skip


def server_environment() -> dict[str, str]:
    """No telemetry, and no job runners: two processes instead of ten."""
    return os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


def in_use(port: int) -> bool:
    """Whether something answers on the port already."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0
