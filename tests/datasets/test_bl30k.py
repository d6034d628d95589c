from pathlib import Path

import numpy as np
import pytest

from qpm.datasets.bl30k import Bl30kConfig
from qpm.datasets.clips import VideoClips


@pytest.fixture
def root(tmp_path, write_frames, write_masks) -> Path:
    for name in ("00001", "00002"):
        write_frames(tmp_path / "JPEGImages" / name, 5)
        write_masks(tmp_path / "Annotations" / name, dict.fromkeys(range(5), (1, 2, 3)))
    return tmp_path


def test_sequences_are_found_and_opened_when_they_are_asked_for(root: Path) -> None:
    found = Bl30kConfig(root=root).open()
    assert found.names() == ["00001", "00002"] and found.fingerprint() != Bl30kConfig(
        root=root, sequences=("00001",)
    ).open().fingerprint()
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
