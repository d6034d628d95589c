"""Files of a dataset on disk: where it lies, which frames and masks a sequence has, and their digest."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from qpm.datasets.video import Video
from qpm.images import BrokenImage, White, image_size, read_frame, read_labels

FRAME_SUFFIXES = (".jpg", ".jpeg", ".png")


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Sort key that compares numbers by value: frame2 before frame10."""
    parts = re.findall(r"\d+|\D+", name)
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts]


def image_files(folder: Path, suffixes: tuple[str, ...] = FRAME_SUFFIXES) -> dict[str, Path]:
    """Image files of a folder by stem, in natural order; hidden files are left out.

    Raises
    ------
    ValueError
        If two files share a stem (00000.jpg beside 00000.png): which one is the frame?
    """
    files: dict[str, Path] = {}
    found = [p for p in folder.iterdir() if p.suffix.lower() in suffixes and not p.name.startswith(".")]
    for path in sorted(found, key=lambda p: natural_key(p.stem)):
        if path.stem in files:
            raise ValueError(f"{folder}: {files[path.stem].name} and {path.name}; keep one file per frame")
        files[path.stem] = path
    return files


def object_ids(labels: np.ndarray) -> tuple[int, ...]:
    """The non-zero values of a label map, ascending."""
    return tuple(int(i) for i in np.flatnonzero(np.bincount(labels.ravel())) if i)


def find_root(name: str, root: Path | None, how_to_get: str) -> Path:
    """The folder of a dataset: `root` if it is set, else `$QPM_DATA/<name>`.

    Raises
    ------
    FileNotFoundError
        If it is not there; says where it looked and how to get the data.
    """
    base = os.environ.get("QPM_DATA")
    if root is None and base is None:
        raise FileNotFoundError(f"{name}: set root: or the environment variable QPM_DATA; {how_to_get}")
    path = (root if root is not None else Path(base or "") / name).expanduser()
    if not path.is_dir():
        source = "root:" if root is not None else "$QPM_DATA"
        raise FileNotFoundError(f"{name}: no folder {path.absolute()} (from {source}); {how_to_get}")
    return path


@dataclass(frozen=True)
class SequenceFiles:
    """The frame files and mask files of one sequence, by stem."""

    name: str
    frames: dict[str, Path]
    masks: dict[str, Path]
    white: White = "auto"
    merge: bool = False  # every non-zero value is object 1 (DAVIS-2016)

    @property
    def stems(self) -> tuple[str, ...]:
        return tuple(self.frames)

    def prefix(self, frames: int | None) -> SequenceFiles:
        """The first `frames` frames and their masks."""
        if frames is None:
            return self
        kept = dict(list(self.frames.items())[:frames])
        masks = {stem: path for stem, path in self.masks.items() if stem in kept}
        return replace(self, frames=kept, masks=masks)

    def size(self) -> tuple[int, int]:
        """Height and width of the first frame."""
        return image_size(next(iter(self.frames.values())))

    def mask_size(self) -> tuple[int, int] | None:
        """Height and width of the first mask, None if there is no mask."""
        return next((image_size(path) for path in self.masks.values()), None)

    def read_frame(self, index: int) -> np.ndarray:
        """Frame `index`, uint8 (H, W, 3)."""
        return read_frame(self.frames[self.stems[index]])

    def read_labels(self, index: int) -> np.ndarray | None:
        """The label map of frame `index`, uint8 (H, W), or None if it has no mask file."""
        path = self.masks.get(self.stems[index])
        if path is None:
            return None
        labels = read_labels(path, self.white)
        return (labels > 0).astype(np.uint8) if self.merge else labels

    def annotated(self) -> tuple[int, ...]:
        """Indices of the frames that have a mask file."""
        return tuple(i for i, stem in enumerate(self.stems) if stem in self.masks)

    def faults(self) -> list[str]:
        """What is wrong by file names and two headers: no frames or masks, stray masks, another size.

        A broken image is none of them: the video of its sequence cannot be built and names it, so that a training can
        pass over this one sequence.
        """
        if not self.frames:
            return [f"{self.name}: no frames (.jpg or .png)"]
        if not self.masks:
            return [f"{self.name}: no mask (.png named like a frame)"]
        stray = [stem for stem in self.masks if stem not in self.frames]
        if stray:
            return [f"{self.name}: mask {stray[0]}.png has no frame ({len(stray)} such masks)"]
        try:
            mask, frame = self.mask_size(), self.size()
        except BrokenImage:
            return []
        if mask != frame:
            first = next(iter(self.masks.values())).name
            sizes = f"{mask}, the frames {frame} (height, width)"
            return [f"{self.name}: mask {first} is {sizes}; make masks at the size of the frames"]
        return []


@dataclass
class VideoFolder:
    """A dataset of sequences on disk; each video is built when it is first asked for.

    `BrokenImage` is raised then if its first frame or its first mask cannot be read.
    """

    name: str
    protocol: str
    sequences: list[SequenceFiles]
    build: Callable[[SequenceFiles], Video]
    settings: Mapping[str, object] = field(default_factory=dict)  # what else decides the videos
    built: dict[int, Video] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.sequences)

    def __getitem__(self, index: int) -> Video:
        position = range(len(self.sequences))[index]  # negative indices, and IndexError past the end
        if position not in self.built:
            self.built[position] = self.build(self.sequences[position])
        return self.built[position]

    def names(self) -> list[str]:
        return [sequence.name for sequence in self.sequences]

    def fingerprint(self) -> str:
        """SHA-256 over the settings and the name and size in bytes of every frame and mask file."""
        digest = hashlib.sha256(json.dumps([self.name, self.settings], sort_keys=True).encode())
        for sequence in self.sequences:
            files = [*_sizes(sequence.frames), "masks", *_sizes(sequence.masks)]
            digest.update(json.dumps([sequence.name, files]).encode())
        return digest.hexdigest()


def _sizes(files: dict[str, Path]) -> list[tuple[str, int]]:
    return [(path.name, path.stat().st_size) for path in files.values()]


def refuse_faults(dataset: str, faults: Iterable[str]) -> None:
    """Raise one ValueError that names the first faults and how many there are."""
    found = list(faults)
    if found:
        more = f" (and {len(found) - 3} more)" if len(found) > 3 else ""
        raise ValueError(f"{dataset}: " + "; ".join(found[:3]) + more)
