"""A notebook as a file: cells, parameters, imports; read without nbformat, which is slow to import."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qpm.names import unknown
from qpm.study.reach import imports, reached


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
    """The notebook's code cells as plain JSON."""
    try:
        document = json.loads(notebook.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{notebook} is not a notebook: {error}") from error
    return [cell for cell in document["cells"] if cell["cell_type"] == "code"]


def source(cell: Mapping[str, Any]) -> str:
    """The text of a cell, which the format stores as one string or as a list of lines."""
    text = cell["source"]
    return text if isinstance(text, str) else "".join(text)


def plain(code: str) -> str:
    """Notebook code as plain Python: lines that only IPython knows (%magic, !command) become text."""
    return "\n".join(repr(line) if line.lstrip()[:1] in ("%", "!") else line for line in code.splitlines())


def text(notebook: Path) -> str:
    """The code of all cells as one piece of plain Python."""
    return "\n".join(plain(source(cell)) for cell in code_cells(notebook))


def modules(notebook: Path) -> list[str]:
    """What the notebook will have loaded in the end: its own imports, and modules of this package that they reach."""
    code = text(notebook)
    nodes = list(ast.walk(ast.parse(code)))
    named = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    named |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    return sorted(named | set(reached(sorted(imports(code)))))
