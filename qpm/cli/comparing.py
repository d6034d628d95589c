"""`qpm compare`: is one folder of masks better than another, and on which sequences?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
    compared,
    rules,
)


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
    settings = rules(subset, decay, jobs, meta, categories, leave_out_first, leave_out_last)
    compared(gt, folders, protocol, json_file, settings)
