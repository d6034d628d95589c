"""`qpm train` and `qpm import-run`: a training of its own, on any number of processes, and its way into MLflow."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qpm.cli.output import QUIET

if TYPE_CHECKING:
    from qpm.study.train import TrainTrial

SPEED_OVER = 3600.0  # seconds over which the speed is taken; rows may be minutes apart
Tell = Callable[[int, int, dict[str, float]], None]


def train(
    study: Annotated[Path, typer.Argument(metavar="STUDY.yaml", help="A study of trainings.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where checkpoints, log and weights go.")],
    case: Annotated[str | None, typer.Option(help="Which case, if the study has several.")] = None,
    seed: Annotated[int | None, typer.Option(help="Which seed, if the study has several.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a setting, such as stages.0.iterations=20."),
    ] = None,
) -> None:
    """Run one training of a study, without notebook and MLflow; stopped, the same command goes on.

    SIGTERM and Ctrl-C save a checkpoint first. Under torchrun or Slurm all processes train one network.

    \b
    Examples:
      qpm train studies/train_half.yaml --out runs/half
      torchrun --nproc-per-node 8 -m qpm train studies/train_paper.yaml --out runs/paper
      qpm import-run runs/half             later, where MLflow is
    """
    from qpm.study.bare import recorded
    from qpm.study.locks import Locked
    from qpm.study.spec import load_study
    from qpm.study.train import TrainTrial, train
    from qpm.training.engine import rank

    trials = [trial for trial in load_study(study, set_ or ()).trials if isinstance(trial, TrainTrial)]
    chosen = _only([t for t in trials if case in (None, t.case) and seed in (None, t.seed)], trials, study)
    first = rank() == 0
    try:
        with recorded(chosen, out) if first else nullcontext(), shown(chosen.case) if first else nullcontext() as tell:
            weights = train(chosen, out, tell=tell)
    except Locked as error:
        raise ValueError(f"{error}; choose another folder") from None
    except KeyboardInterrupt as error:
        if first:
            typer.echo(str(error) or "interrupted", err=True)
        raise typer.Exit(getattr(error, "exit_code", 130)) from None
    if first:
        typer.echo(weights)


def import_run(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What `qpm train --out DIR` wrote.")],
    results: Annotated[Path, typer.Option(help="Folder of the studies' results, with the database.")] = Path("results"),
) -> None:
    """Bring a training that ran without MLflow into it; repeated, what is new since.

    \b
    Example:
      qpm import-run runs/half && qpm ui
    """
    from qpm.study.bare import import_run

    typer.echo(import_run(folder, results))


def _only(chosen: Sequence[TrainTrial], trials: Sequence[TrainTrial], study: Path) -> TrainTrial:
    if len(chosen) == 1:
        return chosen[0]
    known = ", ".join(f"--case {trial.case} --seed {trial.seed}" for trial in trials)
    raise ValueError(f"{study}: {len(chosen)} trainings fit; choose one of: {known or 'the study has no training'}")


@contextmanager
def shown(what: str) -> Iterator[Tell]:
    """Show how far a training is: a bar over the measures on a terminal, now and then a line elsewhere."""
    from rich.console import Console, Group
    from rich.live import Live
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.text import Text

    console = Console(stderr=True)
    if not console.is_terminal:
        yield _lines(what)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar, measures = Progress(*columns, console=console, speed_estimate_period=SPEED_OVER), Text()
    task = bar.add_task(what, total=None)

    def tell(done: int, total: int, row: dict[str, float]) -> None:
        bar.update(task, completed=done, total=total)
        measures.plain = _measures(row)

    with Live(Group(bar, measures), console=console):  # beside the bar they would leave no room for the time left
        yield tell


def _lines(what: str) -> Tell:
    began = told = time.monotonic()
    first: int | None = None

    def tell(done: int, total: int, row: dict[str, float]) -> None:
        nonlocal told, first
        now = time.monotonic()
        first = done if first is None else first  # what an earlier process did, and the start, tell no speed
        if now - told < QUIET and done < total:
            return
        told = now
        left = (now - began) * (total - done) / (done - first) / 60 if done > first else None
        time_left = "" if left is None or done == total else f", about {left:.0f} min left"
        typer.echo(f"{what}: iteration {done} of {total}, {_measures(row)}{time_left}", err=True)

    return tell


def _measures(row: dict[str, float]) -> str:
    """The numbers of a row that tell whether all is well."""
    forms = {
        "loss": "loss {:.3f}", "iou": "IoU {:.3f}", "score_correlation": "score rho {:.2f}", "rate": "rate {:.2g}",
        "clips_per_second": "{:.1f} clips/s", "data_wait": "data wait {:.0%}", "val_J_and_F": "J&F {:.3f}",
    }  # fmt: skip
    known = {name: row[name] for name in forms if name in row and row[name] == row[name]}
    return ", ".join(forms[name].format(value) for name, value in known.items())
