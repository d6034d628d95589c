"""When are two trials the same trial? When these agree:

* the notebook: its code, without outputs, comments or prose;
* the settings, written out in full (a preset and its long form are equal); where files lie does not count;
* the code that the notebook can reach by its imports, and third-party rules (`qpm.study.reach`);
* the data: the dataset's fingerprint;
* the weights: the files' SHA-256, or, where the study trains them, the identity of that training.

So a comment, a docstring, a report module or a new study reruns nothing. The version of Python counts only through
the code it parses; versions of libraries are recorded in the provenance and do not count.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Protocol

from qpm.dotted import flat
from qpm.provenance import source_root
from qpm.study.notebook import code_cells, plain, source, text
from qpm.study.reach import code_digest, imports, outside_module, reached

LENGTH = 12  # hexadecimal digits of the hash in a folder's name
PLACES = ("root", "weights", "initial_file")  # settings that say where something lies; its content counts instead


class Trial(Protocol):
    """What identity asks of a trial's record (`TrialConfig` or `TrainTrial`)."""

    study: str
    case: str
    seed: int
    notebook: str

    @property
    def product(self) -> str: ...

    def settings(self) -> dict[str, Any]: ...

    def fingerprints(self) -> dict[str, str]: ...

    def weight_files(self) -> dict[str, Path]: ...


@dataclass(frozen=True)
class Identity:
    """What a trial's result depends on, piece by piece, so that a difference can be named."""

    notebook: str
    config: Mapping[str, Any]
    code: Mapping[str, str]
    data: Mapping[str, str]
    weights: Mapping[str, str]

    @cached_property
    def hash(self) -> str:
        """SHA-256 over the pieces, hexadecimal."""
        return _sha256(json.dumps(asdict(self), sort_keys=True))


def identify(trial: Trial, notebook: Path, weights: Mapping[str, str] | None = None) -> Identity:
    """Compute a trial's identity; opens the dataset and reads the weights, runs nothing.

    Parameters
    ----------
    weights : mapping, optional
        What the weights are, by name, where they are no files yet: the identity of the training that makes them.

    Raises
    ------
    FileNotFoundError, ValueError
        If the dataset, weights or a third-party rule cannot be found.
    """
    settings = trial.settings()
    return Identity(
        notebook=_notebook_digest(notebook),
        config=_without_places(settings),
        code=_code(notebook) | _outside_code(settings),
        data=trial.fingerprints(),
        weights=weights or {name: file_digest(path) for name, path in trial.weight_files().items()},
    )


def differences(old: Mapping[str, Any], new: Identity) -> list[str]:
    """What changed since an identity that was recorded, one readable line each; empty if nothing did."""
    lines = []
    if old["notebook"] != new.notebook:
        lines.append("the notebook changed")
    before, now = dict(flat(old["config"])), dict(flat(new.config))
    for key in sorted(before.keys() | now.keys()):
        if before.get(key) != now.get(key):
            lines.append(f"config key {key} changed from {_shown(before, key)} to {_shown(now, key)}")
    if files := _changed(old["code"], new.code):
        lines.append(f"code changed in {', '.join(files)}")
    if old["data"] != new.data:
        lines.append(f"dataset changed ({', '.join(_changed(old['data'], new.data))})")
    if old["weights"] != new.weights:
        lines.append(f"weights changed ({', '.join(_changed(old['weights'], new.weights))})")
    return lines


def file_digest(path: Path) -> str:
    """SHA-256 of a file, hexadecimal; read once per process and version of the file."""
    state = path.stat()
    return _file_digest(path, state.st_mtime_ns, state.st_size)


@cache
def _file_digest(path: Path, changed: int, size: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _notebook_digest(notebook: Path) -> str:
    cells = [cell for cell in code_cells(notebook) if "parameters" not in cell["metadata"].get("tags", [])]
    return _sha256("\n".join(ast.dump(ast.parse(plain(source(cell)))) for cell in cells))


def _code(notebook: Path) -> dict[str, str]:
    files = reached(sorted(imports(text(notebook)))).values()
    return {path.relative_to(source_root()).as_posix(): code_digest(path) for path in files}


def _outside_code(settings: Mapping[str, Any]) -> dict[str, str]:
    rules = {value for key, value in flat(settings) if key.endswith("rule") and ":" in str(value)}
    return {str(rule): code_digest(outside_module(str(rule))) for rule in sorted(rules, key=str)}


def _without_places(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_places(part) for key, part in value.items() if key not in PLACES}
    return [_without_places(part) for part in value] if isinstance(value, list) else value


def _changed(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    return sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))


def _shown(flat: Mapping[str, Any], key: str) -> str:
    return json.dumps(flat[key]) if key in flat else "unset"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
