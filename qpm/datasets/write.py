"""Write a dataset as files in DAVIS or YouTube-VOS layout, for other tools and for looking at it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml

from qpm.datasets.video import Dataset, Video
from qpm.files import write_atomic
from qpm.images import write_frame, write_labels

log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]  # videos done, videos


def write_dataset(
    dataset: Dataset,
    out: Path,
    layout: Literal["davis", "youtube-vos"] = "davis",
    split: str = "val",
    quality: int = 95,
    progress: Progress | None = None,
) -> Path:
    """Write all videos below `out` and return it.

    "davis": JPEGImages/480p, Annotations/480p, ImageSets/2017/<split>.txt and the attributes in
    Annotations/db_info.yml; 480p is only the folder's name, the frames keep their size. "youtube-vos":
    <split>/JPEGImages, <split>/Annotations with the truth of every frame that has any, and <split>/meta.json
    with categories. Frames become JPEG, so they differ slightly from the dataset's own. DAVIS knows the
    objects of the first frame only: later ones are left out there, and a warning names their videos.

    Raises
    ------
    FileExistsError
        If `out` holds anything already.
    """
    if out.exists() and any(out.iterdir()):
        raise FileExistsError(f"{out} is not empty; name a new folder")
    write = _write_davis if layout == "davis" else _write_youtube_vos
    write(dataset, out, split, quality, progress)
    return out


def _write_davis(dataset: Dataset, out: Path, split: str, quality: int, progress: Progress | None) -> None:
    entries, late = [], []
    for index in range(len(dataset)):
        video = dataset[index]
        first = tuple(i for i in video.object_ids if video.first_frames[i] == 0)
        _write_video(video, first, out / "JPEGImages" / "480p", out / "Annotations" / "480p", quality)
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
    _write_text(
        out / "ImageSets" / "2017" / f"{split}.txt", "".join(f"{entry['name']}\n" for entry in entries)
    )


def _write_youtube_vos(
    dataset: Dataset, out: Path, split: str, quality: int, progress: Progress | None
) -> None:
    videos: dict[str, Any] = {}
    for index in range(len(dataset)):
        video = dataset[index]
        folders = out / split / "JPEGImages", out / split / "Annotations"
        shown = _write_video(video, video.object_ids, *folders, quality)
        videos[video.name] = {"objects": {str(i): _meta(video, i, shown[i]) for i in video.object_ids}}
        if progress is not None:
            progress(index + 1, len(dataset))
    _write_text(out / split / "meta.json", json.dumps({"videos": videos}, indent=1))


def _meta(video: Video, object_id: int, frames: list[str]) -> dict[str, Any]:
    category = video.categories.get(object_id)
    return {"frames": frames} if category is None else {"category": category, "frames": frames}


def _write_video(
    video: Video, ids: tuple[int, ...], frames: Path, masks: Path, quality: int
) -> dict[int, list[str]]:
    """Write one video with these objects; returns for each the frames from its first on that show it."""
    for folder in (frames / video.name, masks / video.name):
        folder.mkdir(parents=True)
    shown: dict[int, list[str]] = {object_id: [] for object_id in ids}
    for index, stem in enumerate(video.frame_names):
        write_frame(frames / video.name / f"{stem}.jpg", video.read_frame(index), quality)
        labels = video.read_labels(index)
        labels = video.given(index) if labels is None else labels
        if labels is None:
            continue
        write_labels(masks / video.name / f"{stem}.png", np.where(np.isin(labels, ids), labels, 0))
        for object_id in ids:
            if index >= video.first_frames[object_id] and (labels == object_id).any():
                shown[object_id].append(stem)
    return shown


def _write_text(path: Path, text: str) -> None:
    write_atomic(path, lambda partial: partial.write_text(text, encoding="utf-8"))
