"""`qpm score`: J and F of a folder of masks against the truth."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qpm.cli.output import counted, show
from qpm.files import write_atomic

if TYPE_CHECKING:
    from qpm.metrics.scorer import ScoreReport

PROTOCOLS = "davis2017|davis2016|vos-benchmark|youtube-vos|sa-v"


class Decay(StrEnum):
    """How the decay over a video is taken."""

    fixed = "fixed"
    compatible = "compatible"


Truth = Annotated[
    Path, typer.Option(help="Folder of the truth: <sequence>/<frame>.png, or a dataset's root.")
]
Protocol = Annotated[str, typer.Option(metavar=PROTOCOLS, help="Which objects and frames count.")]
JsonFile = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write everything as JSON.")]
Subset = Annotated[bool, typer.Option("--subset", help="Score only the sequences that both have.")]
DecayMode = Annotated[
    Decay,
    typer.Option(help="compatible: with the 8-bit overflow of the public evaluators (257 frames and more)."),
]
Meta = Annotated[Path | None, typer.Option(help="meta.json of youtube-vos, if it is elsewhere.")]
Categories = Annotated[
    Path | None,
    typer.Option(help="JSON {video: {object id: category}} for a meta.json without categories."),
]
Jobs = Annotated[int, typer.Option(min=1, help="Processes.")]
First = Annotated[
    bool | None,
    typer.Option(
        "--leave-out-first/--keep-first",
        help="youtube-vos: whether each object's first frame, whose mask is given, counts (default: left out).",
    ),
]
Last = Annotated[
    bool | None,
    typer.Option(
        "--leave-out-last/--keep-last",
        help="youtube-vos: whether each object's last frame counts (default: kept).",
    ),
]


def score(
    gt: Truth,
    pred: Annotated[list[Path], typer.Option(metavar="PATH", help="Folder or zip of masks, laid out alike.")],
    protocol: Protocol,
    json_file: JsonFile = None,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write a line per object.")
    ] = None,
    per_frame: Annotated[
        bool,
        typer.Option("--per-frame", help="J and F of every frame in the JSON, and beside it as .parquet."),
    ] = False,
    subset: Subset = False,
    decay: DecayMode = Decay.fixed,
    meta: Meta = None,
    categories: Categories = None,
    leave_out_first: First = None,
    leave_out_last: Last = None,
    jobs: Jobs = 1,
) -> None:
    """Score masks that any program made, as the public evaluators do.

    Every file is checked first; what cannot be scored is listed and nothing is (exit code 2). Whether one folder is
    better than another is told by `qpm compare`.

    \b
    Examples:
      qpm score --gt /data/DAVIS/Annotations/480p --pred masks/ --protocol davis2017 --json scores.json
      qpm score --gt /data/YouTubeVOS/train --pred masks.zip --protocol youtube-vos --subset --leave-out-last
    """
    from qpm.metrics.scorer import score_folder

    settings = rules(subset, decay, jobs, meta, categories, leave_out_first, leave_out_last)
    if len(pred) > 1:
        request = f"qpm compare {' '.join(map(str, pred))} --gt {gt} --protocol {protocol}"
        raise ValueError(f"score takes one --pred, got {len(pred)}; to compare them: {request}")
    if per_frame and json_file is None:
        raise ValueError("--per-frame needs --json FILE; the rows of the frames go beside it")
    with counted("frames") as progress:
        report = score_folder(gt, pred[0], protocol, progress=progress, **settings)
    show([scores_row(pred[0].name, report)])
    tell(report)
    remark({pred[0].name: report})
    if json_file is not None:
        write(json_file, report.to_json(per_frame))
        if per_frame:
            report.to_parquet(json_file.with_suffix(".parquet"))
    if csv_file is not None:
        report.to_csv(csv_file)


def rules(
    subset: bool,
    decay: Decay,
    jobs: int,
    meta: Path | None,
    categories: Path | None,
    leave_out_first: bool | None,
    leave_out_last: bool | None,
) -> dict[str, Any]:
    """The options that `score` and `compare` share, as the scorer names them."""
    return {
        "subset": subset, "decay": decay.value, "jobs": jobs, "meta": meta, "categories": categories,
        "leave_out_first": leave_out_first, "leave_out_last": leave_out_last,
    }  # fmt: skip


def write(path: Path, answer: Mapping[str, Any]) -> None:
    """Write an answer as JSON."""
    text = json.dumps(answer, indent=2, ensure_ascii=False)
    write_atomic(path, partial(Path.write_text, data=text, encoding="utf-8"))


def tell(report: ScoreReport) -> None:
    """Say by which rules the numbers above were made."""
    typer.echo(f"\n{report.protocol}: {report.meaning}\nframes: {report.ends}")


def remark(reports: Mapping[str, ScoreReport]) -> None:
    """Print the warnings."""
    for name, report in reports.items():
        for warning in report.warnings:
            typer.echo(f"note: {name}: {warning}", err=True)


def scores_row(name: str, report: ScoreReport) -> dict[str, str]:
    """The set's numbers with the folder's name."""
    return {"masks": name} | {metric: f"{value:.4f}" for metric, value in report.scores.items()}
