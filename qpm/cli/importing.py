"""`qpm import-scores`: a server's answer becomes the measured cells of Table 1 and Table 2."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated

import typer

from qpm.cli.output import show


def import_scores(
    file: Annotated[Path, typer.Argument(metavar="SCORES", help="The server's scores.txt, or a CSV.")],
    study: Annotated[Path, typer.Option(metavar="STUDY.yaml", help="The study whose masks were submitted.")],
    case: Annotated[str, typer.Option(help="The case whose masks were submitted.")],
    source: Annotated[
        str, typer.Option(help='Where the answer is from, such as "CodaLab 6066, submission 123".')
    ] = "",
    date: Annotated[
        datetime.datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Day of the answer (default: the file's)."),
    ] = None,
    results: Annotated[Path, typer.Option(help="Folder of the studies' results.")] = Path("results"),
) -> None:
    """Take over what the server of DAVIS or YouTube-VOS answered, with source, date and digest of the file.

    \b
    Example:
      qpm import-scores scores.txt --study studies/table2.yaml --case qpm --source "CodaLab 6066, submission 123"
      qpm render studies/table2.yaml
    """
    from qpm.metrics import server_scores
    from qpm.names import lookup
    from qpm.study.spec import load_study

    asked = load_study(study)
    lookup("case", case, dict.fromkeys(asked.cases))
    day = date.date() if date is not None else None
    answer = server_scores.import_scores(file, results / asked.name, case, source, day)
    show([{"case": case} | {name: f"{value:.3f}" for name, value in answer.scores.items()}])
    typer.echo(f"{answer.origin}; now: qpm render {study}", err=True)
