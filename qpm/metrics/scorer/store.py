"""Masks in a folder or a zip, by sequence and frame. A zip is read as it is, never unpacked to disk."""

from __future__ import annotations

import os
import stat
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import IO

from qpm.metrics.scorer.refusal import Refusal


@dataclass(frozen=True)
class MaskStore:
    """Where the masks of a method or of the truth lie.

    Attributes
    ----------
    root : Path
        The folder, or the zip.
    folders : mapping
        Folder of a sequence (``blackswan``, or ``sav_000001/000``) -> stem of a frame -> path below `root`.
    zipped : bool
        Whether `root` is a zip.
    """

    root: Path
    folders: Mapping[str, Mapping[str, str]]
    zipped: bool = False

    def open(self, folder: str, stem: str) -> IO[bytes]:
        """The bytes of one mask."""
        path = self.folders[folder][stem]
        if self.zipped:
            return _archive(self.root, self.root.stat().st_mtime_ns).open(path)
        return open(f"{self.root}/{path}", "rb")

    def where(self, folder: str, stem: str) -> str:
        """Path of a mask as people write it, also of one that is missing."""
        return str(self.root / self.folders.get(folder, {}).get(stem, f"{folder}/{stem}.png"))


def open_store(path: Path, depth: int = 2) -> MaskStore:
    """Find the masks below a folder or in a zip.

    Folders around the sequences are stripped: everything outside a folder ``Annotations`` if there is one at the
    top, then folders that hold all the rest.

    Parameters
    ----------
    path : Path
        Folder or zip.
    depth : int
        Parts of a mask's path: 2 for ``<sequence>/<frame>.png``, 3 for ``<sequence>/<object>/<frame>.png``.

    Raises
    ------
    Refusal
        If there are no masks, or a zip is broken, encrypted or names places outside itself.
    """
    path = Path(path)
    if path.is_dir():
        names = _folder_names(path)
    elif zipfile.is_zipfile(path):
        names = _zip_names(path)
    else:
        found = "is neither a folder nor a zip" if path.exists() else "does not exist"
        raise Refusal([f"{path} {found}"])
    parts = {name: PurePosixPath(name).parts for name in names if _is_mask(name)}
    if not parts:
        raise Refusal(
            [f"{path} holds no PNG; expected {'<sequence>/<frame>.png' if depth == 2 else _NESTED}"]
        )
    return MaskStore(path, _by_folder(_strip(parts, depth)), zipped=not path.is_dir())


def store_name(path: Path) -> str:
    """Name of a result folder, or of a zip without its ending."""
    path = Path(path)
    return path.stem if path.suffix.lower() == ".zip" else path.name


_NESTED = "<sequence>/<object>/<frame>.png"


def _folder_names(root: Path) -> Iterable[str]:
    for folder, _, files in os.walk(root, followlinks=True):
        below = Path(folder).relative_to(root).as_posix()
        yield from (f"{below}/{name}" if below != "." else name for name in files)


def _zip_names(path: Path) -> list[str]:
    entries = [entry for entry in _archive(path, path.stat().st_mtime_ns).infolist() if not entry.is_dir()]
    faults = [
        f"{path}: '{entry.orig_filename}' {fault}" for entry in entries if (fault := entry_fault(entry))
    ]
    if faults:
        raise Refusal(faults)
    return [entry.filename for entry in entries]


def entry_fault(entry: zipfile.ZipInfo) -> str:
    """What makes an entry of a zip unfit to be read; empty if nothing does."""
    name = entry.orig_filename
    if (
        name.startswith(("/", "\\"))
        or ".." in name.replace("\\", "/").split("/")
        or ":" in name.split("/")[0]
    ):
        return "points outside the zip"
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "is a link; put the file itself into the zip"
    return "is encrypted" if entry.flag_bits & 1 else ""


def _is_mask(name: str) -> bool:
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))
    return name.lower().endswith(".png") and not hidden


def _strip(parts: dict[str, tuple[str, ...]], depth: int) -> dict[str, tuple[str, ...]]:
    below = {name: part[1:] for name, part in parts.items() if part[0] == "Annotations" and len(part) > 2}
    parts = below or parts
    while min(map(len, parts.values())) > depth and len({part[0] for part in parts.values()}) == 1:
        parts = {name: part[1:] for name, part in parts.items()}
    return parts


def _by_folder(parts: dict[str, tuple[str, ...]]) -> dict[str, dict[str, str]]:
    folders: dict[str, dict[str, str]] = {}
    for name, part in sorted(parts.items()):
        if len(part) > 1:  # a PNG beside the sequences belongs to none
            folders.setdefault("/".join(part[:-1]), {})[part[-1][: -len(".png")]] = name
    return folders


@lru_cache(maxsize=4)
def _archive(path: Path, changed_ns: int) -> zipfile.ZipFile:
    """The zip, opened once for each process; `changed_ns` parts a new file of the same name from the old."""
    return zipfile.ZipFile(path)
