"""Run one notebook with parameters, in a kernel of its own. The only module that imports papermill."""

from __future__ import annotations

import ast
import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import Context
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qpm.names import unknown


@dataclass(frozen=True)
class Outcome:
    """How a notebook ended: "finished", "failed" (a Python error) or "killed" (its kernel died)."""

    status: str
    seconds: float
    reason: str = ""


def check_parameters(notebook: Path, parameters: Mapping[str, Any]) -> None:
    """Refuse parameters that the notebook does not have; papermill would only warn and drop them.

    Raises
    ------
    ValueError
        ``notebook evaluate.ipynb: unknown parameter 'sigma'; did you mean 'sigma_m'? known: n, sigma_m``
    """
    known = parameter_names(notebook)
    for name in parameters:
        if name not in known:
            raise ValueError(f"notebook {notebook.name}: {unknown('parameter', name, known)}")


def parameter_names(notebook: Path) -> list[str]:
    """Names assigned in the notebook's one cell tagged "parameters"."""
    cells = [cell for cell in code_cells(notebook) if "parameters" in cell["metadata"].get("tags", [])]
    if len(cells) != 1:
        raise ValueError(f"{notebook} has {len(cells)} cells tagged 'parameters'; it needs exactly one")
    targets: list[ast.expr] = []
    for statement in ast.parse(source(cells[0])).body:
        if isinstance(statement, ast.Assign):
            targets += statement.targets
        elif isinstance(statement, ast.AnnAssign):
            targets.append(statement.target)
    return [target.id for target in targets if isinstance(target, ast.Name)]


def code_cells(notebook: Path) -> list[dict[str, Any]]:
    """The notebook's code cells as plain JSON; read without nbformat, which takes longer to import than to use."""
    try:
        document = json.loads(notebook.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{notebook} is not a notebook: {error}") from error
    return [cell for cell in document["cells"] if cell["cell_type"] == "code"]


def source(cell: Mapping[str, Any]) -> str:
    """The text of a cell, which the format stores as one string or as a list of lines."""
    text = cell["source"]
    return text if isinstance(text, str) else "".join(text)


def execute(
    notebook: Path, output: Path, parameters: Mapping[str, Any], environment: Mapping[str, str] | None = None
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
    """
    check_parameters(notebook, parameters)
    import papermill

    logging.getLogger("papermill").setLevel(logging.CRITICAL)  # what went wrong is told by the outcome

    from qpm.study import kernel

    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.with_name(f"{output.stem}.partial.ipynb").resolve()
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
                kernel_manager_class=kernel.kernel_class(sockets, environment or {}),
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
        kernel.forget(sockets)
        shutil.rmtree(sockets, ignore_errors=True)
        if partial.exists():
            os.replace(partial, output)
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

