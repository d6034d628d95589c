"""`qpm compare`: is one folder of masks better than another, and on which sequences?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qpm.cli.output import counted, show
from qpm.cli.scoring import (
    Categories,
    Decay,
    DecayMode,
    First,
    Jobs,
    JsonFile,
    Last,
    Meta,
    Protocol,
    Subset,
    Truth,
    remark,
    rules,
    scores_row,
    tell,
    write,
)

if TYPE_CHECKING:
    from qpm.metrics.scorer import Comparison


def compare(
    folders: Annotated[
        list[Path],
        typer.Argument(metavar="A B...", help="Folders or zips of masks; the first is the baseline."),
    ],
    gt: Truth,
    protocol: Protocol,
    json_file: JsonFile = None,
    subset: Subset = False,
    decay: DecayMode = Decay.fixed,
    meta: Meta = None,
    categories: Categories = None,
    leave_out_first: First = None,
    leave_out_last: Last = None,
    jobs: Jobs = 1,
) -> None:
    """Compare result folders with the first of them, paired by sequence and object.

    95 % interval: percentile bootstrap over videos, 9999 draws with a fixed seed. p: sign-flip permutation over
    videos, exact for up to 16 of them, Holm-corrected over the folders. The folders must hold the same sequences.

    \b
    Examples:
      qpm compare stm/ qpm/ --gt /data/DAVIS/Annotations/480p --protocol davis2017
      qpm compare stm/ qpm/ other.zip --gt truth/ --protocol vos-benchmark --json differences.json
    """
    from qpm.metrics.scorer import compare_folders

    settings = rules(subset, decay, jobs, meta, categories, leave_out_first, leave_out_last)
    with counted("frames") as progress:
        comparison = compare_folders(gt, folders, protocol, progress=progress, **settings)
    tables(comparison)
    if json_file is not None:
        write(json_file, comparison.to_json())


def tables(comparison: Comparison) -> None:
    """Print the scores, how they differ from the first folder's, on which sequences most, and by which rules."""
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
