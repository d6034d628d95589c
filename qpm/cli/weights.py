"""`qpm weights`: files of weights."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Files of weights.")


@app.callback()
def group() -> None:
    """Files of weights."""


@app.command("fetch-initial")
def fetch_initial(
    out: Annotated[
        Path | None, typer.Option(help="File to write (default: in the user's cache folder).")
    ] = None,
) -> None:
    """Download and convert the encoder weights that training starts from (needs the extra `init`).

    \b
    Example:
      qpm weights fetch-initial
    """
    from qpm.weights.initial import fetch_initial

    typer.echo(fetch_initial(out))
