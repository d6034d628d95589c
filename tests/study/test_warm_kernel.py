"""A warm kernel is quick because of what it has imported, and otherwise a kernel like any other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest

from qpm.study import kernel
from qpm.study.execute import execute
from qpm.study.warm_kernel import warm
from tests.study.pages import write_notebook

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux only")

STATE = """
import os, sys
import qpm.names
print(os.getpid(), os.environ.get("CUDA_VISIBLE_DEVICES"), "papermill_left_this" in vars(qpm.names))
qpm.names.papermill_left_this = True
"""
OWNER = """
import sys
from pathlib import Path
from qpm.study.execute import execute
from qpm.study.warm_kernel import warm
with warm():
    execute(Path(sys.argv[1]), Path(sys.argv[1]).with_name("out.ipynb"), {})
"""


def printed(path: Path) -> str:
    return "".join(o.text for cell in nbformat.read(path, as_version=4).cells for o in cell.get("outputs", []))


def test_every_notebook_has_a_process_of_its_own_and_its_own_devices(tmp_path: Path) -> None:
    notebook = write_notebook(tmp_path / "n.ipynb", STATE)
    told = []
    with warm():
        for device in ("0", "1"):
            assert execute(notebook, tmp_path / "out.ipynb", {}, {"CUDA_VISIBLE_DEVICES": device}).status == "finished"
            told.append(printed(tmp_path / "out.ipynb").split())
    (first, *rest), (second, *others) = told
    assert first != second
    assert (rest, others) == (["0", "False"], ["1", "False"])  # nothing is carried over


def test_a_warm_kernel_starts_with_what_the_notebook_imports(tmp_path: Path) -> None:
    check = "import sys\nprint('qpm.memory.presets' in sys.modules)\nif len(sys.argv) < 0:\n    import qpm.memory"
    notebook = write_notebook(tmp_path / "n.ipynb", check)
    with warm():
        execute(notebook, tmp_path / "warm.ipynb", {})
    execute(notebook, tmp_path / "cold.ipynb", {})
    assert (printed(tmp_path / "warm.ipynb"), printed(tmp_path / "cold.ipynb")) == ("True\n", "False\n")


def test_a_killed_warm_kernel_is_told_as_such_and_the_next_one_lives(tmp_path: Path) -> None:
    deadly = write_notebook(tmp_path / "deadly.ipynb", "import os; os.kill(os.getpid(), 9)")
    harmless = write_notebook(tmp_path / "harmless.ipynb", "1 / 1")
    with warm():
        done = execute(deadly, tmp_path / "out.ipynb", {})
        assert done.status == "killed" and "SIGKILL" in done.reason
        assert execute(harmless, tmp_path / "out.ipynb", {}).status == "finished"


def test_where_an_import_starts_a_thread_the_kernel_starts_from_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = "thread = threading.Thread(target=time.sleep, args=(600,), daemon=True)\nthread.start()"
    (tmp_path / "busy.py").write_text(f"import threading, time\n{start}")
    monkeypatch.syspath_prepend(str(tmp_path))
    notebook = write_notebook(tmp_path / "n.ipynb", "import busy\nprint(busy.thread.is_alive())")
    with warm():
        assert execute(notebook, tmp_path / "out.ipynb", {}).status == "finished"
    assert printed(tmp_path / "out.ipynb") == "True\n"


def test_nothing_outlives_a_killed_owner(tmp_path: Path) -> None:
    sleeper = "import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(600)"
    notebook = write_notebook(tmp_path / "n.ipynb", sleeper)
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(notebook)], cwd=tmp_path)
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        assert owner.poll() is None
        time.sleep(0.05)
    kernel = psutil.Process(int((tmp_path / "pid").read_text()))
    server = kernel.parent()
    assert server is not None and "qpm.study.fork_server" in server.cmdline()
    os.kill(owner.pid, signal.SIGKILL)
    owner.wait()
    psutil.wait_procs([kernel, server], timeout=10)
    assert not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in (kernel, server))


@pytest.mark.parametrize(("asked", "threads"), [("", 2), ("1", 1), ("3", 2), ("0", 2), ("2,1", 2)])
def test_notebooks_share_the_cores_unless_fewer_threads_are_asked_for(monkeypatch, asked, threads):
    monkeypatch.setattr(kernel, "available_cpus", lambda: 4)
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    assert kernel.share_of_threads(2) == threads and kernel.share_of_threads(9) == 1
