from pathlib import Path

import numpy as np
import pytest

from qpm.datasets.augment_ranges import AugmentConfig
from qpm.datasets.bl30k import Bl30kConfig
from qpm.datasets.clips import VideoClips
from qpm.datasets.frame_cache import FrameCache
from qpm.datasets.growth import GrowthRule
from qpm.images import write_labels
from qpm.training.sources import Bl30kSource


@pytest.fixture
def root(tmp_path, write_frames, write_masks) -> Path:
    for name in ("00001", "00002"):
        write_frames(tmp_path / "JPEGImages" / name, 5)
        write_masks(tmp_path / "Annotations" / name, dict.fromkeys(range(5), (1, 2, 3)))
    return tmp_path


def test_sequences_are_found_and_opened_when_they_are_asked_for(root: Path) -> None:
    found = Bl30kConfig(root=root).open()
    assert (
        found.names() == ["00001", "00002"]
        and found.fingerprint() != Bl30kConfig(root=root, sequences=("00001",)).open().fingerprint()
    )
    assert len(found[0]) == 5 and found[0].object_ids == (1, 2, 3)
    for path in (root / "Annotations/00002").iterdir():
        path.unlink()
    with pytest.raises(ValueError, match="bl30k: 00002: no mask"):
        found[1]


def test_clips_are_drawn_from_it(root: Path) -> None:
    clip = VideoClips(Bl30kConfig(root=root).open(), (32, 32)).sample(np.random.default_rng(0), 0.0)
    assert clip.frames.shape == (3, 32, 32, 3) and clip.objects in (1, 2)


def test_what_is_missing_is_told(root: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no folder .*JPEGImages; .*700 GB"):
        Bl30kConfig(root=root / "JPEGImages").open()
    with pytest.raises(ValueError, match="no folder JPEGImages/9 under"):
        Bl30kConfig(root=root, sequences=("9",)).open()
    (root / "JPEGImages/00003").mkdir()
    with pytest.raises(ValueError, match="no folder Annotations/00003 under"):
        Bl30kConfig(root=root).open()


def areas(*pixels: int, side: int = 384) -> np.ndarray:
    """A clip whose object 1 has these areas, one a frame."""
    labels = np.zeros((len(pixels), side * side), np.uint8)
    for frame, count in zip(labels, pixels, strict=True):
        frame[:count] = 1
    return labels.reshape(len(pixels), side, side)


@pytest.mark.parametrize(
    ("pixels", "counts"),
    [
        ((100, 50, 50), False), ((101, 50, 50), True),  # larger than 10 x 10 at first
        ((101, 399, 10), True), ((101, 400, 10), False), ((101, 10, 400), False),  # small at first, and 20 x 20 later
        ((900, 400, 400), False), ((901, 400, 400), True),  # larger than 30 x 30 at first: whatever comes
        ((901, 0, 0), True),
    ],
)  # fmt: skip
def test_an_object_counts_if_it_is_large_at_first_or_stays_small(
    pixels: tuple[int, ...], counts: bool
) -> None:
    assert GrowthRule().ids(areas(*pixels)).tolist() == ([1] if counts else [])


def test_areas_are_shares_of_the_crop() -> None:
    assert GrowthRule().ids(areas(226, 100, 100, side=192)).tolist() == [1]  # 904 of 384 x 384
    assert GrowthRule().ids(areas(225, 100, 100, side=192)).tolist() == []


@pytest.mark.parametrize(
    ("growth", "opening"), [(GrowthRule(), {"large first"}), (None, {"small first", "large first"})]
)
def test_an_object_that_grows_is_left_out_of_clips_unless_they_run_backwards(
    tmp_path: Path, write_frames, growth: GrowthRule | None, opening: set[str]
) -> None:
    write_frames(tmp_path / "JPEGImages/1", 3, (64, 64))
    (tmp_path / "Annotations/1").mkdir(parents=True)
    for index, width in enumerate((5, 20, 40)):
        labels = np.zeros((64, 64), np.uint8)
        labels[:20, :20], labels[40:45, :width] = 4, 6  # 4 stays, 6 grows from 25 to 200 of 4096 pixels
        write_labels(tmp_path / f"Annotations/1/{index:05d}.png", labels)
    still = AugmentConfig(crop=(1, 1), aspect=1, flip=0, rotation=0, shear=0, scale=0, occlusion=0)
    source = Bl30kSource(root=tmp_path, objects=2, growth=growth, augment=still).open(
        (64, 64), 3, FrameCache()
    )
    clips = [source.sample(np.random.default_rng(number), 1.0) for number in range(20)]
    lower = [clip.labels[:, 30:] for clip in clips if clip.labels[:, 30:].any()]
    assert {f"{'small' if (a[0] > 0).sum() < (a[-1] > 0).sum() else 'large'} first" for a in lower} == opening
    assert 0 < len(lower) and all(clip.labels[:, :30].any() for clip in clips)
