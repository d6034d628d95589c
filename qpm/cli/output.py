"""What the commands print: tables and JSON on stdout, everything else on stderr."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.progress import Progress

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
    log.handlers = [logging.StreamHandler(sys.stderr)]
    log.setLevel(logging.INFO)
    log.propagate = False


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


def progress_bar() -> Progress:
    """A bar with the time left, on stderr and only on a terminal; use as a context."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    return Progress(console=console, transient=True, disable=not console.is_terminal)


@contextmanager
def counted(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar that is told (done, total)."""
    with progress_bar() as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
