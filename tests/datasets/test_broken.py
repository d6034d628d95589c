"""Images that cannot be read: a training passes over them and tells so, an evaluation ends and names them."""

import json
import logging
from pathlib import Path

import numpy as np
import pytest
from lightning_fabric import Fabric

from qpm.datasets.bl30k import Bl30kConfig
from qpm.datasets.check import check
from qpm.datasets.davis import DavisConfig
from qpm.datasets.folder import FolderConfig
from qpm.datasets.frame_cache import FrameCache
from qpm.datasets.youtube_vos import YoutubeVosConfig
from qpm.images import BrokenImage
from qpm.training.config import TrainConfig
from qpm.training.loop import train
from qpm.training.mixture import ClipMixture
from qpm.training.run import PassedOver
from qpm.training.sources import Bl30kSource, DavisSource, YoutubeVosSource

SIZE, NAMES = (48, 64), ("bear", "cat")
SOURCES = {"davis": DavisSource, "youtube-vos": YoutubeVosSource, "bl30k": Bl30kSource}
FRAMES = {"davis": "JPEGImages/480p", "youtube-vos": "train/JPEGImages", "bl30k": "JPEGImages"}


@pytest.fixture(params=SOURCES)
def layout(request) -> str:
    return request.param


@pytest.fixture
def root(tmp_path, layout, write_frames, write_masks) -> Path:
    """The sequences bear and cat of four frames, one object each, in a layout."""
    frames = tmp_path / FRAMES[layout]
    for name in NAMES:
        write_frames(frames / name, 4, SIZE)
        write_masks(masks_of(frames) / name, dict.fromkeys(range(4), (0, 1, 1, 1, 1, 1, 1)), SIZE)
    (tmp_path / "ImageSets/2016").mkdir(parents=True)
    (tmp_path / "ImageSets/2016/train.txt").write_text("\n".join(NAMES))
    objects = {"1": {"category": "bear", "frames": [f"{index:05d}" for index in range(4)]}}
    (tmp_path / "train").mkdir(exist_ok=True)
    (tmp_path / "train/meta.json").write_text(
        json.dumps({"videos": dict.fromkeys(NAMES, {"objects": objects})})
    )
    return tmp_path


@pytest.fixture(params=["frame", "mask"])
def broken(request, root, layout) -> str:
    """The first frame or the first mask of bear is no picture; the name of its file."""
    frames = root / FRAMES[layout]
    first = {"frame": frames / "bear/00000.jpg", "mask": masks_of(frames) / "bear/00000.png"}
    path = first[request.param]
    path.write_bytes(b"not a picture")
    return path.name


def masks_of(frames: Path) -> Path:
    return Path(str(frames).replace("JPEGImages", "Annotations"))


def source(layout, root, strict=False):
    return SOURCES[layout](root=root).open((32, 32), 3, FrameCache(), strict)


def drawn(clips, count=12):
    return [clips.sample(np.random.default_rng(number), 0.0).name for number in range(count)]


def test_a_training_passes_over_a_sequence_that_begins_broken(layout, root, broken):
    clips = source(layout, root)
    assert set(drawn(clips)) == {"cat"}
    (told,) = set(clips.broken.drain())
    assert told.startswith("broken image file") and broken in told


def test_a_strict_training_ends_at_a_sequence_that_begins_broken(layout, root, broken):
    with pytest.raises(BrokenImage, match=f"broken image file .*bear/{broken}"):
        drawn(source(layout, root, strict=True))


def test_an_image_that_breaks_off_is_named_and_its_sequence_keeps_the_others(layout, root):
    frames = root / FRAMES[layout]
    cut = [frames / "bear/00000.jpg", masks_of(frames) / "cat/00003.png"]
    for path in cut:
        path.write_bytes(path.read_bytes()[:-40])  # the header, which has the size, is still there
    clips = source(layout, root)
    assert set(drawn(clips, 24)) == {"bear", "cat"}
    told = set(clips.broken.drain())
    assert len(told) == 2 and all(any(f"{path}" in line for line in told) for path in cut)


def test_an_evaluation_names_what_begins_broken_when_it_takes_the_video(layout, root, broken):
    config = {"davis": DavisConfig(root=root, year=2016, split="train"), "bl30k": Bl30kConfig(root=root),
              "youtube-vos": YoutubeVosConfig(root=root, split="train")}[layout]  # fmt: skip
    dataset = config.open()
    assert dataset[1].name == "cat"
    with pytest.raises(BrokenImage, match=f"broken image file .*bear/{broken}"):
        dataset[0]
    if layout != "bl30k":
        report = check(config)
        assert len(report.faults) == 1 and broken in report.faults[0] and report.frames == 4


@pytest.mark.parametrize("layout", ["bl30k"], indirect=True)
def test_own_videos_that_begin_broken_are_named(root, broken):
    with pytest.raises(BrokenImage, match=f"bear/{broken}"):
        FolderConfig(root=root).open()[0]


def test_each_broken_image_is_named_once_in_a_pass_and_all_are_counted_at_its_end(caplog):
    passed = PassedOver(Fabric(accelerator="cpu"))
    for names in (("a", "b"), (), ("a",)):
        passed.note(names)
    passed.tell()
    passed.note(("a",))
    passed.tell()
    passed.tell()
    assert caplog.messages == [
        "passed over: a", "passed over: b", "broken images: 2, passed over 3 times",
        "passed over: a", "broken images: 1, passed over 1 times",
    ]  # fmt: skip


@pytest.mark.parametrize("layout", ["davis"], indirect=True)
def test_a_training_goes_on_and_tells_of_every_pass_what_was_broken(root, broken, tmp_path, caplog):
    source = {"source": "davis", "root": str(root)}
    stage = {"sources": [source], "shapes": [[1, 1]], "size": 32, "iterations": 6}
    settings = {"network": "tiny", "start": "scratch", "precision": "32", "workers": 0, "stages": [stage]}
    config = TrainConfig.model_validate(settings)
    mixture, expected = ClipMixture(config.stages[0], config.seed), []
    for first in (0, 2, 4):  # two clips are a pass over two sequences
        told = mixture.batch(first).broken + mixture.batch(first + 1).broken
        if told:
            expected += [f"passed over: {told[0]}", f"broken images: 1, passed over {len(told)} times"]
    assert expected and all(broken in message for message in expected[::2])

    with caplog.at_level(logging.WARNING, "qpm.training.run"):
        assert train(config, tmp_path / "out").is_file()
    assert [m for m in caplog.messages if "passed over" in m] == expected
    with pytest.raises(BrokenImage, match=f"bear/{broken}"):
        train(config.model_copy(update={"strict": True}), tmp_path / "strict")
