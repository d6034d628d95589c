"""What the commands print: tables and JSON on stdout, everything else on stderr."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import typer

QUIET = 30.0  # seconds between lines of progress that is not shown on a terminal

QUIET_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",  # the word: DO_NOT_TRACK=1 is not honoured by MLflow
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # two server processes instead of ten
    "GIT_PYTHON_REFRESH": "quiet",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
}


def prepare() -> None:
    """Set the environment that children inherit, and send our log lines to stderr."""
    for name, value in QUIET_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    log = logging.getLogger("qpm")
    log.handlers = [Stderr()]
    log.setLevel(logging.INFO)


class Stderr(logging.Handler):
    """Prints to what is stderr at that moment."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        typer.echo(self.format(record), err=True)


def show(rows: Sequence[Mapping[str, Any]], *, as_json: bool = False, empty: str = "nothing to show") -> None:
    """Print rows to stdout as an aligned table, or as a JSON list."""
    if as_json:
        typer.echo(json.dumps(list(rows), indent=2, default=str, ensure_ascii=False))
    elif rows:
        from tabulate import tabulate

        columns = list(dict.fromkeys(column for row in rows for column in row))
        cells = [["" if row.get(c) is None else str(row[c]) for c in columns] for row in rows]
        typer.echo(tabulate(cells, columns, tablefmt="simple", disable_numparse=True))
    else:
        typer.echo(empty, err=True)


@contextmanager
def counted(what: str) -> Iterator[Callable[[int, int], None]]:
    """Show how far a command is, given (done, total): a bar on a terminal, now and then a line elsewhere."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    if not console.is_terminal:
        yield seldom(what)
        return
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def seldom(what: str, quiet: float = QUIET) -> Callable[[int, int], None]:
    """A line on stderr with the time left, at most one in `quiet` seconds."""
    began = told = time.monotonic()

    def tell(done: int, total: int) -> None:
        nonlocal told
        now = time.monotonic()
        if now - told >= quiet and done < total:
            told = now
            left = (now - began) * (total - done) / done
            typer.echo(f"{what}: {done} of {total}, about {left / 60:.0f} min left", err=True)

    return tell
