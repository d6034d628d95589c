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
    pred: Annotated[
        list[Path],
        typer.Option(
            help="Folder or zip of masks, laid out alike. Repeat it to compare others with the first."
        ),
    ],
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

    Every file is checked first; what cannot be scored is listed and nothing is (exit code 2). Several --pred are
    compared with the first, as `qpm compare` does.

    \b
    Examples:
      qpm score --gt /data/DAVIS/Annotations/480p --pred masks/ --protocol davis2017 --json scores.json
      qpm score --gt /data/YouTubeVOS/train --pred masks.zip --protocol youtube-vos --subset --leave-out-last
    """
    from qpm.metrics.scorer import score_folder

    settings = rules(subset, decay, jobs, meta, categories, leave_out_first, leave_out_last)
    if len(pred) > 1:
        if csv_file is not None or per_frame:
            raise ValueError("--csv and --per-frame are of one folder; give one --pred, or only --json")
        return compared(gt, pred, protocol, json_file, settings)
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


def compared(
    gt: Path, folders: list[Path], protocol: str, json_file: Path | None, settings: Mapping[str, Any]
) -> None:
    """Score several folders, and print how they differ from the first and on which sequences."""
    from qpm.metrics.scorer import compare_folders

    with counted("frames") as progress:
        comparison = compare_folders(gt, folders, protocol, progress=progress, **settings)
    show([scores_row(name, report) for name, report in comparison.reports.items()])
    typer.echo()
    differences = comparison.table.to_dict("records")
    show([difference_row(found) for found in differences])
    typer.echo()
    show([row for name in comparison.videos for row in comparison.furthest(name)])
    tell(comparison.reports[comparison.baseline])
    remark(comparison.reports)
    for note in dict.fromkeys(found["note"] for found in differences if found["note"]):
        typer.echo(f"note: {note}", err=True)
    if json_file is not None:
        write(json_file, comparison.to_json())


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


def difference_row(found: Mapping[str, Any]) -> dict[str, Any]:
    """A paired difference: with its 95 % interval, p of the sign-flip permutation (Holm), and videos won."""
    return {
        "compared": f"{found['case']} - {found['baseline']}",
        "metric": found["metric"],
        "difference": f"{found['difference']:+.4f}",
        "95 %": f"[{found['low']:+.4f}, {found['high']:+.4f}]",
        "p": f"{found['p_holm']:.3f}",
        "videos": found["n_videos"],
        "win/tie/loss": f"{found['win']}/{found['tie']}/{found['loss']}",
    }
