"""The house rules that a reader relies on: which way imports point, what stays light, how long a file gets."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = sorted((ROOT / "qpm").rglob("*.py"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

# A room may import itself and rooms of a lower floor; files directly in qpm/ that are not named are the ground floor.
FLOORS = {
    "weights": 1,
    "datasets": 2, "model": 2, "memory": 2, "metrics": 2,
    "inference": 3, "training": 3,
    "report": 4, "segment": 4, "submission": 4,
    "study": 5,
    "explore": 6,
    "cli": 6, "__main__": 7,
}  # fmt: skip
GROUND = 0
WITHOUT_TORCH = ("report", "metrics", "memory", "rows", "images", "cli")


def room(module: str) -> str:
    """`qpm.memory.keep` is in the room `memory`."""
    return (module.split(".") + [""])[1]


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def imports(path: Path) -> Iterator[str]:
    """Every module named in an import statement, also those inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            # `from qpm import images` names the room in the alias
            yield from (
                (f"{node.module}.{alias.name}" for alias in node.names)
                if node.module == "qpm"
                else [node.module]
            )


def test_imports_point_down():
    wrong = []
    for path in PACKAGE:
        here = room(module_name(path))
        if here == "":  # qpm/__init__.py gives `load_network` lazily
            continue
        for name in imports(path):
            there = room(name)
            if name.startswith("qpm.") and there not in ("__version__", here):
                below = FLOORS.get(there, GROUND) < FLOORS.get(here, GROUND)
                on_the_ground = FLOORS.get(there, GROUND) == FLOORS.get(here, GROUND) == GROUND
                if not (below or on_the_ground) and (here, there) != ("model", "weights"):
                    wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("library", "home"), [("mlflow", "qpm/study/tracking.py"), ("papermill", "qpm/study/execute.py")]
)
def test_a_tool_that_could_be_replaced_is_imported_in_one_file(library, home):
    users = {str(p.relative_to(ROOT)) for p in PACKAGE if any(n.split(".")[0] == library for n in imports(p))}
    assert users == {home}


def loaded_after(statement: str) -> set[str]:
    """Top-level modules in a fresh interpreter after a statement."""
    code = f"{statement}\nimport sys, json\nprint(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_tables_and_figures_need_no_torch():
    modules = [module_name(p) for p in PACKAGE if room(module_name(p)) in WITHOUT_TORCH]
    assert any(name.startswith("qpm.report.") for name in modules)
    assert "torch" not in loaded_after("import " + ", ".join(modules))


def test_the_command_starts_without_the_heavy_libraries():
    heavy = {"torch", "mlflow", "papermill", "pandas", "matplotlib", "scipy", "distributed"}
    assert not heavy & loaded_after("import qpm.cli")


def python_files() -> list[Path]:
    folders = [ROOT / name for name in ("qpm", "tests", "benchmarks")]
    return sorted(path for folder in folders for path in folder.rglob("*.py"))


def test_no_file_is_longer_than_three_hundred_lines():
    lengths = {
        str(p.relative_to(ROOT)): len(p.read_text(encoding="utf-8").splitlines()) for p in python_files()
    }
    assert {name: lines for name, lines in lengths.items() if lines > 300} == {}


def test_a_file_is_named_for_what_it_holds():
    nameless = {"utils", "util", "misc", "common", "helpers", "helper"}
    assert [str(p) for p in python_files() if p.stem in nameless or p.parent.name in nameless] == []


def test_nothing_is_left_for_later():
    unfinished = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|NotImplemented" r"Error)\b")
    assert [str(p) for p in PACKAGE if unfinished.search(p.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_is_a_thin_page(path):
    cells = [c for c in json.loads(path.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == "code"]
    assert not any(c["outputs"] or c["execution_count"] for c in cells), "outputs are not committed"
    tree = ast.parse("\n".join("".join(c["source"]) for c in cells))
    assert not [
        n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    ]
    assert sum("parameters" in c["metadata"].get("tags", []) for c in cells) == 1
