"""One owner at a time, and the other one learns who."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from qpm.study import locks

HOLD = "import sys, time; from pathlib import Path; from qpm.study import locks\n"
HOLD += "with locks.hold(Path(sys.argv[1]), 'x'): print('held', flush=True); time.sleep(60)"


def test_a_second_owner_is_refused_by_name_until_the_first_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    other = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None and other.stdout.readline() == "held\n"
    who = f"study x is being run by process {other.pid} on host {socket.gethostname()}"
    with pytest.raises(locks.Locked, match=who):
        with locks.hold(path, "study x"):
            pass
    assert (locks.owner(path) or {})["pid"] == other.pid
    os.kill(other.pid, signal.SIGKILL)
    other.wait()
    assert locks.owner(path) is None
    with locks.hold(path, "study x"):
        assert (locks.owner(path) or {})["pid"] == os.getpid()
    assert locks.owner(path) is None


def test_a_disk_that_knows_no_locks_warns_and_goes_on(tmp_path: Path, monkeypatch, caplog) -> None:
    def unknown(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locks.fcntl, "flock", unknown)
    with locks.hold(tmp_path / "a.lock", "study x"):
        assert locks.owner(tmp_path / "a.lock") is None
    assert "a.lock cannot be locked ([Errno 37] No locks available): see to it yourself" in caplog.text


def test_a_process_that_the_owner_has_forked_does_not_keep_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    says = "os.fork() or print(os.getpid(), flush=True)"
    fork = HOLD.replace("print('held', flush=True)", says).replace("import sys", "import os, sys")
    owner = subprocess.Popen([sys.executable, "-c", fork, str(path)], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    child = int(owner.stdout.readline())
    try:
        assert (locks.owner(path) or {})["pid"] == owner.pid
        owner.kill()
        owner.wait()
        os.kill(child, 0)  # it lives on, as a loader's process does for a while
        assert locks.owner(path) is None
    finally:
        os.kill(child, signal.SIGKILL)
