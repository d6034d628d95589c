"""What is packed is small, is the same bytes each time, and reads back as the same videos."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from qpm.datasets.davis import DavisConfig
from qpm.datasets.folder import FolderConfig
from qpm.datasets.frame_cache import FrameCache
from qpm.datasets.pack import weight
from qpm.datasets.reduce import reduced_labels, reduced_size, with_every_id
from qpm.datasets.synthetic import SyntheticConfig
from qpm.datasets.video import Dataset, Video
from qpm.datasets.write import Pictures, write_dataset
from qpm.datasets.youtube_vos import YoutubeVosConfig

SMALL = Pictures(quality=90, short_side=60)


def unpacked(archive: Path, out: Path) -> Path:
    with tarfile.open(archive) as tar:
        tar.extractall(out, filter="data")
    return out


def described(dataset: Dataset) -> list[tuple[str, tuple[str, ...], tuple[int, ...]]]:
    """What makes the videos of a dataset the same: name, frame names and object ids of each."""
    return [
        (video.name, video.frame_names, video.object_ids)
        for video in map(dataset.__getitem__, range(len(dataset)))
    ]


def test_the_built_in_videos_packed_read_back_as_the_same_videos(tmp_path: Path) -> None:
    dataset = SyntheticConfig(split="train", videos=2, frames=3).open()
    archive = write_dataset(dataset, tmp_path / "own.tar", split="train", pictures=SMALL)
    back = DavisConfig(root=unpacked(archive, tmp_path) / "davis", split="train").open()
    assert described(back) == described(dataset)
    assert min(back[0].size) == 60 and back[0].attributes == dataset[0].attributes


def test_a_training_sees_of_a_pack_what_it_would_see_of_the_dataset(tmp_path: Path) -> None:
    dataset = SyntheticConfig(split="train", videos=1, frames=2).open()
    pictures = Pictures(quality=100, short_side=60)
    back = DavisConfig(root=write_dataset(dataset, tmp_path / "own", pictures=pictures)).open()
    frame, labels = FrameCache(short_side=60).read(dataset[0], 1)
    again, labels_again = FrameCache(short_side=60).read(back[0], 1)
    assert (labels == labels_again).all()
    assert np.abs(frame.astype(int) - again).mean() < 1.5  # JPEG


def test_a_folder_of_ones_own_packed_reads_back_as_the_same_videos(
    tmp_path: Path, write_frames: Callable[..., None], write_masks: Callable[..., None]
) -> None:
    for name in ("cat", "dog"):
        write_frames(tmp_path / "mine/JPEGImages" / name, 3, (120, 160))
        write_masks(tmp_path / "mine/Annotations" / name, dict.fromkeys(range(3), (2, 7)), (120, 160))
    dataset = FolderConfig(root=tmp_path / "mine").open()
    archive = write_dataset(dataset, tmp_path / "mine.tar", pictures=SMALL)
    back = DavisConfig(root=unpacked(archive, tmp_path) / "davis").open()
    assert described(back) == described(dataset)
    assert weight(archive) == (2 * 2 * 3 + 2, archive.stat().st_size)


def test_davis_2016_stays_2016(
    tmp_path: Path, write_frames: Callable[..., None], write_masks: Callable[..., None]
) -> None:
    source = DavisConfig(root=tmp_path / "davis", year=2016, sequences=("bear",))
    write_frames(tmp_path / "davis/JPEGImages/480p/bear", 2)
    write_masks(tmp_path / "davis/Annotations/480p/bear", {0: (255,), 1: (255,)})
    out = write_dataset(source.open(), tmp_path / "out", split="train")
    back = DavisConfig(root=out, year=2016, split="train").open()
    assert described(back) == described(source.open()) == [("bear", ("00000", "00001"), (1,))]


def test_late_objects_are_kept_in_youtube_vos_layout(
    tmp_path: Path, write_frames: Callable[..., None], write_masks: Callable[..., None]
) -> None:
    write_frames(tmp_path / "clip", 5, (120, 160))
    write_masks(tmp_path / "clip/masks", {0: (1,), 2: (1, 5), 4: (1, 5)}, (120, 160))
    dataset = FolderConfig(root=tmp_path / "clip").open()
    archive = write_dataset(dataset, tmp_path / "mine.tar", "youtube-vos", "train", SMALL)
    back = YoutubeVosConfig(root=unpacked(archive, tmp_path) / "youtube-vos", split="train").open()
    assert described(back) == described(dataset)
    assert back[0].first_frames == {1: 0, 5: 2} and back[0].truth_frames == (0, 2, 4)


def test_the_same_videos_give_the_same_bytes(tmp_path: Path) -> None:
    dataset = SyntheticConfig(videos=1, frames=2).open()
    first, second = (write_dataset(dataset, tmp_path / name / "own.tar") for name in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(
    ("masks", "told"),
    [({0: (1,), 2: (1,)}, "truth on 2 of its 3 frames"), ({1: (1,)}, "no object in its first frame")],
)
def test_what_davis_layout_cannot_hold_is_refused_and_leaves_nothing(
    tmp_path: Path, write_frames: Callable[..., None], write_masks: Callable[..., None],
    masks: dict[int, tuple[int, ...]], told: str,
) -> None:  # fmt: skip
    write_frames(tmp_path / "clip", 3)
    write_masks(tmp_path / "clip/masks", masks)
    (tmp_path / "out").mkdir()
    with pytest.raises(ValueError, match=f"clip has {told}.*youtube-vos"):
        write_dataset(FolderConfig(root=tmp_path / "clip").open(), tmp_path / "out/own.tar")
    assert list((tmp_path / "out").iterdir()) == []


def test_an_archive_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "own.tar").write_text("keep")
    with pytest.raises(FileExistsError, match="is there already"):
        write_dataset(SyntheticConfig(videos=1, frames=2).open(), tmp_path / "own.tar")
    assert (tmp_path / "own.tar").read_text() == "keep"


def test_ids_are_kept_and_never_mixed_when_masks_are_reduced() -> None:
    labels = np.zeros((48, 64), np.uint8)
    labels[:, 20:40], labels[:, 40:] = 3, 9
    labels[5, 5] = 200  # falls between the pixels of the reduced map
    small = reduced_labels(labels, reduced_size(labels.shape, 12))
    assert small.shape == (12, 16) and set(np.unique(small)) == {0, 3, 9}
    whole = with_every_id(small, labels)
    assert whole[1, 1] == 200 and (whole != small).sum() == 1


@dataclass
class Interrupted:
    """A dataset whose second video cannot be read."""

    name: str = "small"
    protocol: str = "davis2017"

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> Video:
        if index:
            raise OSError("the disk is gone")
        return SyntheticConfig(videos=1, frames=2).open()[0]

    def names(self) -> list[str]:
        return ["a", "b"]

    def fingerprint(self) -> str:
        return "0"


def test_a_dataset_that_breaks_off_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="the disk is gone"):
        write_dataset(Interrupted(), tmp_path / "own")
    assert list(tmp_path.iterdir()) == []
