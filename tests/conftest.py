"""Settings and fixtures shared by every test.

The environment is set before torch, matplotlib or mlflow can be imported.
"""

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_DYNAMIC", "FALSE")  # never fewer threads than that: sums would round otherwise
os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")
os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["NO_COLOR"] = "1"

# A shell that starts the tests in the background ignores Ctrl-C, and what they start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples in every run, and no time limit that a busy machine would break.
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("repeatable")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the source tree."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """A folder of real video (`$QPM_SHARED/data`, by default beside the checkout); skips where there is none."""
    data = Path(os.environ.get("QPM_SHARED", ROOT.parent / "shared")) / "data"
    if not data.is_dir():
        pytest.skip(f"no real video: {data} is not a folder (set QPM_SHARED)")
    return data
