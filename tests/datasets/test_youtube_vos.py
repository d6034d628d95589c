import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from qpm.datasets.youtube_vos import SEEN_CATEGORIES, YoutubeVosConfig

Write = Callable[..., None]
NAMES = [f"{i:05d}" for i in range(4)]


@pytest.fixture
def root(tmp_path: Path, write_frames: Write, write_masks: Write) -> Path:
    """Video v of four frames: object 1 (penguin) from the start, object 5 (zither) from frame 2; truth everywhere."""
    write_frames(tmp_path / "valid" / "JPEGImages" / "v", 4)
    write_masks(tmp_path / "valid" / "Annotations" / "v", {0: (1,), 1: (1,), 2: (1, 5), 3: (1, 5)})
    write_meta(tmp_path, {"1": ("penguin", NAMES), "5": ("zither", NAMES[2:])})
    return tmp_path


def write_meta(root: Path, objects: dict[str, tuple[str | None, list[str]]]) -> None:
    entries = {
        key: {"frames": frames} if category is None else {"category": category, "frames": frames}
        for key, (category, frames) in objects.items()
    }
    (root / "valid" / "meta.json").write_text(json.dumps({"videos": {"v": {"objects": entries}}}))


def as_published(root: Path, write_masks: Write) -> None:
    """Masks as the valid split has them: only new objects, only where they are new."""
    for path in (root / "valid" / "Annotations" / "v").iterdir():
        path.unlink()
    write_masks(root / "valid" / "Annotations" / "v", {0: (1,), 2: (5,)})


def test_an_object_may_enter_late(root: Path) -> None:
    video = YoutubeVosConfig(root=root).open()[0]
    assert video.object_ids == (1, 5) and video.first_frames == {1: 0, 5: 2}
    first, late = video.given(0), video.given(2)
    assert first is not None and set(np.unique(first)) == {0, 1}
    assert late is not None and set(np.unique(late)) == {0, 5}
    assert video.given(1) is None


def test_a_category_of_the_training_split_is_seen_and_any_other_is_not(root: Path) -> None:
    video = YoutubeVosConfig(root=root).open()[0]
    assert video.categories == {1: "penguin", 5: "zither"}
    assert video.seen == {1: True, 5: False}
    assert len(SEEN_CATEGORIES) == 65


def test_masks_of_new_objects_alone_are_given_but_are_no_truth(root: Path, write_masks: Write) -> None:
    as_published(root, write_masks)
    video = YoutubeVosConfig(root=root).open()[0]
    given = video.given(2)
    assert given is not None and set(np.unique(given)) == {0, 5}
    assert video.truth_frames == () and all(video.read_labels(i) is None for i in range(4))


def test_truth_on_every_second_frame_is_read_where_it_is(root: Path) -> None:
    for index in (1, 3):
        (root / "valid" / "Annotations" / "v" / f"{index:05d}.png").unlink()
    write_meta(root, {"1": ("penguin", NAMES[::2]), "5": ("zither", NAMES[2:3])})
    video = YoutubeVosConfig(root=root).open()[0]
    assert video.truth_frames == (0, 2)
    assert [video.read_labels(i) is not None for i in range(4)] == [True, False, True, False]
    assert [video.has_truth(i) for i in range(4)] == [True, False, True, False]


def test_all_frames_has_the_frames_between(root: Path, write_frames: Write) -> None:
    write_frames(root / "all_frames" / "valid_all_frames" / "JPEGImages" / "v", 9)
    video = YoutubeVosConfig(root=root, all_frames=True).open()[0]
    assert len(video) == 9 and video.first_frames == {1: 0, 5: 2} and video.truth_frames == (0, 1, 2, 3)


def test_a_prefix_loses_the_objects_that_come_after_it(root: Path) -> None:
    assert YoutubeVosConfig(root=root, frames=2).open()[0].object_ids == (1,)
    assert YoutubeVosConfig(root=root, frames=3).open()[0].object_ids == (1, 5)


def test_unpublished_categories_can_be_supplied(root: Path) -> None:
    write_meta(root, {"1": (None, NAMES), "5": (None, NAMES[2:])})
    assert YoutubeVosConfig(root=root).open()[0].seen == {}
    (root / "categories.json").write_text(json.dumps({"v": {"1": "zebra"}}))
    video = YoutubeVosConfig(root=root, categories=root / "categories.json").open()[0]
    assert video.categories == {1: "zebra"} and video.seen == {1: True}


@pytest.mark.parametrize(
    ("objects", "message"),
    [
        ({"1": ("penguin", ["00007"])}, "v: no frame 00007, where object 1 is given"),
        ({"1": ("penguin", [])}, r"v: meta\.json lists no frame of object 1"),
    ],
)
def test_an_object_without_a_first_frame_is_refused(
    root: Path, objects: dict[str, tuple[str, list[str]]], message: str
) -> None:
    write_meta(root, objects)
    with pytest.raises(ValueError, match=message):
        YoutubeVosConfig(root=root).open()


def test_a_missing_first_mask_a_missing_meta_and_an_unknown_video_are_named(root: Path) -> None:
    with pytest.raises(ValueError, match=r"no video 'w' in valid/meta\.json"):
        YoutubeVosConfig(root=root, sequences=("w",)).open()
    (root / "valid" / "Annotations" / "v" / "00002.png").unlink()
    with pytest.raises(ValueError, match="v: no mask 00002, where object 5 is given"):
        YoutubeVosConfig(root=root).open()
    (root / "valid" / "meta.json").write_text('{"v": 1}')
    with pytest.raises(ValueError, match=r"is not a YouTube-VOS meta\.json"):
        YoutubeVosConfig(root=root).open()
    (root / "valid" / "meta.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"no .*meta\.json; unzip"):
        YoutubeVosConfig(root=root).open()


def test_the_real_training_video_opens(shared_data: Path) -> None:
    video = YoutubeVosConfig(root=shared_data / "YouTubeVOS-sample", split="train").open()[0]
    assert len(video) == 15 and video.frame_names[1] == "00005" and video.size == (180, 320)
    assert video.object_ids == (1, 2, 3, 4, 5) and all(video.seen.values())
