"""The `qpm` command. Each command is a few lines that call the package; heavy imports happen inside them."""

from __future__ import annotations

from typing import Annotated

import typer

import qpm
from qpm.cli import (
    catalogue,
    comparing,
    convert,
    datasets,
    doctor,
    export,
    importing,
    rendering,
    scoring,
    studies,
    training,
    ui,
    video,
    weights,
)
from qpm.cli.faults import Commands
from qpm.cli.output import prepare

__all__ = ["app"]

app = typer.Typer(
    name="qpm",
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


def print_version(wanted: bool) -> None:
    """Print the version and end."""
    if wanted:
        typer.echo(qpm.__version__)
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=print_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error (works after any command).")
    ] = False,
) -> None:
    """Video object segmentation with a quality-gated memory: studies, tables, figures, and your own videos.

    \b
    First steps:
      qpm run studies/quickstart.yaml     run a study, print its table
      qpm list policies                   what can be compared
      qpm doctor                          what this machine offers
    """
    prepare()


app.command("run")(studies.run)
app.command("status")(studies.status)
app.command("render")(rendering.render)
app.command("verify")(studies.verify)
app.command("train")(training.train)
app.command("import-run")(training.import_run)
app.command("list")(catalogue.list_)
app.command("segment")(video.segment)
app.command("score")(scoring.score)
app.command("compare")(comparing.compare)
app.command("export")(export.export)
app.command("import-scores")(importing.import_scores)
app.add_typer(datasets.app, name="datasets")
app.add_typer(weights.app, name="weights")
app.command("convert")(convert.convert)
app.command("schema")(catalogue.schema)
app.command("ui")(ui.ui)
app.command("doctor")(doctor.doctor)
