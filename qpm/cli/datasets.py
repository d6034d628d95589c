"""`qpm datasets`: look a dataset over before a study needs it, and write one as files for other tools."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from qpm.cli.faults import REFUSED, validated
from qpm.cli.output import counted, show
from qpm.names import lookup

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Check a dataset; write one as files.")

Name = Annotated[str, typer.Argument(help="Dataset (`qpm list datasets`).")]
Root = Annotated[Path | None, typer.Option(help="Its folder (default: $QPM_DATA/<name>).")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Another setting, such as year=2016. Repeatable."),
]


class Layout(StrEnum):
    """How a dataset lies on disk."""

    davis = "davis"
    youtube_vos = "youtube-vos"


@app.command("check")
def check(
    name: Name,
    root: Root = None,
    set_: Settings = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list with one report.")] = False,
) -> None:
    """Decode every frame and mask, count them, and list what is wrong (exit code 2 if anything is).

    \b
    Example:
      qpm datasets check davis --root /data/DAVIS --set year=2016
    """
    from qpm.datasets.check import check

    with counted("videos") as progress:
        report = asdict(check(configured(name, root, set_ or ()), progress))
    faults, notes = report.pop("faults"), report.pop("notes")
    if as_json:
        show([report | {"faults": faults, "notes": notes}], as_json=True)
    elif report["videos"]:
        show([report | {"faults": len(faults)}])
    for line in (*(f"note: {note}" for note in notes), *(f"fault: {fault}" for fault in faults)):
        typer.echo(line, err=True)
    if faults:
        raise typer.Exit(REFUSED)


@app.command("write")
def write(
    name: Name,
    out: Annotated[Path, typer.Option(help="A new or empty folder.")],
    split: Annotated[str, typer.Option(help="Split to write.")] = "val",
    layout: Annotated[Layout, typer.Option(help="How the files lie.")] = Layout.davis,
    root: Root = None,
    set_: Settings = None,
) -> None:
    """Write a dataset as JPEG frames and palette PNG masks, in DAVIS or YouTube-VOS layout.

    \b
    Example:
      qpm datasets write synthetic --split val --out benchmark/ --set videos=4
    """
    from qpm.datasets.write import write_dataset

    dataset = configured(name, root, (f"split={split}", *(set_ or ()))).open()
    with counted("videos") as progress:
        write_dataset(dataset, out, layout.value, split, progress=progress)
    typer.echo(f"{len(dataset)} videos in {out} ({layout.value} layout)")


def configured(name: str, root: Path | None, settings: Sequence[str]) -> Any:
    """A dataset's configuration from its name, its folder and `key=value` settings in YAML."""
    import yaml

    from qpm.datasets import DATASETS

    values: dict[str, Any] = {} if root is None else {"root": root}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals:
            raise ValueError(f"--set '{setting}' is not key=value; for example --set frames=10")
        values[key] = yaml.safe_load(text)
    return validated(lookup("dataset", name, DATASETS), values)
