"""The study's own record of its trials: `trial.json` in each trial's folder, always whole, and always true.

A trial is "running" only while the process that runs its study holds the study's lock. The states:
running, finished, failed (a Python error), killed (its kernel or host died), and superseded: finished, but the
study now asks for something else under that case and seed. Reports read finished trials.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from qpm.files import write_json
from qpm.study import locks
from qpm.study.identity import LENGTH, Identity, Trial, differences, identify
from qpm.study.spec import Study

SCHEMA = 1
RECORD = "trial.json"
LOCK = "study.lock"
STOPPED = "interrupted"  # the reason of a trial that was killed with its study


@dataclass(frozen=True)
class Planned:
    """A trial of the study with its identity and its folder, whether it has run or not."""

    trial: Trial
    identity: Identity
    folder: Path

    @property
    def name(self) -> str:
        """The folder's name, ``<case>-<hash>``."""
        return self.folder.name

    @property
    def title(self) -> str:
        """What a reader calls the trial."""
        return f"{self.trial.case} seed {self.trial.seed}" if self.trial.seed else self.trial.case


@dataclass(frozen=True)
class TrialStatus:
    """What the ledger says of a trial, and why it would run (empty if it would not)."""

    case: str
    seed: int
    hash: str
    state: str
    reason: str


def plan(study: Study, results: Path) -> list[Planned]:
    """Identify every trial of the study.

    Raises
    ------
    ValueError
        If two trials are the same, which would make one of them overwrite the other.
    """
    planned = [_planned(trial, study, results) for trial in study.trials]
    names: dict[str, Trial] = {}
    for entry in planned:
        if entry.name in names:
            raise ValueError(f"study {study.name}: case '{entry.trial.case}' seed {entry.trial.seed} is there twice")
        names[entry.name] = entry.trial
    return planned


def status(study: Study, results: Path) -> list[TrialStatus]:
    """The state of each trial of the study and why it would run: never run, failed, or what changed."""
    folder = results / study.name
    alive = locks.owner(folder / LOCK) is not None
    earlier = list(records(folder))
    return [_status(planned, earlier, alive) for planned in plan(study, results)]


def read(folder: Path) -> dict[str, Any] | None:
    """A trial's record; None if it never started."""
    try:
        return dict(json.loads((folder / RECORD).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def write(folder: Path, record: Mapping[str, Any]) -> None:
    """Replace a trial's record."""
    write_json(folder / RECORD, dict(record))


def update(folder: Path, **changes: Any) -> dict[str, Any]:
    """Change some keys of a trial's record and give back the whole."""
    record = (read(folder) or {}) | changes
    write(folder, record)
    return record


def opening(planned: Planned, **facts: Any) -> dict[str, Any]:
    """The record of a trial that starts now."""
    return {
        "schema": SCHEMA,
        "status": "running",
        "hash": planned.identity.hash,
        "config": planned.trial.settings(),
        "product": planned.trial.product,
        "identity": asdict(planned.identity),
        **facts,
    }


def records(study_dir: Path) -> Iterator[dict[str, Any]]:
    """The records of all trials that the study ever started, with the folder under "folder"."""
    for path in sorted((study_dir / "trials").glob(f"*/{RECORD}")):
        yield (read(path.parent) or {}) | {"folder": path.parent}


def is_finished(planned: Planned) -> bool:
    """Whether the trial need not run: the ledger says so and its product is there."""
    record = read(planned.folder)
    done = record is not None and record["status"] in ("finished", "superseded")
    return done and (planned.folder / planned.trial.product).is_file()


def make_current(planned: Iterable[Planned], study_dir: Path) -> None:
    """Mark finished trials that the study no longer asks for as superseded, and take back those it asks for again."""
    wanted = {entry.name for entry in planned}
    for record in records(study_dir):
        here = record["folder"].name in wanted
        if record["status"] == "finished" and not here:
            update(record["folder"], status="superseded")
        elif record["status"] == "superseded" and here:
            update(record["folder"], status="finished")


def _planned(trial: Trial, study: Study, results: Path) -> Planned:
    identity = identify(trial, study.notebook)
    return Planned(trial, identity, results / study.name / "trials" / f"{trial.case}-{identity.hash[:LENGTH]}")


def _status(planned: Planned, earlier: list[dict[str, Any]], alive: bool) -> TrialStatus:
    trial = planned.trial
    own = read(planned.folder)
    if is_finished(planned):
        state, reason = "finished", ""
    elif own is not None and own["status"] == "running" and alive:
        state, reason = "running", ""
    elif own is not None and own["status"] == "running":
        state, reason = "killed", "killed: the process that ran it is gone"
    elif own is not None and own["status"] in ("finished", "superseded"):
        state, reason = "failed", f"{trial.product} is missing"
    elif own is not None:
        state, reason = own["status"], f"{own['status']}: {own.get('reason', '')}"
    else:
        state, reason = _never_run(planned, earlier)
    return TrialStatus(trial.case, trial.seed, planned.identity.hash[:LENGTH], state, reason)


def _never_run(planned: Planned, earlier: list[dict[str, Any]]) -> tuple[str, str]:
    key = (planned.trial.case, planned.trial.seed)
    same = [record for record in earlier if (record["config"]["case"], record["config"]["seed"]) == key]
    if not same:
        return "new", "never run"
    nearest = min((differences(record["identity"], planned.identity) for record in same), key=len)
    return "stale", "; ".join(nearest)
