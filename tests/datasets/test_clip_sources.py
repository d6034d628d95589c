"""From a source's settings and files on disk to a clip, one test for every layout that is documented."""

import json
from pathlib import Path

import numpy as np
import pytest
from pydantic import TypeAdapter

from qpm.datasets.clip import Clip
from qpm.datasets.frame_cache import FrameCache
from qpm.images import write_frame, write_labels
from qpm.training.sources import SourceConfig

COLOURS = np.array([(30, 30, 30), (240, 60, 60), (60, 240, 60), (60, 60, 240)], np.uint8)  # by id
AS_THEY_ARE: dict[str, object] = {"crop": [1, 1], "aspect": 1}
AS_THEY_ARE |= dict.fromkeys(("brightness", "contrast", "saturation", "hue", "grey"), 0)
AS_THEY_ARE |= dict.fromkeys(("own_brightness", "own_contrast", "own_saturation", "occlusion"), 0)


def picture(*ids: int, step: int = 0) -> np.ndarray:
    """Labels (48, 48): a square for each id, one below another, `step` pixels from the left."""
    labels = np.zeros((48, 48), np.uint8)
    for object_id in ids:
        labels[15 * object_id - 12 : 15 * object_id, 8 + step : 28 + step] = object_id
    return labels


def write_image(path: Path, labels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_frame(path, COLOURS[labels])


def write_mask(path: Path, labels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_labels(path, labels)


def write_sequence(frames: Path, masks: Path, count: int = 4) -> None:
    """Three objects that move to the right."""
    for index in range(count):
        write_image(frames / f"{index:05d}.jpg", picture(1, 2, 3, step=3 * index))
        write_mask(masks / f"{index:05d}.png", picture(1, 2, 3, step=3 * index))


def davis(root: Path) -> dict:
    write_sequence(root / "JPEGImages/480p/bear", root / "Annotations/480p/bear")
    (root / "ImageSets/2017").mkdir(parents=True)
    (root / "ImageSets/2017/train.txt").write_text("bear\n")
    return {"source": "davis", "year": 2017, "objects": 2}


def youtube_vos(root: Path) -> dict:
    write_sequence(root / "train/JPEGImages/0a1b", root / "train/Annotations/0a1b")
    frames = {"category": "dog", "frames": [f"{index:05d}" for index in range(4)]}
    meta = {"videos": {"0a1b": {"objects": {str(object_id): frames for object_id in (1, 2, 3)}}}}
    (root / "train/meta.json").write_text(json.dumps(meta))
    return {"source": "youtube-vos", "objects": 2}


def bl30k(root: Path) -> dict:
    write_sequence(root / "JPEGImages/00001", root / "Annotations/00001")
    return {"source": "bl30k", "objects": 2}


def stills_side_by_side(root: Path) -> dict:
    write_image(root / "DUTS/flat.jpg", picture(2))
    write_mask(root / "DUTS/flat.png", picture(2))
    write_image(root / "fss/cat/1.jpg", picture(2))
    write_mask(root / "fss/cat/1.png", picture(2))
    return {"source": "static-images", "folders": [["DUTS", 1], ["fss", 2]]}


def stills_in_two_folders(root: Path) -> dict:
    write_image(root / "people/images/1.jpg", picture(2))
    write_mask(root / "people/masks/1.png", picture(2))
    return {"source": "static-images"}


def cutouts(root: Path) -> dict:
    for object_id in (1, 2, 3):
        opaque = np.dstack([COLOURS[picture(object_id)], 255 * (picture(object_id) > 0).astype(np.uint8)])
        (root / "stamps").mkdir(exist_ok=True)
        write_frame(root / f"stamps/{object_id}.png", opaque)
    write_image(root / "grounds/night.jpg", picture())
    return {"source": "cutouts", "folders": [["stamps", 1]], "objects": 2,
            "backgrounds": {"root": str(root), "folders": [["grounds", 1]], "kind": "none"}}  # fmt: skip


def colours_of(clip: Clip, object_id: int) -> list[int]:
    """The brightest channel of an object in each frame that shows enough of it."""
    shown = [frame[labels == object_id] for frame, labels in zip(clip.frames, clip.labels, strict=True)]
    return [int(np.median(pixels, axis=0).argmax()) for pixels in shown if len(pixels) > 20]


@pytest.mark.parametrize(
    "layout", [davis, youtube_vos, bl30k, stills_side_by_side, stills_in_two_folders, cutouts]
)
def test_a_clip_comes_from_the_files_of_a_layout_and_an_id_stays_with_its_object(layout, tmp_path):
    settings = layout(tmp_path) | {"root": str(tmp_path), "augment": AS_THEY_ARE}
    source = TypeAdapter(SourceConfig).validate_python(settings).open((64, 64), 3, FrameCache())
    counts = set()
    for number in range(12):
        clip = source.sample(np.random.default_rng(number), 1.0)
        assert clip.frames.shape == (3, 64, 64, 3) and clip.labels.shape == (3, 64, 64)
        assert clip.frames.dtype == clip.labels.dtype == np.uint8
        assert set(np.unique(clip.labels[0])) == {0, *range(1, clip.objects + 1)}
        assert clip.labels.max() == clip.objects
        colours = [set(colours_of(clip, object_id)) for object_id in range(1, clip.objects + 1)]
        assert all(len(channels) == 1 for channels in colours)
        assert layout is cutouts or len(set.union(*colours)) == clip.objects  # a cut-out may come twice
        counts.add(clip.objects)
    assert max(counts) == settings.get("objects", 1)
    assert source.broken.drain() == ()
