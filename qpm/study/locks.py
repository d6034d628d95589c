"""One owner at a time, told by the operating system: a lock dies with the process that holds it."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from qpm.provenance import now

_held: set[IO[str]] = set()  # by this process
log = logging.getLogger(__name__)


class Locked(RuntimeError):
    """Another process holds the lock; the message names it."""


@contextmanager
def hold(path: Path, what: str, wait: bool = False) -> Iterator[None]:
    """Hold the lock file `path` for the length of a with block.

    Parameters
    ----------
    path : Path
        The lock file; it stays on disk, empty of meaning, after the lock is given back.
    what : str
        What is locked, for the message: "study quickstart".
    wait : bool
        Wait for the present owner instead of refusing.

    Raises
    ------
    Locked
        ``study quickstart is being run by process 4711 on host lab3 since 2026-01-01T10:00:00Z``
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            raise Locked(f"{what} is being run by {_describe(_read(path))}") from None
        except OSError as error:  # some network disks know no locks
            log.warning("%s cannot be locked (%s): see to it yourself that nothing else runs %s", path, error, what)
        file.truncate(0)
        file.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": now()}))
        file.flush()
        _held.add(file)
        try:
            yield  # closing the file gives the lock back
        finally:
            _held.discard(file)


def _let_go() -> None:
    """In a forked process: the lock is its parent's alone, and ends with that; closing a copy gives nothing back."""
    for file in _held:
        file.close()
    _held.clear()


os.register_at_fork(after_in_child=_let_go)


def owner(path: Path) -> dict[str, Any] | None:
    """Who holds the lock now (pid, host, since), or None."""
    if not path.exists():
        return None
    with open(path, encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _read(path)
        except OSError:  # some network disks know no locks
            return None
    return None


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except ValueError:  # the owner is about to write its name
        return {}


def _describe(facts: dict[str, Any]) -> str:
    pid, host, since = (facts.get(name, "?") for name in ("pid", "host", "since"))
    return f"process {pid} on host {host} since {since}"
