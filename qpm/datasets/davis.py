"""DAVIS 2016 and 2017: JPEGImages, Annotations and ImageSets as unzipped from davischallenge.org."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

from qpm.datasets.layout import SequenceFiles, VideoFolder, find_root, image_files, object_ids, refuse_faults
from qpm.datasets.video import DAVIS2017, Video

HOW_TO_GET = (
    "unzip DAVIS-2017-trainval-480p.zip (or test-dev, or Full-Resolution) from davischallenge.org; "
    "root: is the folder with JPEGImages"
)


class DavisConfig(BaseModel):
    """DAVIS with one object per video (`year` 2016) or with instance ids (2017).

    `resolution` is the folder below JPEGImages and Annotations; `sequences` picks by name (then no ImageSets
    list is needed; without it, all of the split); `frames` keeps a prefix of every video.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Literal["davis"] = "davis"
    root: Path | None = None
    year: Literal[2016, 2017] = 2017
    split: str = "val"
    resolution: str = "480p"
    sequences: tuple[str, ...] | None = None
    frames: int | None = Field(default=None, ge=2)

    def open(self) -> VideoFolder:
        """Find the files of every sequence; refuses missing folders, first masks and gaps in the masks.

        Raises
        ------
        FileNotFoundError, ValueError
            Name the folder, sequence or frame that is missing, and how to get the data.
        """
        root = find_root("davis", self.root, HOW_TO_GET)
        for part in ("JPEGImages", "Annotations"):
            if not (root / part / self.resolution).is_dir():
                raise FileNotFoundError(_missing_folder(root, part, self.resolution))
        names = self.sequences if self.sequences is not None else _listed(root, self)
        found = [_sequence(root, self, name) for name in names]
        dataset = f"davis{self.year}"
        refuse_faults(dataset, (fault for sequence in found for fault in sequence_faults(sequence)))
        attributes = read_attributes(root)
        build = partial(build_video, dataset=dataset, attributes=attributes)
        settings = {"year": self.year, "attributes": {name: attributes.get(name, ()) for name in names}}
        return VideoFolder(dataset, DAVIS2017, [s.prefix(self.frames) for s in found], build, settings)


def build_video(files: SequenceFiles, dataset: str, attributes: dict[str, tuple[str, ...]]) -> Video:
    """A DAVIS video: its objects are the ids of the first frame's mask."""
    first = files.read_labels(0)
    ids = () if first is None else object_ids(first)
    refuse_faults(dataset, [] if ids else [_no_object(files)])
    return Video(
        dataset=dataset,
        name=files.name,
        frame_names=files.stems,
        size=files.size(),
        object_ids=ids,
        first_frames=dict.fromkeys(ids, 0),
        read_frame=files.read_frame,
        read_labels=files.read_labels,
        attributes=attributes.get(files.name, ()),
        truth_frames=files.annotated(),
    )


def _no_object(files: SequenceFiles) -> str:
    """Why a first mask gives no object."""
    first = replace(files, white="keep").read_labels(0)
    if first is not None and object_ids(first) == (255,):
        return f"{files.name}: masks of 0 and 255, where 255 is void: these are DAVIS-2016's; set year: 2016"
    return f"{files.name}: the mask of frame {files.stems[0]} is empty"


def sequence_faults(files: SequenceFiles) -> list[str]:
    """Faults of a DAVIS sequence: there are masks for all frames, or for the first alone (test-dev)."""
    faults = files.faults()
    if faults:
        return faults
    missing = [stem for stem in files.stems if stem not in files.masks]
    if files.stems[0] in missing or (missing and len(files.masks) > 1):
        return [
            f"{files.name}: no mask for frame {missing[0]} ({len(missing)} of {len(files.frames)} missing)"
        ]
    return []


def read_attributes(root: Path) -> dict[str, tuple[str, ...]]:
    """Sequence -> its challenge attributes, from Annotations/db_info.yml; empty where that is not."""
    path = root / "Annotations" / "db_info.yml"
    if not path.is_file():
        return {}
    sequences = yaml.safe_load(path.read_text())["sequences"]
    return {entry["name"]: tuple(entry.get("attributes") or ()) for entry in sequences}


def _listed(root: Path, config: DavisConfig) -> tuple[str, ...]:
    parts = (str(config.year), config.resolution)
    candidates = [root / "ImageSets" / part / f"{config.split}.txt" for part in parts]
    path = next((p for p in candidates if p.is_file()), None)
    if path is None:
        known = sorted(str(p.relative_to(root)) for p in root.glob("ImageSets/*/*.txt"))
        raise FileNotFoundError(
            f"davis: no {candidates[0]}; there is {', '.join(known) or 'no ImageSets list at all'}; "
            "choose year and split, or name the sequences"
        )
    lines = [line.split()[0] for line in path.read_text().splitlines() if line.strip()]
    # The 2016 release lists pairs of file paths (/JPEGImages/480p/bear/00000.jpg ...) in place of sequences.
    return tuple(dict.fromkeys(Path(line).parent.name if "/" in line else line for line in lines))


def _sequence(root: Path, config: DavisConfig, name: str) -> SequenceFiles:
    frames, masks = (root / part / config.resolution / name for part in ("JPEGImages", "Annotations"))
    for folder in (frames, masks):
        if not folder.is_dir():
            raise FileNotFoundError(f"davis: sequence {name!r}: no folder {folder.absolute()}; {HOW_TO_GET}")
    binary = config.year == 2016
    white: Literal["object", "void"] = "object" if binary else "void"
    return SequenceFiles(name, image_files(frames), image_files(masks, (".png",)), white, merge=binary)


def _missing_folder(root: Path, part: str, resolution: str) -> str:
    present = sorted(p.name for p in (root / part).iterdir() if p.is_dir()) if (root / part).is_dir() else []
    there = f"there is {', '.join(present[:5])}" if present else "the folder has no such part"
    return f"davis: no {part}/{resolution} under {root.absolute()}; {there}; {HOW_TO_GET}"
