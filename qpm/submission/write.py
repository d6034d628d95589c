"""A folder of masks as a zip that a server accepts."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from pydantic import TypeAdapter

from qpm.datasets import AnyDataset
from qpm.files import write_atomic
from qpm.metrics.scorer.store import MaskStore, open_store
from qpm.submission.check import Checked, Progress, check_masks
from qpm.submission.expected import FOLDER, Config, Expected, Format

EPOCH = (1980, 1, 1, 0, 0, 0)  # the same masks give the same bytes
READABLE = 0o644 << 16


def masks_of(place: Path) -> tuple[Path, Config | None]:
    """The folder of masks of a trial with its dataset, or the folder itself.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such folder, or the trial kept no masks or is of another kind of dataset.
    """
    record = place / "trial.json"
    if not record.is_file():
        if not place.is_dir():
            raise FileNotFoundError(
                f"no folder {place}; give a trial's folder, or one of <sequence>/<frame>.png"
            )
        return place, None
    config = json.loads(record.read_text(encoding="utf-8"))["config"]
    if not (place / "masks").is_dir():
        raise ValueError(f"{place} kept no masks; set save_masks: true in the study and run it again")
    dataset = TypeAdapter(AnyDataset).validate_python(config["dataset"])
    if not isinstance(dataset, Config):
        raise ValueError(f"{place} is of the dataset '{dataset.name}', which no server scores")
    return place / "masks", dataset


def write_zip(
    masks: Path,
    out: Path,
    form: Format,
    wanted: Mapping[str, Expected] | None,
    *,
    subset: bool = False,
    every_frame: bool = False,
    progress: Progress | None = None,
) -> Checked:
    """Check the masks and write those that the server scores; see `qpm.submission.check.check_zip`.

    Parameters
    ----------
    masks : Path
        ``<sequence>/<frame>.png``.
    every_frame : bool
        Also write frames that are not scored, as 30 fps give them; by default only those that the server wants.

    Raises
    ------
    NotExported
        If something is missing or wrong; then nothing is written.
    """
    store = open_store(masks)
    chosen = store if wanted is None or every_frame else scored(store, wanted)
    checked = check_masks(chosen, wanted, subset, progress)
    write_atomic(out, partial(_write, store=chosen, before=FOLDER[form]))
    return checked


def scored(store: MaskStore, wanted: Mapping[str, Expected]) -> MaskStore:
    """The store without frames that may be there but need not."""
    return replace(
        store,
        folders={name: dict(_needed(frames, wanted.get(name))) for name, frames in store.folders.items()},
    )


def _needed(frames: Mapping[str, str], want: Expected | None) -> Iterable[tuple[str, str]]:
    spare = want.allowed - want.frames if want is not None else frozenset()
    return ((stem, path) for stem, path in frames.items() if stem not in spare)


def _write(path: Path, store: MaskStore, before: str) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for sequence, frames in store.folders.items():
            for stem in frames:
                entry = zipfile.ZipInfo(f"{before}{sequence}/{stem}.png", EPOCH)
                entry.external_attr = READABLE
                with store.open(sequence, stem) as stream:
                    archive.writestr(entry, stream.read())
