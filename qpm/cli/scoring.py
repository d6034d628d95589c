"""`qpm score`: J and F of a folder of masks against the truth."""

from __future__ import annotations

import json
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from qpm.cli.output import counted, show

PROTOCOLS = "davis2017|davis2016|vos-benchmark|youtube-vos|sa-v"


class Decay(StrEnum):
    """How the decay over a video is taken."""

    fixed = "fixed"
    compatible = "compatible"


def score(
    gt: Annotated[
        Path, typer.Option(help="Folder of the truth: <sequence>/<frame>.png, or a dataset's root.")
    ],
    pred: Annotated[Path, typer.Option(help="Folder or zip of masks, laid out alike.")],
    protocol: Annotated[str, typer.Option(metavar=PROTOCOLS, help="Which objects and frames count.")],
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write everything as JSON.")
    ] = None,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write a line per object.")
    ] = None,
    per_frame: Annotated[
        bool, typer.Option("--per-frame", help="Also J and F of every frame in the JSON.")
    ] = False,
    subset: Annotated[
        bool, typer.Option("--subset", help="Score only the sequences that both have.")
    ] = False,
    decay: Annotated[
        Decay,
        typer.Option(
            help="compatible: with the 8-bit overflow of the public evaluators (257 frames and more)."
        ),
    ] = Decay.fixed,
    meta: Annotated[Path | None, typer.Option(help="meta.json of youtube-vos, if it is elsewhere.")] = None,
    categories: Annotated[
        Path | None,
        typer.Option(help="JSON {video: {object id: category}} for a meta.json without categories."),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
) -> None:
    """Score masks that any program made, as the public evaluators do.

    Every file is checked first; what cannot be scored is listed and nothing is (exit code 2).

    \b
    Example:
      qpm score --gt /data/DAVIS/Annotations/480p --pred masks/ --protocol davis2017 --json scores.json
    """
    from qpm.files import write_atomic
    from qpm.metrics.scorer import score_folder

    with counted("frames") as progress:
        report = score_folder(
            gt,
            pred,
            protocol,
            subset=subset,
            decay=decay.value,
            jobs=jobs,
            meta=meta,
            categories=categories,
            progress=progress,
        )
    show([{name: f"{value:.4f}" for name, value in report.scores.items()}])
    for warning in report.warnings:
        typer.echo(f"note: {warning}", err=True)
    if json_file is not None:
        text = json.dumps(report.to_json(per_frame), indent=2, ensure_ascii=False)
        write_atomic(json_file, partial(Path.write_text, data=text, encoding="utf-8"))
    if csv_file is not None:
        report.to_csv(csv_file)
