"""A training without a study's ledger and without MLflow, as on a cluster's node: its record, and its import later."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from qpm import provenance
from qpm.files import write_json
from qpm.study import locks
from qpm.study.measures import history, measures
from qpm.study.train import TrainTrial

RECORD = "run.json"
LOCK = "training.lock"
log = logging.getLogger(__name__)


@contextmanager
def recorded(trial: TrainTrial, folder: Path) -> Iterator[None]:
    """Keep `run.json` in the folder: settings, provenance, and how the training inside the with block ended.

    Raises
    ------
    qpm.study.locks.Locked
        If another process trains into the folder.
    """
    with locks.hold(folder / LOCK, f"the training in {folder}"), _record(trial, folder / RECORD):
        yield


@contextmanager
def _record(trial: TrainTrial, path: Path) -> Iterator[None]:
    earlier = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    record: dict[str, Any] = {
        "id": earlier.get("id", uuid.uuid4().hex),
        "config": trial.settings(),
        "data": trial.fingerprints(),
        "provenance": provenance.collect(),
        "started": earlier.get("started", provenance.now()),
    }
    status, reason = "failed", ""
    write_json(path, record | {"status": "running", "reason": ""})
    try:
        yield
        status = "finished"
    except KeyboardInterrupt as error:
        status, reason = "killed", str(error)
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise
    finally:
        _end(path, record | {"status": status, "reason": reason, "ended": provenance.now()})


def _end(path: Path, record: dict[str, Any]) -> None:
    """Write how a training ended; on a full disk, what it ended of must still be told."""
    try:
        write_json(path, record)
    except OSError as error:
        if record["status"] == "finished":
            raise
        log.warning("%s does not tell how the training ended (%s)", path, error)


def import_run(folder: Path, results: Path) -> str:
    """Bring such a training into the MLflow database of `results`, or what is new since it was brought there.

    Returns
    -------
    str
        The run's id in MLflow.

    Raises
    ------
    FileNotFoundError
        If the folder holds no record of a training.
    """
    from qpm.study.tracking import Tracker

    path = folder / RECORD
    if not path.is_file():
        raise FileNotFoundError(f"no {path}: expected the folder that `qpm train STUDY.yaml --out DIR` wrote")
    alive = locks.owner(folder / LOCK) is not None
    record = json.loads(path.read_text(encoding="utf-8"))
    alive = alive or locks.owner(folder / LOCK) is not None  # it may begin or end between
    config, origin = record["config"], record["provenance"]
    tracker = Tracker(results, config["study"])
    run_id = tracker.find("qpm.trial_hash", record["id"])
    if run_id is None:
        launch = tracker.start_launch(f"{config['study']} (imported)", origin)
        trial = {"config": config, "identity": {"data": record["data"]}, "hash": record["id"]}
        run_id = tracker.start_trial(launch, config["case"], trial, origin)
        tracker.end(launch, "finished")
    tracker.log_metrics(run_id, history(folder, tracker.last_step(run_id, "loss")))
    if record["status"] == "running" and alive:
        tracker.go_on(run_id)  # its end is yet to come
        return run_id
    status = "killed" if record["status"] == "running" else record["status"]
    tracker.end_trial(run_id, status, folder, measures(folder), record["reason"])
    return run_id
