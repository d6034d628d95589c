"""`qpm run`, `status` and `verify`: a study from its YAML file to its tables."""

from __future__ import annotations

import shutil
import signal
import textwrap
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from qpm.cli.faults import terminated
from qpm.cli.output import show

WIDTH = 120  # longest line of a caption
StudyFile = Annotated[Path, typer.Argument(metavar="STUDY.yaml", help="The study.")]
Results = Annotated[Path, typer.Option(help="Folder of the studies' results.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Change a setting, such as base.dataset.videos=4. Repeatable."
    ),
]


def status(
    study: StudyFile,
    results: Results = Path("results"),
    set_: Overrides = None,
    why: Annotated[bool, typer.Option("--why", help="Say why each trial would run.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """What is done, running, failed or stale, and why.

    \b
    Example:
      qpm status studies/quickstart.yaml --why
    """
    from qpm.study import ledger
    from qpm.study.spec import load_study

    trials = ledger.status(load_study(study, set_ or ()), results)
    rows = [{"case": t.case, "seed": t.seed, "state": t.state, "hash": t.hash} for t in trials]
    if why or as_json:
        rows = [row | {"why": trial.reason} for row, trial in zip(rows, trials, strict=True)]
    show(rows, as_json=as_json)
    counts = Counter(trial.state for trial in trials)
    summary = ", ".join(f"{count} {state}" for state, count in counts.most_common())
    typer.echo(f"{study.stem}: {len(trials)} trials, {summary}", err=True)


def run(
    study: StudyFile,
    results: Results = Path("results"),
    set_: Overrides = None,
    jobs: Annotated[
        int, typer.Option(min=0, help="Trials at a time; 0: as many as cores and memory allow.")
    ] = 0,
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="tcp://HOST:PORT", help="A running Dask scheduler, whose workers run the trials; or: slurm."
        ),
    ] = None,
    per_gpu: Annotated[int, typer.Option(min=1, help="Trials at a time on each GPU of this machine.")] = 1,
    allow_partial: Annotated[
        bool, typer.Option("--allow-partial", help="Make the tables even if some trial failed.")
    ] = False,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Start nothing after a failure.")] = False,
    share: Annotated[
        bool, typer.Option(help="Evaluate trials that differ only in the policy as one sweep: the same rows.")
    ] = True,
) -> None:
    """Run a study and print its tables.

    Trials that are finished are skipped; tables and figures go to RESULTS/<study>.

    \b
    Examples:
      qpm run studies/quickstart.yaml
      qpm run studies/davis.yaml --set base.dataset.root=/data/DAVIS --jobs 4
      qpm run studies/davis.yaml --cluster tcp://127.0.0.1:8786
    """
    from qpm.study import runner
    from qpm.study.locks import Locked
    from qpm.study.spec import load_study

    signal.signal(signal.SIGTERM, terminated)
    try:
        loaded = load_study(study, set_ or ())
        summary = runner.run(loaded, results, jobs, cluster, allow_partial, fail_fast, share, per_gpu)
    except Locked as error:
        raise ValueError(error) from None
    for line in summary.failures:
        typer.echo(line, err=True)
    told(study.stem, summary.outputs)
    counts = f"{summary.finished} trials run, {summary.skipped} were done before, {summary.failed} failed"
    typer.echo(f"{study.stem}: {counts}, {summary.seconds / 60:.1f} min", err=True)
    page(study.stem, summary.outputs)
    raise typer.Exit(summary.exit_code)


def told(name: str, outputs: Sequence[Path]) -> None:
    """Print the tables to stdout, their captions wrapped, and name every file that was written."""
    width = min(shutil.get_terminal_size().columns, WIDTH)
    for table in (path for path in outputs if path.suffix == ".md"):
        lines = table.read_text(encoding="utf-8").splitlines()
        typer.echo(
            "\n".join(line if line.startswith("|") else textwrap.fill(line, width) for line in lines) + "\n"
        )
    if outputs:
        names = ", ".join(path.name for path in outputs)
        typer.echo(f"{name}: in {outputs[0].parent}: {names}", err=True)


def page(name: str, outputs: Sequence[Path]) -> None:
    """Name the page to open, last of all."""
    for file in (path for path in outputs if path.name == "index.html"):
        typer.echo(f"{name}: all of it on one page, {file.resolve().as_uri()}", err=True)


def verify(
    study: StudyFile,
    results: Results = Path("results"),
    set_: Overrides = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """Make every table and figure again from the rows and compare with the files that are there, byte for byte.

    Exit code 1 if a file differs or is missing. The rows themselves are checked against the ledger.

    \b
    Example:
      qpm verify studies/quickstart.yaml
    """
    from qpm.study.spec import load_study
    from qpm.study.verify import verify

    checked = verify(load_study(study, set_ or ()), results)
    bad = [entry for entry in checked if not entry.good]
    rows = [{"file": entry.file, "found": entry.found} for entry in (checked if as_json else bad)]
    show(rows, as_json=as_json, empty="")
    typer.echo(f"{study.stem}: {len(checked) - len(bad)} of {len(checked)} files are as they should be", err=True)
    raise typer.Exit(int(bool(bad)))
