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


def score(
    gt: Annotated[
        Path, typer.Option(help="Folder of the truth: <sequence>/<frame>.png, or a dataset's root.")
    ],
    pred: Annotated[
        list[Path],
        typer.Option(
            help="Folder or zip of masks, laid out alike. Repeat it to compare others with the first."
        ),
    ],
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

    Every file is checked first; what cannot be scored is listed and nothing is (exit code 2). Several --pred are
    compared with the first, paired by sequence and object.

    \b
    Examples:
      qpm score --gt /data/DAVIS/Annotations/480p --pred masks/ --protocol davis2017 --json scores.json
      qpm score --gt truth/ --pred stm/ --pred qpm/ --protocol davis2017
    """
    from qpm.metrics.scorer import compare_folders, score_folder

    if csv_file is not None and len(pred) > 1:
        raise ValueError("--csv holds the objects of one folder; give one --pred, or --json for all")
    with counted("frames") as progress:
        settings: dict[str, Any] = {"subset": subset, "decay": decay.value, "jobs": jobs}
        settings |= {"meta": meta, "categories": categories, "progress": progress}
        if len(pred) == 1:
            report = score_folder(gt, pred[0], protocol, **settings)
            reports, answer = {pred[0].name: report}, report.to_json(per_frame)
        else:
            comparison = compare_folders(gt, pred, protocol, **settings)
            reports, answer = dict(comparison.reports), comparison.to_json()
    show([scores_row(name, report) for name, report in reports.items()])
    if len(pred) > 1:
        typer.echo()
        show([difference_row(found) for found in comparison.table.to_dict("records")])
    for name, report in reports.items():
        for warning in report.warnings:
            typer.echo(f"note: {name}: {warning}", err=True)
    if json_file is not None:
        text = json.dumps(answer, indent=2, ensure_ascii=False)
        write_atomic(json_file, partial(Path.write_text, data=text, encoding="utf-8"))
    if csv_file is not None:
        report.to_csv(csv_file)


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
