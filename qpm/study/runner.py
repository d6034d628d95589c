"""`qpm run`: bring a study to the state that its file describes, doing only what is not done."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from qpm.study import ledger, locks
from qpm.study.ledger import STOPPED, Planned
from qpm.study.notebook import check_parameters
from qpm.study.outputs import Outputs, bring_up_to_date
from qpm.study.reconcile import reconcile
from qpm.study.spec import Study

EXIT_INTERRUPTED = 130
GIVEN = ("config", "folder", "run_id")  # what a trial's notebook is given


@dataclass(frozen=True)
class RunSummary:
    """What a run did.

    Attributes
    ----------
    finished, skipped, failed : int
        Trials that ran and ended well, that were done before, and that did not end well.
    seconds : float
    exit_code : int
        0 all well; 1 some trial or a report's notebook failed, or the reports were refused; 130 interrupted.
    failures : tuple of str
        One line each, also for a report's notebook, with the path of the notebook that shows the traceback.
    outputs : tuple of Path
        Tables and figures that were written.
    """

    finished: int
    skipped: int
    failed: int
    seconds: float
    exit_code: int
    failures: tuple[str, ...] = ()
    outputs: tuple[Path, ...] = ()


def run(
    study: Study,
    results: Path,
    jobs: int = 1,
    cluster: str | None = None,
    allow_partial: bool = False,
    fail_fast: bool = False,
    share: bool = True,
    per_gpu: int = 1,
    console: Console | None = None,
) -> RunSummary:
    """Run what is not finished, then render the study's reports.

    Parameters
    ----------
    study : Study
    results : Path
        The folder of all studies.
    jobs : int
        Trials at a time on this machine; 0 is as many as its cores and memory allow.
    cluster : str, optional
        Address of a running Dask scheduler, instead of this machine.
    allow_partial : bool
        Render also when some trial has failed.
    fail_fast : bool
        Start nothing more after the first failure.
    share : bool
        Evaluate trials that differ only in the policy as one sweep (`qpm.study.sharing`).
    per_gpu : int
        Trials that share a GPU of this machine.
    console : Console, optional
        Where progress is shown; by default standard error.

    Raises
    ------
    qpm.study.locks.Locked
        If another process runs this study.
    """
    console = console or Console(stderr=True)
    results = Path(results)
    folder, began = results / study.name, time.monotonic()
    for notebook in study.notebooks.values():
        check_parameters(notebook, dict.fromkeys(GIVEN))
    with locks.hold(folder / ledger.LOCK, f"study {study.name}"):
        planned = ledger.plan(study, results)
        for name in reconcile(results, study.name):
            console.print(f"{name} was left unfinished by a process that is gone", highlight=False, markup=False)
        ledger.make_current(planned, folder)
        pending = [entry for entry in planned if not ledger.is_finished(entry)]
        interrupted, made = 0, Outputs()
        try:
            launched = None
            if pending:
                launched = _launch(study, folder, planned, pending, jobs, cluster, fail_fast, share, per_gpu, console)
            failures = _failures(pending)
            made = _render(study, folder, planned, launched, bool(failures) and not allow_partial, console)
        except KeyboardInterrupt as error:
            interrupted = getattr(error, "exit_code", EXIT_INTERRUPTED)  # SIGTERM has one of its own
            failures = _failures(pending, not_started=False)
    if interrupted:
        console.print("interrupted; the same command goes on from here", highlight=False, markup=False)
    return RunSummary(
        finished=sum(ledger.is_finished(entry) for entry in pending),
        skipped=len(planned) - len(pending),
        failed=len(failures),
        seconds=time.monotonic() - began,
        exit_code=interrupted or int(bool(failures or made.failures)),
        failures=(*failures, *made.failures),
        outputs=made.files,
    )


def _launch(
    study: Study,
    folder: Path,
    planned: Sequence[Planned],
    pending: Sequence[Planned],
    jobs: int,
    cluster: str | None,
    fail_fast: bool,
    share: bool,
    per_gpu: int,
    console: Console,
) -> str:
    """Run the pending trials; gives the launch's id in MLflow."""
    from qpm.study import engine, sharing
    from qpm.study.launch import Launch
    from qpm.study.progress import display

    show = display(console, len(planned), len(planned) - len(pending))
    try:
        with engine.start(folder, jobs, cluster, len(pending), per_gpu, _want_gpus(pending)) as running:
            for notebook in {entry.notebook for entry in pending}:
                running.prepare(notebook)
            # this import takes a while, in which the kernels import what they need
            from qpm.study.tracking import Tracker

            shared = sharing.plan(folder, pending if share and running.shared_folder else (), running.slots)
            shared.announce(console)
            tracker = Tracker(folder.parent, study.name, study.question)
            with Launch(folder, running, tracker, show, shared) as launch:
                launch.run(pending, fail_fast)
                launch.tracker.log_metrics(launch.run_id, [shared.settle(console)])
                return launch.run_id
    finally:
        show.close()


def _want_gpus(pending: Sequence[Planned]) -> bool:
    """Whether some trial may use a GPU: it does not ask for the CPU."""
    return any(entry.trial.settings().get("inference", {}).get("device") != "cpu" for entry in pending)


def _render(
    study: Study, folder: Path, planned: Sequence[Planned], launched: str | None, refuse: bool, console: Console
) -> Outputs:
    """Make the reports; no files if the study lists no report or too little is there."""
    there = [entry for entry in planned if ledger.is_finished(entry)]
    if not study.report or not there:
        return Outputs()
    if refuse:
        done = f"{len(there)} of {len(planned)} trials are finished"
        console.print(f"no tables: {done}; --allow-partial makes them from these", highlight=False, markup=False)
        return Outputs()
    made = bring_up_to_date(study, folder, there)
    if made.anew and launched is not None:
        from qpm.study.tracking import Tracker

        Tracker(folder.parent, study.name).log_files(launched, made.files, "report")
    return made


def _failures(pending: Sequence[Planned], not_started: bool = True) -> tuple[str, ...]:
    """One line for each trial that did not end well; what an interruption left undone is no failure."""
    lines = []
    for entry in pending:
        record = ledger.read(entry.folder)
        if record is None or ledger.is_spoilt(entry, record):
            why = f", for want of the weights of {entry.needs.title}" if entry.needs and not entry.is_ready else ""
            lines += [f"{entry.title}: not started{why}"] if not_started else []
        elif record is not None and record["status"] != "finished" and record["reason"] != STOPPED:
            lines.append(f"{entry.title} {record['status']}: {record['reason']} ({entry.folder / 'notebook.ipynb'})")
    return tuple(lines)
