"""A process that has imported what notebooks need, and forks a kernel for each of them.

Run as ``python -m qpm.study.fork_server`` by `qpm.study.warm_kernel`. It answers a line of JSON with a line of JSON:

* ``{"imports": ["qpm.rows"]}``: import these (what cannot be imported is left to the notebook); answers ``{}``;
* ``{"imports": [...], "argv": [...], "env": {...}, "cwd": "...", "log": "..."}``: fork a kernel; answers its
  ``pid``, or ``{}`` where a fork would not be safe;
* ``{"poll": 4711}``: answers the kernel's exit ``code``, None while it runs.

When the pipe closes, because its owner ended or was killed, it kills its kernels and ends. Linux only.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import importlib
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

ALWAYS = ("ipykernel.kernelapp", "ipykernel.ipkernel", "matplotlib_inline.backend_inline")
DIE_WITH_PARENT = 1  # prctl's PR_SET_PDEATHSIG


def serve() -> None:
    """Answer requests until the pipe closes."""
    answers, kernels = os.dup(1), set[int]()
    os.dup2(2, 1)  # what an imported module prints is no answer
    with suppress(BrokenPipeError):  # the owner ended before it had its answer
        for line in sys.stdin:
            answer = _answer(json.loads(line), answers, kernels)
            os.write(answers, (json.dumps(answer) + "\n").encode())
    for pid in kernels:
        os.kill(pid, signal.SIGKILL)


def _answer(request: Mapping[str, Any], answers: int, kernels: set[int]) -> Mapping[str, int | None]:
    if "poll" in request:
        return {"code": _code(request["poll"], kernels)}
    _import([*ALWAYS, *request["imports"]])
    return _fork(request, answers, kernels) if "argv" in request else {}


def _import(names: Sequence[str]) -> None:
    for name in names:
        if name not in sys.modules:
            try:
                importlib.import_module(name)
            except BaseException:  # the notebook will meet it and say so
                continue


def _fork(request: Mapping[str, Any], answers: int, kernels: set[int]) -> Mapping[str, int | None]:
    if threading.active_count() > 1 or _uses_gpu():
        return {}
    gc.freeze()  # no collection in the kernels touches, and so copies, what they share
    pid = os.fork()
    if pid:
        kernels.add(pid)
        return {"pid": pid}
    code: Any = 1
    try:
        os.close(answers)
        _become_kernel(request)
        code = 0
    except SystemExit as asked:
        code = asked.code
    except BaseException:
        traceback.print_exc()
    finally:
        atexit._run_exitfuncs()  # the notebook's; tearing down the interpreter itself would only take time
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else int(code is not None))


def _uses_gpu() -> bool:
    """Whether an import has set CUDA up, which no fork survives."""
    torch = sys.modules.get("torch")
    return torch is not None and torch.cuda.is_initialized()


def _become_kernel(request: Mapping[str, Any]) -> None:
    parent = os.getppid()
    ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
    os.setsid()
    log, nothing = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.environ.clear()
    os.environ.update(request["env"] | {"JPY_PARENT_PID": str(parent)})
    os.chdir(request["cwd"])
    sys.argv = request["argv"]
    from ipykernel.kernelapp import IPKernelApp

    IPKernelApp.launch_instance()


def _code(pid: int, kernels: set[int]) -> int | None:
    """As `subprocess` has it: the exit code, or the signal's number below zero; None while the kernel runs."""
    done, status = os.waitpid(pid, os.WNOHANG)
    if not done:
        return None
    kernels.discard(pid)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    serve()
