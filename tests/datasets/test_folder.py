from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from qpm.datasets.folder import FolderConfig

Write = Callable[..., None]


@pytest.fixture
def flat(tmp_path: Path, write_frames: Write) -> Path:
    """Four frames in a folder called walk."""
    write_frames(tmp_path / "walk", 4)
    return tmp_path / "walk"


def test_a_flat_folder_is_one_video_with_masks_beside_its_frames(flat: Path, write_masks: Write) -> None:
    write_masks(flat / "masks", {0: (1,), 1: (1,), 2: (1, 4)})
    dataset = FolderConfig(root=flat).open()
    video = dataset[0]
    assert dataset.names() == ["walk"] and len(video) == 4
    assert video.object_ids == (1, 4) and video.first_frames == {1: 0, 4: 2}
    assert video.truth_frames == (0, 1, 2)


def test_one_mask_file_belongs_to_the_first_frame_or_to_the_frame_it_is_named_like(
    flat: Path, write_masks: Write
) -> None:
    write_masks(flat.parent / "drawn", {2: (1,)})
    mask = flat.parent / "drawn" / "00002.png"
    assert FolderConfig(root=flat, masks=mask).open()[0].first_frames == {1: 2}
    renamed = mask.rename(mask.with_name("dancer.png"))
    assert FolderConfig(root=flat, masks=renamed).open()[0].first_frames == {1: 0}


def test_masks_that_each_bring_a_new_object_are_no_truth(flat: Path, write_masks: Write) -> None:
    write_masks(flat / "masks", {0: (1,), 2: (4,)})
    video = FolderConfig(root=flat).open()[0]
    late = video.given(2)
    assert late is not None and set(np.unique(late)) == {0, 4}
    assert video.truth_frames == () and video.read_labels(2) is None


def test_white_is_the_object_if_no_mask_has_another_value(flat: Path) -> None:
    (flat / "masks").mkdir()
    for index, values in enumerate(([0, 255], [0, 255])):
        mask = np.repeat(np.array(values, np.uint8), 8)[None].repeat(12, axis=0)
        Image.fromarray(mask).save(flat / "masks" / f"{index:05d}.png")
    video = FolderConfig(root=flat).open()[0]
    truth = video.read_labels(1)
    assert video.object_ids == (1,) and truth is not None and set(np.unique(truth)) == {0, 1}


def test_white_beside_ids_is_void_in_every_mask_of_the_video(flat: Path) -> None:
    (flat / "masks").mkdir()
    for index, values in enumerate(([0, 2], [0, 255])):  # the second mask alone would look like 0 and 255
        mask = np.repeat(np.array(values, np.uint8), 8)[None].repeat(12, axis=0)
        Image.fromarray(mask).save(flat / "masks" / f"{index:05d}.png")
    video = FolderConfig(root=flat).open()[0]
    truth = video.read_labels(1)
    assert video.object_ids == (2,) and truth is not None and not truth.any()


@pytest.mark.parametrize("between", ["", "480p"])
def test_a_davis_shaped_tree_has_one_video_per_folder(
    tmp_path: Path, write_frames: Write, write_masks: Write, between: str
) -> None:
    for name in ("run10", "run9"):
        write_frames(tmp_path / "JPEGImages" / between / name, 2)
        write_masks(tmp_path / "Annotations" / between / name, {0: (1,)})
    assert FolderConfig(root=tmp_path).open().names() == ["run9", "run10"]
    assert FolderConfig(root=tmp_path, sequences=("run10",)).open().names() == ["run10"]


def test_several_resolutions_must_be_chosen_between(
    tmp_path: Path, write_frames: Write, write_masks: Write
) -> None:
    for resolution in ("240p", "480p"):
        write_frames(tmp_path / "JPEGImages" / resolution / "run", 2)
        write_masks(tmp_path / "Annotations" / resolution / "run", {0: (1,)})
    with pytest.raises(ValueError, match="several resolutions; set resolution: to one of 240p, 480p"):
        FolderConfig(root=tmp_path).open()
    assert len(FolderConfig(root=tmp_path, resolution="240p").open()) == 1


def test_a_folder_without_frames_masks_or_objects_says_what_is_expected(
    flat: Path, write_masks: Write
) -> None:
    with pytest.raises(FileNotFoundError, match="no masks .*or frames in the folder itself with masks named"):
        FolderConfig(root=flat).open()
    with pytest.raises(FileNotFoundError, match="no frames in"):
        FolderConfig(root=flat.parent).open()
    write_masks(flat / "masks", {0: ()})
    with pytest.raises(ValueError, match="walk: no mask holds an object"):
        FolderConfig(root=flat).open()[0]


def test_two_files_for_one_frame_are_refused(flat: Path, write_masks: Write) -> None:
    write_masks(flat / "masks", {0: (1,)})
    Image.new("RGB", (16, 12)).save(flat / "00001.png")
    with pytest.raises(ValueError, match=r"00001\.(jpg|png) and 00001\.(jpg|png); keep one"):
        FolderConfig(root=flat).open()


def test_real_sequences_open_as_a_folder(shared_data: Path) -> None:
    video = FolderConfig(root=shared_data / "DAVIS2017-240p").open()[0]
    assert video.name == "schoolgirls" and video.object_ids == (1, 2, 3, 4, 5, 6, 7) and len(video) == 80
