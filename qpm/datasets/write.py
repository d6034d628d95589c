"""Write a dataset as files in DAVIS or YouTube-VOS layout: for other tools, for looking at it, and to take along."""

from __future__ import annotations

import json
import logging
import os
import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml

from qpm.datasets.pack import pack
from qpm.datasets.reduce import reduced_frame, reduced_labels, reduced_size, with_every_id
from qpm.datasets.video import Dataset, Video
from qpm.files import write_atomic
from qpm.images import write_frame, write_labels

log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]  # videos done, videos
Layout = Literal["davis", "youtube-vos"]


@dataclass(frozen=True)
class Pictures:
    """How frames are written: as JPEG of a quality, and no larger than a short side in pixels."""

    quality: int = 95
    short_side: int | None = None


def write_dataset(
    dataset: Dataset,
    out: Path,
    layout: Layout = "davis",
    split: str = "val",
    pictures: Pictures | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write all videos to `out`, all of them or nothing, and return it.

    If `out` ends in .tar it is one archive that holds a folder named like the layout, so that it can be unpacked in
    `$QPM_DATA`; the same videos give the same bytes. Else it is the folder itself.

    "davis": JPEGImages/480p, Annotations/480p, ImageSets/<year>/<split>.txt and the attributes in
    Annotations/db_info.yml; 480p is only the folder's name. The year is 2016 for DAVIS-2016, else 2017. DAVIS
    knows the objects of the first frame only: later ones are left out there, and a warning names their videos.
    "youtube-vos": <split>/JPEGImages, <split>/Annotations with the truth of every frame that has any, and
    <split>/meta.json with categories. Frames become JPEG, so they differ slightly from the dataset's own.

    Raises
    ------
    FileExistsError
        If `out` is there and is no empty folder.
    ValueError
        If DAVIS layout cannot hold a video: truth on some frames only, or no object in the first.
    """
    out = out.absolute()
    packed = out.suffix == ".tar"
    if out.is_dir() and any(out.iterdir()):
        raise FileExistsError(f"{out} is not empty; name a new folder")
    if out.is_file() or (packed and out.exists()):
        raise FileExistsError(f"{out} is there already; name a new one")
    write = _write_davis if layout == "davis" else _write_youtube_vos
    folder = out.with_name(f".{out.stem}.{uuid.uuid4().hex[:8]}.partial")
    try:
        folder.mkdir(parents=True)
        write(dataset, folder, split, pictures or Pictures(), progress)
        if packed:
            pack(folder, out, layout)
        else:
            os.replace(folder, out)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return out


def _write_davis(
    dataset: Dataset, out: Path, split: str, pictures: Pictures, progress: Progress | None
) -> None:
    entries, late = [], []
    for index in range(len(dataset)):
        video = dataset[index]
        first = tuple(i for i in video.object_ids if video.first_frames[i] == 0)
        _refuse_what_davis_lacks(video, first)
        _write_video(video, first, out / "JPEGImages" / "480p", out / "Annotations" / "480p", pictures)
        entries.append(
            {"name": video.name, "num_frames": len(video), "set": split, "attributes": list(video.attributes)}
        )
        if first != video.object_ids:
            late.append(video.name)
        if progress is not None:
            progress(index + 1, len(dataset))
    if late:
        log.warning(
            "left out the late objects of %d videos, unknown to DAVIS: %s", len(late), ", ".join(late)
        )
    _write_text(out / "Annotations" / "db_info.yml", yaml.safe_dump({"sequences": entries}, sort_keys=False))
    names = "".join(f"{entry['name']}\n" for entry in entries)
    _write_text(out / "ImageSets" / str(davis_year(dataset)) / f"{split}.txt", names)


def davis_year(dataset: Dataset) -> int:
    """The year whose masks a dataset's are like in DAVIS layout: one object (2016), or ids (2017)."""
    return 2016 if dataset.name == "davis2016" else 2017


def _refuse_what_davis_lacks(video: Video, first: tuple[int, ...]) -> None:
    known = sum(video.has_truth(index) for index in range(len(video)))
    faults = [] if first else ["no object in its first frame"]
    if 1 < known < len(video) or (known == 1 and not video.has_truth(0)):
        faults = [f"truth on {known} of its {len(video)} frames, neither on all nor on the first alone"]
    if faults:
        raise ValueError(
            f"{video.dataset}: {video.name} has {faults[0]}, which DAVIS layout cannot hold; "
            "take the layout youtube-vos"
        )


def _write_youtube_vos(
    dataset: Dataset, out: Path, split: str, pictures: Pictures, progress: Progress | None
) -> None:
    videos: dict[str, Any] = {}
    for index in range(len(dataset)):
        video = dataset[index]
        folders = out / split / "JPEGImages", out / split / "Annotations"
        shown = _write_video(video, video.object_ids, *folders, pictures)
        videos[video.name] = {"objects": {str(i): _meta(video, i, shown[i]) for i in video.object_ids}}
        if progress is not None:
            progress(index + 1, len(dataset))
    _write_text(out / split / "meta.json", json.dumps({"videos": videos}, indent=1))


def _meta(video: Video, object_id: int, frames: list[str]) -> dict[str, Any]:
    category = video.categories.get(object_id)
    return {"frames": frames} if category is None else {"category": category, "frames": frames}


def _write_video(
    video: Video, ids: tuple[int, ...], frames: Path, masks: Path, pictures: Pictures
) -> dict[int, list[str]]:
    """Write one video with these objects; returns for each the frames from its first on that show it."""
    for folder in (frames / video.name, masks / video.name):
        folder.mkdir(parents=True)
    size = video.size if pictures.short_side is None else reduced_size(video.size, pictures.short_side)
    shown: dict[int, list[str]] = {object_id: [] for object_id in ids}
    for index, stem in enumerate(video.frame_names):
        frame = reduced_frame(video.read_frame(index), size)
        write_frame(frames / video.name / f"{stem}.jpg", frame, pictures.quality)
        labels = _labels(video, index, ids)
        if labels is None:
            continue
        write_labels(masks / video.name / f"{stem}.png", with_every_id(reduced_labels(labels, size), labels))
        for object_id in ids:
            if index >= video.first_frames[object_id] and (labels == object_id).any():
                shown[object_id].append(stem)
    return shown


def _labels(video: Video, index: int, ids: tuple[int, ...]) -> np.ndarray | None:
    """The truth of these objects, or their masks where they are given; None if neither is known."""
    labels = video.read_labels(index)
    if labels is None and any(video.first_frames[i] == index for i in ids):
        labels = video.given(index)
    return None if labels is None else np.where(np.isin(labels, ids), labels, 0).astype(np.uint8)


def _write_text(path: Path, text: str) -> None:
    write_atomic(path, lambda partial: partial.write_text(text, encoding="utf-8"))
