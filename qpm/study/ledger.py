"""The study's own record of its trials: `trial.json` in each trial's folder, always whole, and always true.

A trial is "running" only while the process that runs its study holds the study's lock. The states:
running, finished, failed (a Python error), killed (its kernel or host died), and superseded: finished, but the
study now asks for something else under that case and seed. Reports read finished trials.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
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
PLAN = "plan.json"  # in the trials' folder
STOPPED = "interrupted"  # the reason of a trial that was killed with its study


@dataclass(frozen=True)
class Planned:
    """A trial of the study with its identity and its folder, whether it has run or not."""

    trial: Trial
    identity: Identity
    folder: Path
    notebook: Path
    needs: Planned | None = None  # the training whose weights it evaluates

    @property
    def name(self) -> str:
        """The folder's name, ``<case>-<hash>``."""
        return self.folder.name

    @property
    def title(self) -> str:
        """What a reader calls the trial."""
        seed = f"{self.trial.case} seed {self.trial.seed}" if self.trial.seed else self.trial.case
        trained = getattr(self.trial, "training_seed", None)
        return f"{seed}, trained with seed {trained}" if trained else seed

    @property
    def is_ready(self) -> bool:
        """Whether what it needs is there."""
        return self.needs is None or is_finished(self.needs)


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
    needs = {index: trained_by(trial) for index, trial in enumerate(study.trials)}
    found: dict[int, Planned] = {}
    trainings: dict[tuple[str, int], Planned] = {}
    for index in sorted(needs, key=lambda index: needs[index] is not None):  # trainings before what needs them
        trial, wanted = study.trials[index], needs[index]
        found[index] = _planned(trial, study, results, trainings[wanted] if wanted else None)
        trainings.setdefault((trial.case, trial.seed), found[index])
    planned = [found[index] for index in sorted(found)]
    names: dict[str, Trial] = {}
    for entry in planned:
        if entry.name in names:
            raise ValueError(f"study {study.name}: case '{entry.trial.case}' seed {entry.trial.seed} is there twice")
        names[entry.name] = entry.trial
    return planned


def trained_by(trial: Trial) -> tuple[str, int] | None:
    """Case and seed of the training whose weights a trial evaluates; None if its weights are there already."""
    from qpm.study.config import Trained

    weights = getattr(trial, "weights", None)
    return (weights.trial, weights.seed) if isinstance(weights, Trained) else None


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
    """Whether the trial need not run: the ledger says so, its product is there, and the weights are those it had."""
    record = read(planned.folder)
    done = record is not None and record["status"] in ("finished", "superseded")
    return done and (planned.folder / planned.trial.product).is_file() and record is not None and _had(planned, record)


def digest(planned: Planned) -> str:
    """SHA-256 of what a finished trial has written, as it was when it ended; empty if it has not."""
    return str((read(planned.folder) or {}).get("product_sha256", ""))


def is_spoilt(planned: Planned, record: Mapping[str, Any]) -> bool:
    """Whether a trial finished, and yet is not finished any more."""
    return record["status"] in ("finished", "superseded") and not is_finished(planned)


def _had(planned: Planned, record: Mapping[str, Any]) -> bool:
    """Whether a trial evaluated the weights that its training has now; a training may have been repeated."""
    return planned.needs is None or (planned.is_ready and record.get("trained_sha256") == digest(planned.needs))


def make_current(planned: Sequence[Planned], study_dir: Path) -> None:
    """Mark finished trials that the study no longer asks for as superseded, and take back those it asks for again.

    The list of what it asks for is written down, so that reports can tell what is missing (`qpm.report.load`).
    """
    asked = [{"folder": entry.name, "title": entry.title, "product": entry.trial.product} for entry in planned]
    write_json(study_dir / "trials" / PLAN, asked)
    wanted = {entry.name for entry in planned}
    for record in records(study_dir):
        here = record["folder"].name in wanted
        if record["status"] == "finished" and not here:
            update(record["folder"], status="superseded")
        elif record["status"] == "superseded" and here:
            update(record["folder"], status="finished")


def _planned(trial: Trial, study: Study, results: Path, needs: Planned | None) -> Planned:
    notebook, weights = study.notebooks[trial.notebook], None
    if needs is not None:
        file = needs.folder / needs.trial.product
        trial = trial.model_copy(update={"weights": str(file)})  # type: ignore[attr-defined]
        weights = {needs.trial.case: f"trained: {needs.identity.hash}"}
    identity = identify(trial, notebook, weights)
    folder = results / study.name / "trials" / f"{trial.case}-{identity.hash[:LENGTH]}"
    return Planned(trial, identity, folder, notebook, needs)


def _status(planned: Planned, earlier: list[dict[str, Any]], alive: bool) -> TrialStatus:
    trial = planned.trial
    own = read(planned.folder)
    if is_finished(planned):
        state, reason = "finished", ""
    elif own is not None and own["status"] == "running" and alive:
        state, reason = "running", ""
    elif own is not None and own["status"] == "running":
        state, reason = "killed", "killed: the process that ran it is gone"
    elif own is not None and is_spoilt(planned, own):
        state, reason = _spoilt(planned)
    elif own is not None:
        state, reason = own["status"], f"{own['status']}: {own.get('reason', '')}"
    else:
        state, reason = _never_run(planned, earlier)
    return TrialStatus(trial.case, trial.seed, planned.identity.hash[:LENGTH], state, reason)


def _spoilt(planned: Planned) -> tuple[str, str]:
    """Why a trial that finished would run again though nothing that it is made of has changed."""
    if not (planned.folder / planned.trial.product).is_file() or planned.needs is None:
        return "failed", f"{planned.trial.product} is missing"
    again = "is trained again" if planned.is_ready else "is not trained"
    return "stale", f"weights changed ({planned.needs.title} {again})"


def _never_run(planned: Planned, earlier: list[dict[str, Any]]) -> tuple[str, str]:
    same = [record for record in earlier if _key(record["config"]) == _key(planned.trial.settings())]
    if not same:
        return "new", "never run"
    nearest = min((differences(record["identity"], planned.identity) for record in same), key=len)
    return "stale", "; ".join(nearest)


def _key(config: Mapping[str, Any]) -> tuple[Any, ...]:
    """What a trial is called in its study."""
    return config["case"], config["seed"], config.get("training_seed")
