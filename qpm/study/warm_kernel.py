"""Kernels forked from a process that has imported what they need: ready in a fraction of a second, and still alone.

That process is `qpm.study.fork_server`. It is started with the first notebook inside `warm()`, serves all that follow,
and ends with this process, whatever ends this. Linux only: elsewhere every kernel starts from nothing.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning import LocalProvisioner

_servers: dict[frozenset[tuple[str, str]], ForkServer] = {}  # by their environment
_users = 0  # blocks of `warm` under way
_change = threading.Lock()

Gone = (BrokenPipeError, ValueError)  # what talking to a server that has died raises


@contextmanager
def warm() -> Iterator[None]:
    """Inside a with block, kernels of this process are forked from a warm one."""
    keep_warm()
    try:
        yield
    finally:
        cool_down()


def keep_warm() -> None:
    """From now on fork kernels, until `cool_down` was called as often, or this process ends."""
    global _users
    with _change:
        _users += 1


def cool_down() -> None:
    """Undo one `keep_warm`; the last one ends the servers."""
    global _users
    with _change:
        _users -= 1
        servers = list(_servers.values()) if not _users else []
        if servers:
            _servers.clear()
    for server in servers:
        server.close()


def is_warm() -> bool:
    """Whether kernels of this process are forked at present."""
    return _users > 0


def server(environment: Mapping[str, str]) -> ForkServer | None:
    """The fork server with that environment, started if there is none; None outside of `warm`."""
    if sys.platform != "linux":
        return None
    with _change:
        key = frozenset(environment.items())
        if _users and (key not in _servers or not _servers[key].alive):
            _servers[key] = ForkServer(environment)
        return _servers.get(key) if _users else None


class ForkServer:
    """The handle of one fork server; safe to use from several threads.

    Parameters
    ----------
    environment : mapping
        Its whole environment. Numerical libraries read their thread limits from it as they are imported.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        command, own = [sys.executable, "-m", "qpm.study.fork_server"], dict(environment)
        self._process = Popen(command, stdin=PIPE, stdout=PIPE, text=True, env=own, start_new_session=True)
        self._lock = threading.Lock()

    @property
    def alive(self) -> bool:
        """Whether it still answers."""
        return self._process.poll() is None

    def prepare(self, imports: Sequence[str]) -> None:
        """Let it import these; does not wait."""
        threading.Thread(target=self._asked, args=({"imports": list(imports)},), daemon=True).start()

    def fork(self, imports: Sequence[str], argv: Sequence[str], log: Path, **place: Any) -> ForkedKernel | None:
        """A kernel that runs, or None where a fork would not be safe or the server has died.

        Parameters
        ----------
        imports : sequence of str
            Modules that it shall have from the start.
        argv : sequence of str
            ipykernel's command line.
        log : Path
            Where its own words go.
        **place
            ``env``: its whole environment; ``cwd``: its folder.
        """
        answer = self._asked({"imports": list(imports), "argv": list(argv), "log": str(log)} | place)
        return ForkedKernel(self, answer["pid"]) if answer and "pid" in answer else None

    def code(self, pid: int) -> int | None:
        """A kernel's exit code, negative for a signal; None while it runs. Kernels die with their server."""
        answer = self._asked({"poll": pid})
        return -signal.SIGKILL if answer is None else answer["code"]

    def close(self) -> None:
        """End the server, and with it its kernels."""
        self._process.kill()
        self._process.communicate()

    def _asked(self, request: Mapping[str, Any]) -> dict[str, Any] | None:
        assert self._process.stdin is not None and self._process.stdout is not None
        with self._lock:
            try:
                self._process.stdin.write(json.dumps(request) + "\n")
                self._process.stdin.flush()
                return dict(json.loads(self._process.stdout.readline()))
            except Gone:
                return None


class ForkedKernel:
    """A forked kernel with the face of `subprocess.Popen`."""

    stdin = stdout = stderr = None

    def __init__(self, server: ForkServer, pid: int) -> None:
        self.server, self.pid = server, pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code; None while it runs."""
        if self.returncode is None:
            self.returncode = self.server.code(self.pid)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code of a kernel that has ended or is just ending."""
        while self.poll() is None:
            threading.Event().wait(0.02)
        return self.returncode or 0

    def send_signal(self, signum: int) -> None:
        """Send a signal, unless it has ended: its number may be somebody else's by now."""
        if self.poll() is None:
            os.kill(self.pid, signum)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)


class WarmProvisioner(LocalProvisioner):
    """Starts a kernel by a fork where that is possible, else as a program."""

    server: ForkServer | None = None
    modules: Sequence[str] = ()
    log_file: Path

    async def launch_kernel(self, cmd: list[str], **settings: Any) -> KernelConnectionInfo:
        """Launch a kernel; `cmd` is the command of a program that would do the same."""
        place = {"env": dict(settings["env"]), "cwd": str(settings.get("cwd") or Path.cwd())}
        argv = cmd[cmd.index("-f") - 1 :]
        forked = self.server.fork(self.modules, argv, self.log_file, **place) if self.server is not None else None
        if forked is None:
            with open(self.log_file, "w", encoding="utf-8") as log:
                return await super().launch_kernel(cmd, **settings | {"stdout": log, "stderr": log})
        self.process = forked  # type: ignore[assignment]
        self.pid = self.pgid = forked.pid
        self.cwd = place["cwd"]
        return self.connection_info
