"""`qpm ui` serves one database to this machine only, and takes its server with it when it ends."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from qpm.cli import ui

PARENT = "import sys; from qpm.cli.ui import serve; serve([sys.executable, '-c', sys.argv[1], sys.argv[2]])"
CHILD = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(60)"


def test_the_server_binds_to_the_loopback_interface():
    command = ui.server_command(Path("/results/mlflow.db"), 5001)
    assert command[command.index("--host") + 1] == "127.0.0.1"
    assert command[command.index("--backend-store-uri") + 1] == "sqlite:////results/mlflow.db"


def test_neither_telemetry_nor_job_runners_are_started():
    environment = ui.server_environment()
    assert environment["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"


def test_a_port_in_use_is_noticed():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        assert ui.in_use(other.getsockname()[1])


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=["interrupted", "terminated"])
def test_the_server_ends_with_the_command(how, tmp_path):
    note = tmp_path / "pid"
    command = subprocess.Popen([sys.executable, "-c", PARENT, CHILD, str(note)], stderr=subprocess.DEVNULL)
    wait_for(lambda: note.exists() and note.read_text())
    command.send_signal(how)
    command.wait(timeout=30)
    wait_for(lambda: not is_alive(int(note.read_text())))


def wait_for(happened) -> None:
    for _ in range(600):
        if happened():
            return
        time.sleep(0.05)
    raise AssertionError("it did not happen within 30 s")


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that waits to be collected does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] == "Z")
