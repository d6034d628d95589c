"""Run one notebook with parameters, in a kernel of its own. The only module that imports papermill."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import Context
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qpm.study.notebook import check_parameters, modules


@dataclass(frozen=True)
class Outcome:
    """How a notebook ended: "finished", "failed" (a Python error) or "killed" (its kernel died).

    From a worker of a cluster come also its `machine` (`qpm.provenance.machine`) and, where it does not see the study's
    folder, the trial's `files` by their path in the trial's folder.
    """

    status: str
    seconds: float
    reason: str = ""
    machine: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)


def execute(
    notebook: Path,
    output: Path,
    parameters: Mapping[str, Any],
    environment: Mapping[str, str] | None = None,
    launch: str = "",
) -> Outcome:
    """Run a notebook; whatever happens, what was executed is kept at `output`, whole.

    Parameters
    ----------
    notebook : Path
        The source; it is not changed.
    output : Path
        Where the executed notebook goes. Papermill saves after every cell, to a partial file beside it.
    parameters : mapping
        JSON values for names of the cell tagged "parameters"; checked first.
    environment : mapping, optional
        Environment variables of the kernel, such as its thread limits.
    launch : str
        What `qpm.study.kernel.stop` will call it by.
    """
    check_parameters(notebook, parameters)
    import papermill

    logging.getLogger("papermill").setLevel(logging.CRITICAL)  # what went wrong is told by the outcome

    from qpm.study import kernel

    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.with_name(f"{output.stem}.{uuid.uuid4().hex[:8]}.partial.ipynb").resolve()
    sockets = Path(tempfile.mkdtemp(prefix="qpm-"))
    began = time.monotonic()
    try:
        with _own_event_loop() as context:
            context.run(
                papermill.execute_notebook,
                notebook.resolve(),
                partial,
                dict(parameters),
                progress_bar=False,
                autosave_cell_every=0,
                kernel_manager_class=kernel.kernel_class(sockets, environment or {}, modules(notebook), launch),
            )
        status, reason = "finished", ""
    except papermill.PapermillExecutionError as error:
        status, reason = "failed", f"{error.ename}: {error.evalue}"
    except Exception as error:
        if not _kernel_died(error):
            raise
        status, reason = "killed", f"the kernel died ({kernel.death(sockets)})"
        _mark_killed(partial, reason)
    finally:
        if kernel.is_stopped(launch):  # somebody else may run this trial by now
            partial.unlink(missing_ok=True)
        elif partial.exists():
            os.replace(partial, output)
        shutil.rmtree(sockets, ignore_errors=True)
        kernel.forget(sockets)
    return Outcome(status, time.monotonic() - began, reason)


@contextmanager
def _own_event_loop() -> Iterator[Context]:
    """A fresh context: Jupyter keeps its event loop in one, and threads that share it cannot run at a time."""
    from jupyter_core.utils import ensure_event_loop

    context = Context()
    try:
        yield context
    finally:
        context.run(ensure_event_loop).close()


def _kernel_died(error: Exception) -> bool:
    from nbclient.exceptions import DeadKernelError

    from qpm.study.kernel import Stopped

    return isinstance(error, DeadKernelError | Stopped) or "kernel died" in str(error).lower()


def _mark_killed(notebook: Path, reason: str) -> None:
    """Say at the top of a killed notebook that it was killed: papermill leaves its cells looking complete."""
    if not notebook.exists():
        return
    import nbformat

    document = nbformat.read(notebook, as_version=4)
    text = f"**This run did not finish: {reason}.** Cells below may look complete."
    document.cells.insert(0, nbformat.v4.new_markdown_cell(text))
    nbformat.write(document, notebook)

