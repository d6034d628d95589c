"""One launch of a study: its pending trials through the engine, every change told to ledger and MLflow."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from distributed import Future

from qpm import provenance
from qpm.files import write_atomic, write_json
from qpm.study import ledger, progress_file
from qpm.study.engine import Engine, outcome
from qpm.study.execute import Outcome
from qpm.study.identity import file_digest
from qpm.study.ledger import Planned
from qpm.study.measures import history, measures
from qpm.study.progress import Clock, Display, duration
from qpm.study.reconcile import MARK, remove_partial
from qpm.study.sharing import Sharing
from qpm.study.tracking import Tracker

ATTEMPTS = 2  # of a trial whose kernel or worker died; a Python error is never tried again
LOOK = 0.5  # seconds between looks at the running trials


class Launch:
    """The trials that one `qpm run` starts; use as a context, so that every run in MLflow is ended.

    Parameters
    ----------
    study_dir : Path
        ``results/<study>``.
    engine : Engine
    tracker : Tracker
    show : Display
    sharing : Sharing, optional
        Which trials share a sweep.
    """

    def __init__(
        self,
        study_dir: Path,
        engine: Engine,
        tracker: Tracker,
        show: Display,
        sharing: Sharing | None = None,
    ) -> None:
        self.study_dir = study_dir
        self.sharing = sharing or Sharing(study_dir, {})
        self.engine, self.tracker, self.show = engine, tracker, show
        self.provenance = provenance.collect()
        self.attempts: dict[str, int] = {}
        self.logged: dict[str, int] = {}  # run id -> last iteration that MLflow has
        self.outcomes: dict[str, Outcome] = {}

    def __enter__(self) -> Launch:
        write_json(self.study_dir / "trials" / MARK, {"since": provenance.now()})
        diff, git = provenance.git_diff(provenance.source_root()), self.provenance["git"]
        if diff:  # what was not committed when these trials ran, by the digest that their records name
            path = self.study_dir / "trials" / f"{git['diff_sha256'][:12]}.diff"
            write_atomic(path, lambda partial: partial.write_bytes(diff.encode()))
        self.run_id = self.tracker.start_launch(self.study_dir.name, self.provenance, diff)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        good = kind is None and all(result.status == "finished" for result in self.outcomes.values())
        self.tracker.end(self.run_id, "finished" if good else "killed" if kind else "failed")
        (self.study_dir / "trials" / MARK).unlink()

    def run(self, pending: Sequence[Planned], fail_fast: bool = False) -> dict[str, Outcome]:
        """Run trials until none is left that can run; gives how each that ran ended, by folder name.

        A trial that needs the weights of another waits for that; if it fails, the trial is not started.

        Raises
        ------
        KeyboardInterrupt
            After the running trials were stopped and recorded as killed.
        """
        waiting, running, clock = deque(pending), dict[Future, Planned](), Clock(len(pending))
        try:
            while running or any(planned.is_ready for planned in waiting):
                while len(running) < self.engine.slots and (planned := _first_ready(waiting)) is not None:
                    running[self._start(planned)] = planned
                for future in self.engine.ended(running, LOOK):
                    planned = running.pop(future)
                    result = outcome(future, planned.folder)
                    done = self._end(planned, result)
                    clock.finished += done
                    if not done:
                        waiting.appendleft(planned)
                    elif fail_fast and self.outcomes[planned.name].status != "finished":
                        waiting.clear()
                self._look(list(running.values()), clock)
        except BaseException:
            self._stop(running)
            raise
        return self.outcomes

    def _start(self, planned: Planned) -> Future:
        folder = planned.folder
        folder.mkdir(parents=True, exist_ok=True)
        for stale in (folder / planned.trial.product, folder / progress_file.NAME, folder / "notebook.ipynb"):
            stale.unlink(missing_ok=True)
        remove_partial(folder)
        self.attempts[planned.name] = attempt = self.attempts.get(planned.name, 0) + 1
        facts = {"attempt": attempt, "provenance": self.provenance} | self.sharing.facts(planned)
        if planned.needs is not None:
            facts["trained_sha256"] = ledger.digest(planned.needs)
        record = ledger.opening(planned, started=provenance.now(), **facts)
        run_id = self.tracker.start_trial(self.run_id, planned.title, record, self.provenance)
        ledger.write(folder, record | {"run_id": run_id})
        self.show.started(planned.title)
        parameters = {"config": planned.trial.settings(), "folder": str(folder.resolve()), "run_id": run_id}
        return self.engine.submit(planned.notebook, folder, parameters, tuple(planned.trial.weight_files().values()))

    def _may_retry(self, planned: Planned, result: Outcome) -> bool:
        return result.status == "killed" and self.attempts[planned.name] < ATTEMPTS

    def _end(self, planned: Planned, result: Outcome) -> bool:
        """Write how a trial ended, first in the ledger and then in MLflow; gives whether it is done with."""
        if result.status == "finished" and not (planned.folder / planned.trial.product).is_file():
            reason = f"the notebook ended without writing {planned.trial.product}"
            result = replace(result, status="failed", reason=reason)
        product, finished = planned.folder / planned.trial.product, result.status == "finished"
        numbers = measures(planned.folder) if finished else {}
        told = progress_file.read(planned.folder)
        remove_partial(planned.folder)  # of a worker that died before another one took the trial over
        record = ledger.update(
            planned.folder,
            status=result.status,
            reason=result.reason,
            ended=provenance.now(),
            seconds=round(result.seconds, 3),
            device=told.device if told else "",
            **({"machine": dict(result.machine)} if result.machine else {}),
            metrics=numbers,
            product_sha256=file_digest(product) if finished else "",
        )
        self._mirror_history(planned, record["run_id"])
        self.tracker.end_trial(record["run_id"], result.status, planned.folder, numbers, result.reason)
        again = self._may_retry(planned, result)
        self.outcomes[planned.name] = result
        self.show.ended(planned.title, self._line(planned, result, numbers, again), not again)
        return not again

    def _line(self, planned: Planned, result: Outcome, numbers: dict[str, float], again: bool) -> str:
        if result.status == "finished":
            score = "".join(f", {name} {numbers[name]:.3f}" for name in ("J&F", "loss") if name in numbers)
            return f"{planned.title}: {duration(result.seconds)}{score}"
        what_next = "; trying again" if again else f"; see {planned.folder / 'notebook.ipynb'}"
        return f"{planned.title} {result.status} after {duration(result.seconds)}: {result.reason}{what_next}"

    def _look(self, running: Sequence[Planned], clock: Clock) -> None:
        told: dict[str, Any] = {planned.title: progress_file.read(planned.folder) for planned in running}
        for planned in running:
            record = ledger.read(planned.folder)
            if record is not None:
                self._mirror_history(planned, record["run_id"])
        self.show.tick(told, clock.left(told))

    def _mirror_history(self, planned: Planned, run_id: str) -> None:
        if planned.trial.product == "rows.parquet":
            return
        steps = history(planned.folder, self.logged.get(run_id, -1))
        if steps:
            self.tracker.log_metrics(run_id, steps)
            self.logged[run_id] = int(steps[-1]["step"])

    def _stop(self, running: dict[Future, Planned]) -> None:
        self.engine.stop(running)
        for planned in running.values():
            record = ledger.update(planned.folder, status="killed", reason=ledger.STOPPED, ended=provenance.now())
            remove_partial(planned.folder)
            self.tracker.end(record["run_id"], "killed")


def _first_ready(waiting: deque[Planned]) -> Planned | None:
    """Take the first trial that can start out of the queue; None if each waits for another."""
    planned = next((planned for planned in waiting if planned.is_ready), None)
    if planned is not None:
        waiting.remove(planned)
    return planned
