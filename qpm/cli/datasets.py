"""`qpm datasets`: look a dataset over before a study needs it, and write one as files for other tools."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    out: Annotated[Path, typer.Option(help="A new or empty folder, or a new .tar to take along.")],
    split: Annotated[
        str | None, typer.Option(help="Split to write (default: the dataset's, mostly val).")
    ] = None,
    layout: Annotated[Layout, typer.Option(help="How the files lie.")] = Layout.davis,
    short_side: Annotated[
        int | None, typer.Option(min=16, help="Reduce larger frames and masks to this.")
    ] = None,
    quality: Annotated[int, typer.Option(min=1, max=100, help="Of the JPEG frames.")] = 95,
    root: Root = None,
    set_: Settings = None,
) -> None:
    """Write a dataset as JPEG frames and palette PNG masks, in DAVIS or YouTube-VOS layout.

    With --short-side, --quality and a .tar a dataset becomes small enough to be taken to another machine. Masks are
    reduced by their nearest pixels, and every object keeps one at least.

    \b
    Examples:
      qpm datasets write synthetic --split val --out benchmark/ --set videos=4
      qpm datasets write davis --split train --set year=2016 --short-side 240 --quality 80 --out davis.tar
      qpm datasets write davis --split train --set "sequences=[bear, camel]" --out two/
    """
    from qpm.datasets.pack import weight
    from qpm.datasets.write import Pictures, davis_year, write_dataset

    config = configured(name, root, set_ or (), split)
    dataset, part = config.open(), str(split or getattr(config, "split", "val"))
    with counted("videos") as progress:
        write_dataset(dataset, out, layout.value, part, Pictures(quality, short_side), progress)
    files, size = weight(out)
    typer.echo(
        f"{len(dataset)} videos as {files} files, {size / 1e6:.1f} MB, in {out} ({layout.value} layout)"
    )
    year = davis_year(dataset) if layout is Layout.davis else None
    for line in reading(out, layout, part, year):
        typer.echo(line)


def reading(out: Path, layout: Layout, split: str, year: int | None) -> Iterator[str]:
    """How what was written is unpacked, and named in a study: as a source of clips if it is for training."""
    packed = out.suffix == ".tar"
    place = Path("/data") / layout.value if packed else out.absolute()
    if packed:
        yield f"unpack it: tar -xf {out} -C {place.parent}"
    where = f"{'' if year is None else f'year: {year}, '}root: {place}"
    if split == "train":
        everywhere = f"QPM_DATA={place.parent}, or " if packed else ""
        source = f"{{source: {layout.value}, {where}}}"
        yield f'train on it: {everywhere}for each source --set "stages.0.sources.0={source}"'
    else:
        yield f'evaluate on it: --set "base.dataset={{name: {layout.value}, split: {split}, {where}}}"'


def configured(name: str, root: Path | None, settings: Sequence[str], split: str | None = None) -> Any:
    """A dataset's configuration from its name, folder, `key=value` settings in YAML, and split if it has any."""
    import yaml

    from qpm.datasets import DATASETS

    model = lookup("dataset", name, DATASETS)
    given = {"root": root, "split": split if "split" in model.model_fields else None}
    values: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals:
            raise ValueError(f"--set '{setting}' is not key=value; for example --set frames=10")
        values[key] = yaml.safe_load(text)
    return validated(model, values)
