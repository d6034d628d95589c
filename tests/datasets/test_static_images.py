"""Stills in their layouts, cut-outs with alpha, and the clips that are made of them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from qpm.datasets.augment_ranges import STATIC, AugmentConfig
from qpm.datasets.clips import VideoClips
from qpm.datasets.cutouts import CutoutClips
from qpm.datasets.static_images import StaticImagesConfig, read_binary


def disk(height: int = 60, width: int = 80) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    return np.hypot(rows - height / 2, columns - width / 2) < 20


def write_pair(image: Path, mask: Path, mode: str = "L") -> None:
    image.parent.mkdir(parents=True, exist_ok=True), mask.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.where(disk()[..., None], (250, 60, 60), (20, 20, 20)).astype(np.uint8)).save(image)
    Image.fromarray((disk() * 255).astype(np.uint8)).convert(mode).save(mask)


def write_cutout(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    colour = np.full((60, 80, 3), (60, 250, 60), np.uint8)
    Image.fromarray(np.dstack([colour, (disk() * 255).astype(np.uint8)])).save(path)


def test_images_with_masks_are_found_flat_in_class_folders_and_in_two_folders(tmp_path: Path) -> None:
    write_pair(tmp_path / "DUTS-TR/a.jpg", tmp_path / "DUTS-TR/a.png")
    write_pair(tmp_path / "fss/cat/2.jpg", tmp_path / "fss/cat/2.png", mode="RGB")
    write_pair(tmp_path / "other/images/7.png", tmp_path / "other/masks/7.png", mode="1")
    found = StaticImagesConfig(root=tmp_path).open()
    assert found.names() == ["DUTS-TR/a", "fss/cat/2", "other/images/7"]
    for video in (found[place] for place in range(3)):
        labels = video.read_labels(0)
        assert len(video) == 1 and video.object_ids == (1,) and labels is not None
        assert ((labels == 1) == disk()).mean() > 0.99


def test_a_folder_counts_as_often_as_it_says(tmp_path: Path) -> None:
    write_pair(tmp_path / "BIG/a.jpg", tmp_path / "BIG/a.png")
    write_pair(tmp_path / "DUTS/b.jpg", tmp_path / "DUTS/b.png")
    found = StaticImagesConfig(root=tmp_path, folders=(("BIG", 3), ("DUTS", 1))).open()
    assert found.names() == ["BIG/a"] * 3 + ["DUTS/b"]
    assert found.fingerprint() != StaticImagesConfig(root=tmp_path).open().fingerprint()


def test_smooth_masks_and_palette_masks_become_binary(tmp_path: Path) -> None:
    smooth = np.linspace(0, 255, 54).round().astype(np.uint8)[None].repeat(4, 0)
    Image.fromarray(smooth).save(tmp_path / "smooth.png")
    assert (read_binary(tmp_path / "smooth.png") == (smooth > 127)).all()
    palette = Image.fromarray((smooth > 200).astype(np.uint8), mode="P")
    palette.putpalette([0, 0, 0, 128, 0, 0] + [0] * 762)
    palette.save(tmp_path / "palette.png")
    assert (read_binary(tmp_path / "palette.png") == (smooth > 200)).all()


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"nothing in .*; expected a folder of name\.jpg with name\.png"):
        StaticImagesConfig(root=tmp_path).open()
    with pytest.raises(FileNotFoundError, match="no folder .*ecssd"):
        StaticImagesConfig(root=tmp_path, folders=(("ecssd", 1),)).open()
    for name in "abcd":
        write_pair(tmp_path / f"{name}.jpg", tmp_path / f"{name}.png")
        (tmp_path / f"{name}.png").unlink()
    with pytest.raises(ValueError, match=r"a\.jpg has no mask a\.png; b\.jpg .* \(and 1 more\)"):
        StaticImagesConfig(root=tmp_path).open()


def test_a_smaller_mask_is_enlarged_and_one_of_another_shape_is_named(tmp_path: Path) -> None:
    write_pair(tmp_path / "a.jpg", tmp_path / "a.png")
    Image.fromarray((disk(30, 40) * 255).astype(np.uint8)).save(tmp_path / "a.png")
    labels = StaticImagesConfig(root=tmp_path).open()[0].read_labels(0)
    assert labels is not None and (labels == disk(30, 40).repeat(2, 0).repeat(2, 1)).all()
    Image.fromarray(np.zeros((5, 5), np.uint8)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"a\.png is \(5, 5\), its image \(60, 80\)"):
        StaticImagesConfig(root=tmp_path).open()[0].read_labels(0)


def test_a_still_becomes_a_clip_whose_labels_lie_on_its_object(tmp_path: Path) -> None:
    write_pair(tmp_path / "a.jpg", tmp_path / "a.png")
    source = VideoClips(StaticImagesConfig(root=tmp_path).open(), (64, 96), 4, 1, augment=STATIC, still=True)
    for number in range(8):
        clip = source.sample(np.random.default_rng(number), 0.0)
        assert clip.frames.shape == (4, 64, 96, 3) and clip.objects == 1
        inside = clip.frames[clip.labels == 1].astype(int)
        assert (inside.max(axis=1) > 60).mean() > 0.95
        assert len({labels.tobytes() for labels in clip.labels}) == 4


@pytest.mark.parametrize("suffix", ["png", "webp"])
def test_cut_outs_move_over_photographs(tmp_path: Path, suffix: str) -> None:
    write_cutout(tmp_path / f"stamps/leaf.{suffix}")
    (tmp_path / "photos").mkdir()
    Image.fromarray(np.full((90, 120, 3), 15, np.uint8)).save(tmp_path / "photos/night.jpg")
    stamps = StaticImagesConfig(root=tmp_path / "stamps", kind="alpha").open()
    photos = StaticImagesConfig(root=tmp_path / "photos", kind="none").open()
    plain = AugmentConfig(occlusion=0, grey=0)
    source = CutoutClips(
        VideoClips(stamps, (64, 64), 3, 2, augment=plain, still=True), VideoClips(photos, (64, 64), 3, still=True)
    )
    clips = [source.sample(np.random.default_rng(number), 0.0) for number in range(12)]
    assert {clip.objects for clip in clips} == {1, 2} and {clip.name for clip in clips} == {"night"}
    for clip in clips:
        assert (clip.frames[..., 1][clip.labels > 0] > 90).mean() > 0.95
        moved = [np.abs(np.argwhere(labels == 1).mean(axis=0)) for labels in clip.labels if (labels == 1).any()]
        assert len(moved) == 1 or not np.allclose(moved[0], moved[-1])


def test_real_photographs_of_people_give_clips(shared_data: Path) -> None:
    people = StaticImagesConfig(root=shared_data / "static/human_seg").open()
    assert len(people) == 290
    source = VideoClips(people, (64, 64), 3, 1, augment=STATIC, still=True)
    clips = [source.sample(np.random.default_rng(number), 0.0) for number in range(5)]
    assert all(0.003 <= (clip.labels[0] == 1).mean() < 0.9 for clip in clips)
