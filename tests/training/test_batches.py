"""The processes that prepare clips: they work as long as the training, and end with it."""

import json
import subprocess
import sys
import time
from multiprocessing import active_children

import pytest

from qpm.training import batches as loading
from qpm.training.batches import batches
from qpm.training.mixture import ClipMixture

LEFT = """
import json, sys
from qpm.training import batches as loading
from qpm.training.batches import batches
from qpm.training.config import TrainConfig
from qpm.training.mixture import ClipMixture
loading.GRACE = 2
mixture = ClipMixture(TrainConfig(**json.loads(sys.argv[1])).stages[0], seed=0)
half_done = batches(mixture, 0, rank=0, ranks=1, workers=1, pinned=False)
next(half_done)
"""


def test_the_interpreter_ends_though_a_stage_is_left_half_done(config):
    settings = json.dumps(config({"iterations": 50}).model_dump(mode="json"))
    ended = subprocess.run([sys.executable, "-c", LEFT, settings], timeout=50, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_a_loader_process_outlives_a_signal_to_its_group_but_not_for_ever(config, monkeypatch):
    monkeypatch.setattr(loading, "GRACE", 2)
    before = set(active_children())
    mixture = ClipMixture(config({"iterations": 50}).stages[0], seed=0)
    arriving = batches(mixture, 0, rank=0, ranks=1, workers=1, pinned=False)
    next(arriving)
    (worker,) = set(active_children()) - before
    worker.terminate()
    next(arriving)  # it still works
    with pytest.raises(RuntimeError, match="killed by signal: Alarm clock"):
        time.sleep(20)


def test_a_loader_process_that_hands_an_error_over_ends_where_tracebacks_are_pickled(config, monkeypatch):
    pytest.importorskip("tblib.pickling_support").install()  # as Dask does: a traceback keeps what it has passed alive
    mixture = ClipMixture(config().stages[0], seed=0)
    monkeypatch.setattr(ClipMixture, "batch", lambda *_: int("no number"))
    before = set(active_children())
    with pytest.raises(ValueError, match="no number"):
        next(batches(mixture, 0, rank=0, ranks=1, workers=1, pinned=False))
    assert set(active_children()) <= before
