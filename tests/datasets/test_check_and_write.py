"""What is written is read back; what is damaged is found."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from qpm.datasets import DATASETS
from qpm.datasets.check import Report, check
from qpm.datasets.davis import DavisConfig
from qpm.datasets.video import Dataset, Video
from qpm.datasets.write import write_dataset
from qpm.datasets.youtube_vos import YoutubeVosConfig


def picture(index: int) -> np.ndarray:
    y, x = np.mgrid[:24, :32]
    return np.stack([y * 4, x * 3, np.full_like(x, 20 * index)], axis=2).astype(np.uint8)


def labels(index: int) -> np.ndarray:
    """Object 1 moves to the right; object 3 enters in frame 2."""
    drawn = np.zeros((24, 32), np.uint8)
    drawn[2:10, index : index + 8] = 1
    if index >= 2:
        drawn[14:20, 5:15] = 3
    return drawn


@dataclass
class Small:
    """One video of four frames."""

    name: str = "small"
    protocol: str = "youtube-vos"
    late: bool = True

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Video:
        first = {1: 0, 3: 2} if self.late else {1: 0}
        return Video(
            "small", "clip", tuple(f"{i:05d}" for i in range(4)), (24, 32), tuple(first), first,
            picture, lambda i: labels(i) if self.late else np.minimum(labels(i), 1) * (labels(i) == 1),
            categories={1: "penguin"}, attributes=("OCC",),
        )  # fmt: skip

    def names(self) -> list[str]:
        return ["clip"]

    def fingerprint(self) -> str:
        return "0"


def differences(a: Video, b: Video) -> float:
    for index in range(len(a)):
        assert (a.read_labels(index) == b.read_labels(index)).all()
    return max(float(np.abs(a.read_frame(i).astype(int) - b.read_frame(i)).mean()) for i in range(len(a)))


def test_a_dataset_in_youtube_vos_layout_reads_back_the_same(tmp_path: Path) -> None:
    dataset: Dataset = Small()
    write_dataset(dataset, tmp_path / "out", "youtube-vos", split="train")
    video = YoutubeVosConfig(root=tmp_path / "out", split="train").open()[0]
    assert differences(dataset[0], video) < 1.5
    assert (
        video.first_frames == {1: 0, 3: 2} and video.categories == {1: "penguin"} and video.seen == {1: True}
    )


def test_a_dataset_in_davis_layout_reads_back_the_same(tmp_path: Path) -> None:
    dataset: Dataset = Small(late=False)
    write_dataset(dataset, tmp_path / "out", "davis", split="val")
    video = DavisConfig(root=tmp_path / "out", split="val").open()[0]
    assert differences(dataset[0], video) < 1.5
    assert video.object_ids == (1,) and video.attributes == ("OCC",)


def test_davis_layout_leaves_out_late_objects_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_dataset(Small(), tmp_path / "out", "davis")
    assert "left out the late objects of 1 videos, unknown to DAVIS: clip" in caplog.text
    assert check(DavisConfig(root=tmp_path / "out")).faults == ()


def test_a_folder_with_something_in_it_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(FileExistsError, match="is not empty"):
        write_dataset(Small(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write_dataset(Small(late=False), tmp_path / "out", "davis")


def test_a_sound_tree_has_counts_and_no_faults(tree: Path) -> None:
    expected = Report(
        "davis2017",
        videos=1,
        frames=4,
        masks=4,
        objects=1,
        notes=("1 of the 30 sequences of DAVIS-2017 val",),
    )
    assert check(DavisConfig(root=tree)) == expected


def break_frame(tree: Path) -> None:
    (tree / "JPEGImages/480p/clip/00002.jpg").write_bytes(b"\xff\xd8 not a picture")


def resize_mask(tree: Path, write_masks: Callable[..., None]) -> None:
    write_masks(tree / "Annotations/480p/clip", {3: (1,)}, (6, 8))


def add_id(tree: Path, write_masks: Callable[..., None]) -> None:
    write_masks(tree / "Annotations/480p/clip", {1: (1, 9)}, (24, 32))


def test_a_broken_frame_a_resized_mask_and_an_unknown_id_are_all_found(
    tree: Path, write_masks: Callable[..., None]
) -> None:
    break_frame(tree)
    resize_mask(tree, write_masks)
    add_id(tree, write_masks)
    faults = check(DavisConfig(root=tree)).faults
    assert len(faults) == 3
    assert faults[0].startswith("clip: broken image file") and "00002.jpg" in faults[0]
    assert faults[1] == "clip: mask 00003 is (6, 8), the first frame (24, 32) (height, width)"
    assert faults[2] == "clip: 1 masks from 00001 on hold ids [9], which no mask has given by then"


def test_a_given_mask_that_does_not_show_its_object_is_found(
    tmp_path: Path, write_masks: Callable[..., None]
) -> None:
    out = write_dataset(Small(), tmp_path / "out", "youtube-vos", split="train")
    write_masks(out / "train/Annotations/clip", {2: (1,)}, (24, 32))
    (fault,) = check(YoutubeVosConfig(root=out, split="train")).faults
    assert fault == "clip: object 3 is given in frame 00002, whose mask does not show it"


def test_a_tree_that_cannot_be_opened_is_one_fault(tmp_path: Path) -> None:
    (fault,) = check(DavisConfig(root=tmp_path / "nowhere")).faults
    assert "no folder" in fault and "unzip" in fault


def test_every_dataset_is_registered_under_its_own_name() -> None:
    assert {name: config.model_fields["name"].default for name, config in DATASETS.items()} == {
        name: name for name in DATASETS
    }
