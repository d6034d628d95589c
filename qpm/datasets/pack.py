"""A folder of data as one archive, and what it weighs."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from qpm.files import write_atomic

EPOCH = 315_532_800  # 1980-01-01; the same files give the same archive


def pack(folder: Path, out: Path, top: str) -> None:
    """Write all files below `folder` as one .tar that unpacks to a folder `top`, whole or not at all.

    Files stand in order of their names, and nothing tells who wrote them when: the same files give the same bytes.
    """
    write_atomic(out, partial(_pack, folder=folder, top=top))


def weight(out: Path) -> tuple[int, int]:
    """Number of files in a folder or a .tar, and bytes: of the files, or of the archive."""
    if out.is_file():
        with tarfile.open(out) as archive:
            return len(archive.getmembers()), out.stat().st_size
    sizes = [path.stat().st_size for path in _files(out)]
    return len(sizes), sum(sizes)


def _pack(path: Path, folder: Path, top: str) -> None:
    with tarfile.open(path, "w") as archive:
        for file in _files(folder):
            entry = tarfile.TarInfo(f"{top}/{file.relative_to(folder).as_posix()}")
            entry.size, entry.mtime, entry.mode = file.stat().st_size, EPOCH, 0o644
            with file.open("rb") as stream:
                archive.addfile(entry, stream)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())
