"""`qpm render`: tables, figures and pages of studies again, several studies at a time."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import typer

from qpm.cli.studies import Overrides, Results, page, told
from qpm.provenance import available_cpus


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
    if len(studies) == 1:
        one(studies[0], results, set_ or (), allow_partial)
        return
    options = ["--results", str(results), *(f"--set={setting}" for setting in set_ or ())]
    options += ["--allow-partial"] * allow_partial + ["--debug"] * bool(context.find_root().meta["qpm.debug"])
    failed = False
    for file, made in zip(studies, each_alone(studies, options), strict=True):
        failed = failed or made.returncode != 0
        typer.echo(made.stdout, nl=False)
        typer.echo((f"{file}:\n" if made.returncode else "") + made.stderr, nl=False, err=True)
    raise typer.Exit(int(failed))


def one(file: Path, results: Path, settings: Sequence[str], allow_partial: bool) -> None:
    """Render one study and print its tables.

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
    files = render(results / study.name, study)
    told(study.name, files)
    page(study.name, files)


def each_alone(files: Sequence[Path], options: Sequence[str]) -> Iterator[subprocess.CompletedProcess[str]]:
    """Run `qpm render` for each file in a process of its own, as many at a time as there are cores, and tell in turn.

    Such a process ends by itself, whatever becomes of this one.
    """
    environment = os.environ | {"COLUMNS": str(shutil.get_terminal_size().columns)}

    def render(file: Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "qpm", "render", str(file), *options]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    with ThreadPoolExecutor(min(len(files), available_cpus())) as pool:
        yield from pool.map(render, files)
