"""`qpm render`: tables, figures and pages of studies again, several studies at a time."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import typer

from qpm.cli.faults import EXPECTED, explain
from qpm.cli.output import prepare
from qpm.cli.studies import Overrides, Results, page, told
from qpm.provenance import available_cpus

Made = tuple[str, list[Path]]  # a study's name and its files


def render(
    context: typer.Context,
    studies: Annotated[list[Path], typer.Argument(metavar="STUDY.yaml ...", help="One study or several.")],
    results: Results = Path("results"),
    set_: Overrides = None,
    allow_partial: Annotated[
        bool, typer.Option("--allow-partial", help="Make the tables even if some trial is not finished.")
    ] = False,
) -> None:
    """Make tables and figures again from the rows.

    Needs no GPU and no torch. Of several studies as many are made at a time as there are cores; one that cannot be
    rendered is named and does not keep the others from it; the exit code is then 1.

    \b
    Examples:
      qpm render studies/quickstart.yaml
      qpm render studies/ablation.yaml studies/controls.yaml
    """
    make = partial(made, settings=set_ or (), results=results, allow_partial=allow_partial)
    alone = len(studies) == 1 or bool(context.find_root().meta["qpm.debug"])
    failed = False
    for file, outcome in zip(studies, map(make, studies) if alone else attempts(make, studies), strict=True):
        if isinstance(outcome, tuple):
            told(*outcome)
            page(*outcome)
        else:
            failed = True
            typer.echo("\n".join([f"{file}:", *outcome]), err=True)
    raise typer.Exit(int(failed))


def made(file: Path, settings: Sequence[str], results: Path, allow_partial: bool) -> Made:
    """Render one study.

    Raises
    ------
    ValueError
        If a trial is not finished and that is not allowed.
    """
    from qpm.report.load import missing
    from qpm.report.render import render
    from qpm.study.spec import load_study

    study = load_study(file, settings)
    if (lacking := missing(results / study.name)) and not allow_partial:
        raise ValueError(f"not finished: {'; '.join(lacking)}; --allow-partial makes the tables of the others")
    return study.name, render(results / study.name, study)


def attempts(make: partial[Made], files: Sequence[Path]) -> Iterator[Made | list[str]]:
    """The outcome for each file in turn, made in processes of their own: files, or lines that tell what was wrong."""
    workers = min(len(files), available_cpus())
    with ProcessPoolExecutor(workers, get_context("spawn"), _begin) as pool:
        yield from pool.map(partial(_attempt, make), files)


def _begin() -> None:
    """Ctrl-C is the parent's to answer: it starts no other and waits for those that are being made."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    prepare()


def _attempt(make: partial[Made], file: Path) -> Made | list[str]:
    try:
        return make(file)
    except EXPECTED as error:
        return explain(error)
