"""`qpm convert`: weights that others published, as a file that every other command reads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ALL = 0  # as --top-k


def convert(
    source: Annotated[Path, typer.Argument(metavar="SOURCE.pth", help="The published PyTorch file.")],
    kind: Annotated[
        str,
        typer.Option("--from", metavar="mivos|stm|qdmn|torchvision-resnet50", help="Whose weights they are."),
    ],
    out: Annotated[Path, typer.Option(metavar="W.safetensors", help="File to write.")],
    top_k: Annotated[
        int | None,
        typer.Option(min=0, help="Best matches read from the memory, 0: all (default: as published)."),
    ] = None,
    kernel_sigma: Annotated[
        float | None,
        typer.Option(min=0.1, help="Kernelized memory read of this width; MiVOS's scripts offer 5.6."),
    ] = None,
) -> None:
    """Convert published weights; no code in the file is run, and a name or shape that does not fit is refused.

    torchvision-resnet50 gives initial encoder weights for a training (`initial_file`), the others a network.

    \b
    Examples:
      qpm convert propagation_model.pth --from mivos --out mivos.safetensors
      qpm segment frames/ --mask first.png --out masks/ --weights mivos.safetensors --policy stm
    """
    from qpm.model.published import convert

    read: dict[str, object] = {}
    if top_k is not None:
        read["top_k"] = None if top_k == ALL else top_k
    if kernel_sigma is not None:
        read["kernel_sigma"] = kernel_sigma
    typer.echo(convert(source, kind, out, read))
