"""YouTube-VOS: objects that enter late, truth on every 5th frame or none, seen and unseen categories."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from qpm.datasets.layout import SequenceFiles, VideoFolder, find_root, image_files, refuse_faults
from qpm.datasets.video import YOUTUBE_VOS, Video

HOW_TO_GET = (
    "unzip train.zip, valid.zip or test.zip of youtube-vos.org (for all_frames also valid_all_frames.zip, below "
    "all_frames/); root: is the folder that holds train and valid"
)

SEEN_CATEGORIES = frozenset(
    """airplane ape bear bike bird boat bucket bus camel cat cow crocodile deer dog dolphin duck eagle earless_seal
    elephant fish fox frisbee frog giant_panda giraffe hand hat hedgehog horse knife leopard lion lizard monkey
    motorbike mouse others owl paddle parachute parrot penguin person plant rabbit raccoon sedan shark sheep sign
    skateboard snail snake snowboard squirrel surfboard tennis_racket tiger toilet train truck turtle umbrella
    whale zebra""".split()
)
"""The 65 categories of the training split; any other one is unseen."""


@dataclass(frozen=True)
class ObjectInfo:
    """What meta.json says of an object: where it is annotated, and its category if that is published."""

    frames: tuple[str, ...]
    category: str | None


class YoutubeVosConfig(BaseModel):
    """YouTube-VOS as unzipped: `<split>/JPEGImages`, `<split>/Annotations` and `<split>/meta.json`.

    With `all_frames` the 30 fps frames below `all_frames/<split>_all_frames` are read in place of every 5th.
    `categories` is a JSON file {video: {object id: category}} for a split whose meta.json has none. `sequences`
    picks by name; `frames` keeps a prefix of every video, with the objects that appear in it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Literal["youtube-vos"] = "youtube-vos"
    root: Path | None = None
    split: str = "valid"
    all_frames: bool = False
    categories: Path | None = None
    sequences: tuple[str, ...] | None = None
    frames: int | None = Field(default=None, ge=2)

    def open(self) -> VideoFolder:
        """Find the files of every video and of every object its first mask.

        Raises
        ------
        FileNotFoundError, ValueError
            Name the folder, video, object or frame that is missing, and how to get the data.
        """
        root = find_root("youtube-vos", self.root, HOW_TO_GET)
        meta = read_meta(root / self.split / "meta.json", self.categories)
        names = self.sequences if self.sequences is not None else tuple(sorted(meta))
        unknown = [name for name in names if name not in meta]
        refuse_faults("youtube-vos", (f"no video {name!r} in {self.split}/meta.json" for name in unknown))
        found = [_sequence(root, self, name) for name in names]
        refuse_faults("youtube-vos", (fault for files in found for fault in _faults(files, meta[files.name])))
        kept = [files.prefix(self.frames) for files in found]
        chosen = {name: {str(i): [*o.frames, o.category] for i, o in meta[name].items()} for name in names}
        build = partial(build_video, meta=meta)
        return VideoFolder("youtube-vos", YOUTUBE_VOS, kept, build, {"meta": chosen, "all": self.all_frames})


def read_meta(path: Path, categories: Path | None = None) -> dict[str, dict[int, ObjectInfo]]:
    """Video -> object id -> its annotated frames and category.

    Raises
    ------
    FileNotFoundError, ValueError
        If the file is missing or is not of the form {"videos": {id: {"objects": {id: {"frames": [...]}}}}}.
    """
    if not path.is_file():
        raise FileNotFoundError(f"youtube-vos: no {path.absolute()}; {HOW_TO_GET}")
    extra = json.loads(categories.read_text()) if categories is not None else {}
    try:
        videos = json.loads(path.read_text())["videos"]
        return {name: _objects(video["objects"], extra.get(name, {})) for name, video in videos.items()}
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
        raise ValueError(f"youtube-vos: {path} is not a YouTube-VOS meta.json: {error!r}") from error


def _objects(objects: Mapping[str, Any], categories: Mapping[str, str]) -> dict[int, ObjectInfo]:
    return {
        int(key): ObjectInfo(tuple(value["frames"]), value.get("category") or categories.get(key))
        for key, value in sorted(objects.items(), key=lambda item: int(item[0]))
    }


def build_video(files: SequenceFiles, meta: Mapping[str, Mapping[int, ObjectInfo]]) -> Video:
    """The video with each object given on the first frame of its list.

    There is truth only if every frame that some object lists has a mask file. In valid and test the files hold the
    new objects alone (0 is "no label" there), so they are given masks but no truth.
    """
    files.mask_size()  # a broken mask is told now, before anything is made of the video
    position = {stem: index for index, stem in enumerate(files.stems)}
    objects = {i: info for i, info in meta[files.name].items() if info.frames[0] in position}
    known = has_truth(files, objects)
    truth = files if known else replace(files, masks={})
    categories = {i: info.category for i, info in objects.items() if info.category is not None}
    return Video(
        dataset="youtube-vos",
        name=files.name,
        frame_names=files.stems,
        size=files.size(),
        object_ids=tuple(objects),
        first_frames={i: position[info.frames[0]] for i, info in objects.items()},
        read_frame=files.read_frame,
        read_labels=truth.read_labels,
        categories=categories,
        seen={i: category in SEEN_CATEGORIES for i, category in categories.items()},
        truth_frames=truth.annotated(),
        read_given=files.read_labels,
    )


def has_truth(files: SequenceFiles, objects: Mapping[int, ObjectInfo]) -> bool:
    """Whether every listed frame has a mask, and some object lists more than the first."""
    listed = {stem for info in objects.values() for stem in info.frames if stem in files.frames}
    return listed <= set(files.masks) and any(len(info.frames) > 1 for info in objects.values())


def _sequence(root: Path, config: YoutubeVosConfig, name: str) -> SequenceFiles:
    parts = root / config.split
    frames = parts / "JPEGImages" / name
    if config.all_frames:
        frames = root / "all_frames" / f"{config.split}_all_frames" / "JPEGImages" / name
    masks = parts / "Annotations" / name
    for folder in (frames, masks):
        if not folder.is_dir():
            raise FileNotFoundError(f"youtube-vos: {name}: no folder {folder.absolute()}; {HOW_TO_GET}")
    return SequenceFiles(name, image_files(frames), image_files(masks, (".png",)), white="keep")


def _faults(files: SequenceFiles, objects: Mapping[int, ObjectInfo]) -> list[str]:
    """Faults of a video: those of any sequence, and objects whose first frame or first mask is missing."""
    faults = files.faults()
    if faults:
        return faults
    for object_id, info in objects.items():
        if not info.frames:
            return [f"{files.name}: meta.json lists no frame of object {object_id}"]
        for kind, there in (("frame", files.frames), ("mask", files.masks)):
            if info.frames[0] not in there:
                return [f"{files.name}: no {kind} {info.frames[0]}, where object {object_id} is given"]
    return []
