"""Two trials are the same when nothing that can change their rows differs; a difference is named."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import pytest

from qpm.study import identity, reach
from qpm.study.config import TrialConfig
from qpm.study.identity import Identity, differences, identify
from tests.study.pages import write_notebook

WEIGHTS = "weights.safetensors"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small package in the place of ours: loop imports gate, report imports loop, nobody imports other."""
    files = {
        "__init__": "",
        "loop": "def go():\n    from qpm.gate import keep\n    return keep()\n",
        "gate": '"""A gate."""\n\ndef keep():\n    """Keep."""\n    return 1  # one\n',
        "other": "x = 1\n",
        "report/__init__": "import qpm.loop\n",
        "report/table": "y = 1\n",
    }
    for name, text in files.items():
        path = tmp_path / "qpm" / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    for module in (identity, reach):
        monkeypatch.setattr(module, "source_root", lambda: tmp_path)
    reach._module_file.cache_clear()
    yield tmp_path / "qpm"
    reach._module_file.cache_clear()


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    (tmp_path / WEIGHTS).write_bytes(b"weights")
    return write_notebook(tmp_path / "n.ipynb", "import qpm.loop\nfrom qpm.report import table\nqpm.loop.go()")


def config(folder: Path, **changes: object) -> TrialConfig:
    settings = {"study": "s", "case": "c", "dataset": {"name": "synthetic", "videos": 1, "frames": 2}, "policy": "qpm"}
    return TrialConfig.model_validate(settings | {"weights": str(folder / WEIGHTS)} | changes)


def changed(notebook: Path, before: Identity) -> list[str]:
    after = identify(config(notebook.parent), notebook)
    assert (after.hash == before.hash) == (after == before)
    return differences(dataclasses.asdict(before), after)


def test_only_code_that_the_notebook_reaches_counts(package: Path, notebook: Path) -> None:
    assert set(identify(config(notebook.parent), notebook).code) == {"qpm/__init__.py", "qpm/loop.py", "qpm/gate.py"}


def test_comments_docstrings_reports_and_unreached_code_change_nothing(package: Path, notebook: Path) -> None:
    before = identify(config(notebook.parent), notebook)
    (package / "gate.py").write_text('"""Another text."""\n\n\ndef keep():\n    return 1\n')
    (package / "report" / "table.py").write_text("y = 2  # changed\n")
    (package / "other.py").write_text("x = 2\n")
    assert changed(notebook, before) == []


def test_a_change_in_reached_code_names_the_file(package: Path, notebook: Path) -> None:
    before = identify(config(notebook.parent), notebook)
    (package / "gate.py").write_text("def keep():\n    return 2\n")
    assert changed(notebook, before) == ["code changed in qpm/gate.py"]


def test_outputs_prose_and_comments_of_the_notebook_do_not_count_its_code_does(package: Path, notebook: Path) -> None:
    before = identify(config(notebook.parent), notebook)
    cell = "import qpm.loop  # the loop\nfrom qpm.report import table\nqpm.loop.go()"
    write_notebook(notebook, cell, parameters="config = {'other': 'default'}\nfolder = ''")
    assert changed(notebook, before) == []
    write_notebook(notebook, cell, "%matplotlib inline\nprint(3)")
    assert changed(notebook, before) == ["the notebook changed"]


def test_a_changed_setting_is_named_with_both_values(package: Path, notebook: Path) -> None:
    before = identify(config(notebook.parent), notebook)
    after = identify(config(notebook.parent, policy={"preset": "qpm", "keep": {"sigma_m": 0.8}}), notebook)
    assert differences(dataclasses.asdict(before), after) == [
        "config key policy.shelves.1.keep.sigma_m changed from 0.7 to 0.8"
    ]


def test_a_preset_and_its_long_form_are_one_trial(package: Path, notebook: Path) -> None:
    short = config(notebook.parent)
    long = config(notebook.parent, policy=short.policy.model_dump(mode="json"))
    assert identify(short, notebook).hash == identify(long, notebook).hash


def test_new_weights_and_new_data_are_named(package: Path, notebook: Path) -> None:
    before = identify(config(notebook.parent), notebook)
    (notebook.parent / WEIGHTS).write_bytes(b"other weights")
    assert changed(notebook, before) == ["weights changed (weights)"]
    old = dataclasses.asdict(before) | {"data": {"synthetic": "another fingerprint"}}
    assert differences(old, before) == ["dataset changed (synthetic)"]


def test_where_the_weights_lie_does_not_count(package: Path, notebook: Path, tmp_path: Path) -> None:
    (tmp_path / "moved").mkdir()
    (tmp_path / "moved" / WEIGHTS).write_bytes(b"weights")
    here, there = config(tmp_path), config(tmp_path / "moved")
    assert identify(here, notebook).hash == identify(there, notebook).hash


def test_the_source_of_a_third_party_rule_counts(
    package: Path, notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = "from qpm.memory import KeepRule\n\nclass Odd(KeepRule):\n    rule: str = 'mylab_odd:Odd'\n"
    rule += "    def __call__(self, frame):\n        return frame.index % 2 == 1\n"
    (tmp_path / "mylab_odd.py").write_text(rule)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "mylab_odd", raising=False)
    trial = config(tmp_path, policy={"keep": {"rule": "mylab_odd:Odd"}})
    assert "mylab_odd:Odd" in identify(trial, notebook).code
