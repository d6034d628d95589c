"""Put the records right after a host died: nobody is running what says it runs."""

from __future__ import annotations

from pathlib import Path

from qpm.study import ledger

MARK = "launch.json"  # there while a launch is under way; left behind by one that died


def reconcile(results: Path, study: str) -> list[str]:
    """Turn trials that say "running" into killed ones, here and in MLflow, and remove half-written files.

    Only for the holder of the study's lock. A trial that ended just before its MLflow run was told keeps the
    ledger's word: the ledger is written first.

    Returns
    -------
    list of str
        Folder names of the trials that were put right.
    """
    folder = results / study
    died = [record for record in ledger.records(folder) if record["status"] == "running"]
    for record in died:
        ledger.update(record["folder"], status="killed", reason="the process that ran it is gone")
        remove_partial(record["folder"])
    for pattern in ("*.partial*", "notebooks/*.partial*", "trials/*.partial*", "trials/*/*.partial*"):
        for path in folder.glob(pattern):
            path.unlink(missing_ok=True)  # what wrote it may be removing it, too
    mark = folder / "trials" / MARK
    if mark.exists():
        _put_mlflow_right(results, study)
        mark.unlink()
    return [record["folder"].name for record in died]


def remove_partial(folder: Path) -> None:
    """Remove what an interrupted write left behind in a trial's folder, masks included."""
    for path in folder.rglob("*.partial*"):
        path.unlink(missing_ok=True)


def _put_mlflow_right(results: Path, study: str) -> None:
    from qpm.study.tracking import Tracker

    tracker = Tracker(results, study)
    ended = {record.get("run_id"): record for record in ledger.records(results / study)}
    for run_id in tracker.running():
        record = ended.get(run_id)
        if record is None:
            tracker.end(run_id, "killed")
        else:
            numbers, reason = record.get("metrics", {}), record.get("reason", "")
            tracker.end_trial(run_id, record["status"], record["folder"], numbers, reason)
