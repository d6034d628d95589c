"""Which source files a piece of code can reach, found by following its imports without running it."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from qpm.provenance import source_root

PACKAGE = "qpm"
# Rows are written before anything here runs, so nothing here can change them.
PRESENTATION = ("qpm.report", "qpm.cli")


def imports(source: str) -> set[str]:
    """Names of the modules of this package that a piece of Python may import, at the top or inside a function."""
    return {name for name in _imported(ast.parse(source)) if _module_file(name) is not None}


def reached(roots: Iterable[str], leave_out: Sequence[str] = PRESENTATION) -> dict[str, Path]:
    """Modules of this package that the roots lead to, with their files; presentation is left out by default.

    Importing ``qpm.a.b`` runs ``qpm`` and ``qpm.a`` too, so these count.
    """
    found: dict[str, Path] = {}
    waiting = list(roots)
    while waiting:
        for name in _with_parents(waiting.pop()):
            path = _module_file(name)
            if name not in found and path is not None and not _is_under(name, leave_out):
                found[name] = path
                waiting += _imported_by(path, path.stat().st_mtime_ns)
    return found


def code_digest(path: Path) -> str:
    """SHA-256 of what a Python file does: comments, docstrings and layout do not count."""
    return _code_digest(path, path.stat().st_mtime_ns)


def outside_module(reference: str) -> Path:
    """The source file of a rule named by import path, such as ``mylab.rules:EntropyGate``."""
    name = reference.partition(":")[0]
    try:
        spec = find_spec(name)
    except ModuleNotFoundError:
        spec = None
    if spec is None or spec.origin is None:
        raise ValueError(f"cannot find module '{name}' of '{reference}'; is its folder on PYTHONPATH?")
    return Path(spec.origin)


@cache
def _code_digest(path: Path, changed: int) -> str:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and _is_text(body[0]):
            node.body = body[1:]  # type: ignore[attr-defined]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


@cache
def _imported_by(path: Path, changed: int) -> tuple[str, ...]:
    return tuple(sorted(imports(path.read_text(encoding="utf-8"))))


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in _running_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == PACKAGE)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == PACKAGE:
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)  # a name may be a module


def _running_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node but those under ``if TYPE_CHECKING:``, which never run."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        yield node
        yield from _running_nodes(node)


def _with_parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[: count + 1]) for count in range(len(parts))]


def _is_under(name: str, packages: Sequence[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


@cache
def _module_file(name: str) -> Path | None:
    base = source_root().joinpath(*name.split("."))
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)
