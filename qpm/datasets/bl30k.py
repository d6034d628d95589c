"""BL30K: thirty thousand rendered training sequences of MiVOS, JPEGImages and Annotations with a folder each."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from qpm.datasets.layout import SequenceFiles, find_root, image_files, natural_key, object_ids, refuse_faults
from qpm.datasets.video import YOUTUBE_VOS, Video

HOW_TO_GET = "join and unpack the archives of BL30K (about 700 GB); root: is the folder with JPEGImages and Annotations"


class Bl30kConfig(BaseModel):
    """BL30K; `sequences` picks some by name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Literal["bl30k"] = "bl30k"
    root: Path | None = None
    sequences: tuple[str, ...] | None = None

    def open(self) -> Bl30k:
        """Find the sequences; their files are listed when they are drawn, since there are five million.

        Raises
        ------
        FileNotFoundError, ValueError
            If a folder is missing or empty, or frames have no annotations.
        """
        root = find_root("bl30k", self.root, HOW_TO_GET)
        frames, masks = _names(root / "JPEGImages"), _names(root / "Annotations")
        names = frames if self.sequences is None else list(self.sequences)
        for part, there in (("JPEGImages", frames), ("Annotations", masks)):
            lacking = sorted(set(names) - set(there), key=natural_key)
            refuse_faults("bl30k", (f"no folder {part}/{name} under {root}" for name in lacking))
        return Bl30k(root, tuple(names))


@dataclass(frozen=True)
class Bl30k:
    """The sequences of BL30K, opened one at a time."""

    root: Path
    sequences: tuple[str, ...]
    name: str = "bl30k"
    protocol: str = YOUTUBE_VOS

    def __len__(self) -> int:
        return len(self.sequences)

    def __getitem__(self, index: int) -> Video:
        name = self.sequences[index]
        parts = (self.root / "JPEGImages" / name, self.root / "Annotations" / name)
        files = SequenceFiles(name, image_files(parts[0]), image_files(parts[1], (".png",)), white="keep")
        refuse_faults("bl30k", files.faults())
        first = files.annotated()[0]
        labels = files.read_labels(first)
        assert labels is not None, "an annotated frame has labels"
        ids = object_ids(labels)
        return Video(
            self.name, name, files.stems, files.size(), ids, dict.fromkeys(ids, first),
            files.read_frame, files.read_labels, truth_frames=files.annotated(),
        )  # fmt: skip

    def names(self) -> list[str]:
        return list(self.sequences)

    def fingerprint(self) -> str:
        """SHA-256 over the names of the sequences; five million file sizes would take hours to read."""
        return hashlib.sha256(json.dumps([self.name, *self.sequences]).encode()).hexdigest()


def _names(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise FileNotFoundError(f"bl30k: no folder {folder.absolute()}; {HOW_TO_GET}")
    names = [entry.name for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith(".")]
    if not names:
        raise ValueError(f"bl30k: no sequence in {folder.absolute()}; {HOW_TO_GET}")
    return sorted(names, key=natural_key)
