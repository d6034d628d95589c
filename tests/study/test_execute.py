"""One notebook in one kernel: how it ended is told truly, and what was executed is kept."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest

from qpm.study import kernel
from qpm.study.execute import execute
from qpm.study.kernel import thread_limits
from qpm.study.notebook import check_parameters, parameter_names
from tests.study.pages import write_notebook


def cells(path: Path) -> list[str]:
    return [cell.source for cell in nbformat.read(path, as_version=4).cells]


def test_a_parameter_that_the_notebook_does_not_have_is_refused_before_anything_runs(tmp_path: Path) -> None:
    notebook = write_notebook(tmp_path / "n.ipynb", parameters="sigma_m: float = 0.7\nn = 5")
    assert parameter_names(notebook) == ["sigma_m", "n"]
    check_parameters(notebook, {"n": 3})
    with pytest.raises(ValueError, match="unknown parameter 'sigma'; did you mean 'sigma_m'"):
        execute(notebook, tmp_path / "out.ipynb", {"sigma": 0.5})
    assert not (tmp_path / "out.ipynb").exists()


def test_a_notebook_needs_one_cell_of_parameters(tmp_path: Path) -> None:
    notebook = write_notebook(tmp_path / "n.ipynb")
    notebook.write_text(notebook.read_text().replace('"parameters"]', '"other"]'))
    with pytest.raises(ValueError, match="has 0 cells tagged 'parameters'"):
        parameter_names(notebook)


def test_a_notebook_gets_its_parameters_and_its_threads(tmp_path: Path) -> None:
    check = "import os\nassert config == {'a': [1, None, True, 0.5]}\nassert os.environ['OMP_NUM_THREADS'] == '3'"
    check += "\nassert os.environ['MKL_DYNAMIC'] == 'FALSE'"  # else it may take fewer at times, which rounds otherwise
    notebook = write_notebook(tmp_path / "n.ipynb", check)
    before = notebook.read_bytes()
    done = execute(notebook, tmp_path / "out.ipynb", {"config": {"a": [1, None, True, 0.5]}}, thread_limits(3))
    assert (done.status, done.reason) == ("finished", "")
    assert notebook.read_bytes() == before
    assert [path.name for path in tmp_path.glob("out*")] == ["out.ipynb"]  # no partial file is left


def test_a_failed_notebook_is_kept_with_its_error_on_top(tmp_path: Path) -> None:
    notebook = write_notebook(tmp_path / "n.ipynb", "1 / 0", "print('never')")
    done = execute(notebook, tmp_path / "out.ipynb", {})
    assert (done.status, done.reason) == ("failed", "ZeroDivisionError: division by zero")
    assert "Exception" in cells(tmp_path / "out.ipynb")[0]


def test_a_killed_kernel_is_not_taken_for_a_finished_one(tmp_path: Path) -> None:
    notebook = write_notebook(tmp_path / "n.ipynb", "import os; os.kill(os.getpid(), 9)")
    done = execute(notebook, tmp_path / "out.ipynb", {})
    assert done.status == "killed" and "SIGKILL" in done.reason
    assert "did not finish" in cells(tmp_path / "out.ipynb")[0]


def test_a_launch_whose_place_was_taken_ends_its_notebooks_and_leaves_nothing(tmp_path: Path) -> None:
    notebook, began = write_notebook(tmp_path / "n.ipynb", "import time\ntime.sleep(600)"), time.monotonic()
    with ThreadPoolExecutor(2) as threads:
        runs = [threads.submit(execute, notebook, tmp_path / f"{n}.ipynb", {}, launch="study:old") for n in range(2)]
        while not list(tmp_path.glob("*.partial.ipynb")):
            time.sleep(0.01)
        kernel.stop_strays("study:", "study:new")  # of the two, some may have no kernel yet
        assert [run.result().status for run in runs] == ["killed", "killed"]
    assert execute(notebook, tmp_path / "late.ipynb", {}, launch="study:older").status == "killed"
    assert [path.name for path in tmp_path.iterdir()] == ["n.ipynb"] and time.monotonic() - began < 300
