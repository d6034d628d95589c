"""Videos of one's own: a folder of frames with a mask or more, or many of them in DAVIS' shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from qpm.datasets.given_masks import MaskReader
from qpm.datasets.layout import (
    SequenceFiles,
    VideoFolder,
    find_root,
    image_files,
    natural_key,
    refuse_faults,
)
from qpm.datasets.video import Video

HOW_TO_GET = (
    "expected JPEGImages/<sequence>/ and Annotations/<sequence>/ (a resolution folder between is fine), "
    "or frames in the folder itself with masks named like them in masks/"
)


class FolderConfig(BaseModel):
    """Own videos: every sequence of a DAVIS-shaped tree, or one sequence whose frames lie in `root`.

    An object is given in the first frame whose mask shows its id, so it may come late. `masks` is where the masks
    of a flat folder are: a folder, or one file (by default `root`/masks or `root`/Annotations). `resolution` is
    the folder below JPEGImages, needed only if there are several. `frames` keeps a prefix of every video.
    `mask_colours` takes each colour of a mask as an object; `clean_masks` repairs smoothed edges (`MaskReader`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Literal["folder"] = "folder"
    root: Path | None = None
    masks: Path | None = None
    resolution: str | None = None
    sequences: tuple[str, ...] | None = None
    frames: int | None = Field(default=None, ge=2)
    mask_colours: bool = False
    clean_masks: bool = False
    protocol: Literal["davis2017", "youtube-vos"] = "youtube-vos"

    def open(self) -> VideoFolder:
        """Find frames and masks.

        Raises
        ------
        FileNotFoundError, ValueError
            If the layout is none of the two, or a sequence has no frames, no mask, or masks of another size.
        """
        root = find_root("folder", self.root, HOW_TO_GET)
        shaped = (root / "JPEGImages").is_dir()
        found = _tree(root, self.resolution, self.sequences) if shaped else [_flat(root, self.masks)]
        refuse_faults("folder", (fault for files in found for fault in files.faults()))
        kept = [files.prefix(self.frames) for files in found]
        build = partial(build_video, colours=self.mask_colours, clean=self.clean_masks)
        settings = {"colours": self.mask_colours, "clean": self.clean_masks}
        return VideoFolder("folder", self.protocol, kept, build, settings)


def build_video(files: SequenceFiles, colours: bool = False, clean: bool = False) -> Video:
    """The video of a sequence on disk; see `own_video`."""
    masks = {index: files.masks[files.stems[index]] for index in files.annotated()}
    return own_video(files.name, files.stems, files.size(), files.read_frame, masks, colours, clean)


def own_video(
    name: str,
    frame_names: tuple[str, ...],
    size: tuple[int, int],
    read_frame: Callable[[int], np.ndarray],
    masks: Mapping[int, Path],
    colours: bool = False,
    clean: bool = False,
) -> Video:
    """A video with masks by frame index; reads every mask once to find where each object comes first.

    Masks that each bring a new object are given masks only; if there are more of them than that, they are truth for
    all objects. `colours` and `clean` as for `MaskReader`.

    Raises
    ------
    ValueError
        If a mask cannot be read, or no mask holds an object.
    """
    reader = MaskReader(list(masks.values()), colours, clean)
    first: dict[int, int] = {}
    for index in sorted(masks):
        for object_id in reader.held(masks[index]):
            first.setdefault(object_id, index)
    refuse_faults("folder", [] if first else [f"{name}: no mask holds an object (every pixel is 0)"])
    truth = masks if set(masks) != set(first.values()) else {}
    return Video(
        dataset="folder",
        name=name,
        frame_names=frame_names,
        size=size,
        object_ids=tuple(sorted(first)),
        first_frames=first,
        read_frame=read_frame,
        read_labels=lambda index: reader.labels(truth[index]) if index in truth else None,
        truth_frames=tuple(sorted(truth)),
        read_given=lambda index: reader.labels(masks[index]) if index in masks else None,
    )


def _tree(root: Path, resolution: str | None, sequences: tuple[str, ...] | None) -> list[SequenceFiles]:
    frames, masks = _below(root / "JPEGImages", resolution), _below(root / "Annotations", resolution)
    present = sorted((p.name for p in frames.iterdir() if p.is_dir()), key=natural_key)
    names = sequences if sequences is not None else tuple(present)
    missing = [name for name in names if not (frames / name).is_dir() or not (masks / name).is_dir()]
    if missing or not names:
        what = f"no {frames / missing[0]} or {masks / missing[0]}" if missing else f"no sequence in {frames}"
        raise FileNotFoundError(f"folder: {what}; {HOW_TO_GET}")
    return [
        SequenceFiles(name, image_files(frames / name), image_files(masks / name, (".png",)))
        for name in names
    ]


def _below(folder: Path, resolution: str | None) -> Path:
    """The folder that holds the sequences: itself, or the resolution folder in it."""
    if resolution is not None or not folder.is_dir():
        folder = folder / (resolution or "")
        if not folder.is_dir():
            raise FileNotFoundError(f"folder: no {folder.absolute()}; {HOW_TO_GET}")
        return folder
    inner = sorted(p for p in folder.iterdir() if p.is_dir())
    deeper = [p for p in inner if any(q.is_dir() for q in p.iterdir())]
    if len(deeper) > 1:
        known = ", ".join(p.name for p in deeper)
        raise ValueError(f"folder: {folder} holds several resolutions; set resolution: to one of {known}")
    return deeper[0] if deeper else folder


def _flat(root: Path, masks: Path | None) -> SequenceFiles:
    frames = image_files(root)
    candidates = [masks] if masks is not None else [root / "masks", root / "Annotations"]
    place = next((path for path in candidates if path.exists()), None)
    if not frames or place is None:
        what = "no frames" if not frames else f"no masks ({', '.join(str(path) for path in candidates)})"
        raise FileNotFoundError(f"folder: {what} in {root.absolute()}; {HOW_TO_GET}")
    if place.is_dir():
        return SequenceFiles(root.name, frames, image_files(place, (".png",)))
    stem = place.stem if place.stem in frames else next(iter(frames))
    return SequenceFiles(root.name, frames, {stem: place})
