"""`qpm export`: masks as a zip for a server, or a look at a finished one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from qpm.cli.output import counted

if TYPE_CHECKING:
    from qpm.submission.expected import Config, Format


def export(
    masks: Annotated[
        Path | None,
        typer.Argument(metavar="TRIAL|MASKS", help="A trial's folder, or one of <sequence>/<frame>.png."),
    ] = None,
    form: Annotated[
        str, typer.Option("--format", metavar="davis|youtube-vos", help="Whose server it is for.")
    ] = "youtube-vos",
    out: Annotated[Path | None, typer.Option(metavar="ZIP", help="File to write.")] = None,
    check: Annotated[
        Path | None, typer.Option(metavar="ZIP", help="Check this finished zip; nothing is written.")
    ] = None,
    root: Annotated[
        Path | None, typer.Option(help="The dataset, to compare with (default: the trial's).")
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Its split, such as test-dev or valid (default: the trial's).")
    ] = None,
    subset: Annotated[bool, typer.Option("--subset", help="Sequences may be missing.")] = False,
    every_frame: Annotated[
        bool,
        typer.Option(
            "--every-frame", help="youtube-vos: also the frames that meta.json lists for no object."
        ),
    ] = False,
) -> None:
    """Write masks as a submission, or check one: layout, sequences, frames, sizes and ids.

    DAVIS wants <sequence>/<frame>.png at the top of the zip, YouTube-VOS Annotations/<video>/<frame>.png. What the
    server would refuse is listed, and nothing is written (exit code 2).

    \b
    Examples:
      qpm export results/table2/trials/baseline-0123456789ab --format youtube-vos --out baseline.zip
      qpm export masks/ --format davis --root /data/DAVIS --split test-dev --out submission.zip
      qpm export --check submission.zip --format davis --root /data/DAVIS --split test-dev
    """
    from qpm.submission.check import check_zip
    from qpm.submission.expected import expected, find_format, whole_set
    from qpm.submission.write import masks_of, write_zip

    kind = find_format(form)
    if (check is None) == (masks is None) or (masks is not None and out is None):
        raise ValueError("give a trial or a folder of masks with --out ZIP, or --check ZIP alone")
    place, config = masks_of(masks) if masks is not None else (None, None)
    config = matching(config, kind, root, split)
    wanted = expected(whole_set(config, root, split)) if config is not None else None
    with counted("sequences") as progress:
        if place is not None and out is not None:
            done = write_zip(
                place, out, kind, wanted, subset=subset, every_frame=every_frame, progress=progress
            )
        else:
            assert check is not None
            done = check_zip(check, kind, wanted, subset, progress)
    for note in done.notes:
        typer.echo(f"note: {note}", err=True)
    typer.echo(
        f"{out or check}: {done.masks} masks of {done.sequences} sequences, ready for the server of {kind}"
    )


def matching(config: Config | None, kind: Format, root: Path | None, split: str | None) -> Config | None:
    """The trial's dataset if it is of that server, else one of that kind where a root is named."""
    from qpm.datasets import DavisConfig, YoutubeVosConfig

    if config is not None:
        if config.name != kind:
            raise ValueError(f"the trial is of {config.name}, not of {kind}; use --format {config.name}")
        return config
    if root is None and split is None:
        return None
    return DavisConfig() if kind == "davis" else YoutubeVosConfig()
