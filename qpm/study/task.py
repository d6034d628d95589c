"""What a worker is asked to do: run a trial's notebook, in the study's folder or, if it sees none, in its own."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from qpm import provenance
from qpm.study import warm_kernel
from qpm.study.execute import Outcome, execute

OTHER_CODE = "the worker runs other code of this package than the machine that plans the study; install the same"


@dataclass(frozen=True)
class Task:
    """One notebook for one trial.

    Attributes
    ----------
    notebook : Path
    content : bytes
        The notebook itself, for a worker that does not see the file.
    folder : Path
        The trial's folder; its record (`trial.json`) is there.
    parameters : mapping
        What the notebook is given: "config", "folder", "run_id".
    environment : mapping
        Variables of the kernel.
    launch : str
        See `qpm.study.kernel.stop`.
    inputs : tuple of Path
        Files that the trial reads and that a worker may lack, such as weights.
    """

    notebook: Path
    content: bytes
    folder: Path
    parameters: Mapping[str, Any]
    environment: Mapping[str, str]
    launch: str
    inputs: tuple[Path, ...] = ()


def perform(task: Task) -> Outcome:
    """Run the notebook on the machine that planned it."""
    output = task.folder / "notebook.ipynb"
    return execute(task.notebook, output, task.parameters, task.environment, task.launch)


def perform_elsewhere(task: Task, code: str, *inputs: bytes) -> Outcome:
    """Run the notebook on a worker of a cluster.

    Parameters
    ----------
    task : Task
    code : str
        `package_digest` of the machine that planned it; a worker that runs other code refuses.
    *inputs : bytes
        The content of `task.inputs`, if workers lack them.
    """
    if code != package_digest():
        return Outcome("failed", 0.0, OTHER_CODE)
    if not warm_kernel.is_warm():
        warm_kernel.keep_warm()  # as long as the worker lives
    task = replace(task, environment=_own_threads())
    with TemporaryDirectory(prefix="qpm-") as place:
        own = Path(place)
        if not _is_same_file(task):
            (own / task.notebook.name).write_bytes(task.content)
            task = replace(task, notebook=own / task.notebook.name)
        outcome = perform(task) if _sees_folder(task) else _perform_alone(task, own / task.folder.name, inputs)
    return replace(outcome, machine=provenance.machine())


def _perform_alone(task: Task, folder: Path, inputs: Sequence[bytes]) -> Outcome:
    """Run the notebook in a folder of the worker's, whose files the outcome brings home."""
    moved = {str(task.parameters["folder"]): str(folder)}
    for number, (path, content) in enumerate(zip(task.inputs, inputs, strict=False)):
        copy = folder.parent / "inputs" / str(number) / path.name
        copy.parent.mkdir(parents=True)
        copy.write_bytes(content)
        moved[str(path)] = str(copy)
    folder.mkdir()
    outcome = perform(replace(task, folder=folder, parameters=_replaced(task.parameters, moved)))
    wanted = [path for path in folder.rglob("*") if path.is_file() and path.name[0] != "."]
    return replace(outcome, files={path.relative_to(folder).as_posix(): path.read_bytes() for path in wanted})


@cache
def package_digest() -> str:
    """SHA-256 over the package's source files."""
    root = provenance.source_root() / "qpm"
    total = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        total.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return total.hexdigest()


def _own_threads() -> Mapping[str, str]:
    """The worker's cores divided among the trials that it runs at once, unless its environment says otherwise."""
    from distributed import get_worker

    from qpm.study.kernel import thread_limits

    if "OMP_NUM_THREADS" in os.environ:
        return {}
    return thread_limits(max(1, provenance.available_cpus() // get_worker().state.nthreads))


def _is_same_file(task: Task) -> bool:
    return task.notebook.is_file() and task.notebook.read_bytes() == task.content


def _sees_folder(task: Task) -> bool:
    record = task.folder / "trial.json"
    if not record.is_file():
        return False
    return bool(json.loads(record.read_text(encoding="utf-8"))["run_id"] == task.parameters["run_id"])


def _replaced(value: Any, moved: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _replaced(part, moved) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_replaced(part, moved) for part in value]
    return moved.get(value, value) if isinstance(value, str) else value
