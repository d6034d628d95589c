from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from qpm.datasets.davis import DavisConfig
from qpm.datasets.video import Dataset

Write = Callable[..., None]


@pytest.fixture
def root(tmp_path: Path, write_frames: Write, write_masks: Write) -> Path:
    """Two sequences of three frames; bear with objects 1 and 3, cat with 2."""
    for name, ids in (("bear", (1, 3)), ("cat", (2,))):
        write_frames(tmp_path / "JPEGImages" / "480p" / name, 3)
        write_masks(tmp_path / "Annotations" / "480p" / name, dict.fromkeys(range(3), ids))
    (tmp_path / "ImageSets" / "2017").mkdir(parents=True)
    (tmp_path / "ImageSets" / "2017" / "val.txt").write_text("bear\ncat\n")
    return tmp_path


def test_a_video_knows_its_objects_frames_and_size(root: Path) -> None:
    dataset = DavisConfig(root=root).open()
    video = dataset[0]
    assert isinstance(dataset, Dataset)
    assert (dataset.name, dataset.protocol, dataset.names()) == ("davis2017", "davis2017", ["bear", "cat"])
    assert (video.name, len(video), video.size) == ("bear", 3, (12, 16))
    assert video.frame_names == ("00000", "00001", "00002")
    assert video.object_ids == (1, 3) and video.first_frames == {1: 0, 3: 0}
    assert video.read_frame(2).shape == (12, 16, 3) and abs(int(video.read_frame(2)[0, 0, 0]) - 20) <= 1


def test_masks_are_given_in_the_first_frame_only(root: Path) -> None:
    video = DavisConfig(root=root).open()[0]
    given = video.given(0)
    assert given is not None and set(np.unique(given)) == {0, 1, 3}
    assert video.given(1) is None and video.read_labels(1) is not None


def test_in_2016_everything_that_is_not_background_is_object_one(root: Path) -> None:
    config = DavisConfig(root=root, year=2016, sequences=("bear",))
    video = config.open()[0]
    labels = video.read_labels(0)
    assert video.object_ids == (1,) and labels is not None and set(np.unique(labels)) == {0, 1}
    assert config.open().name == "davis2016"


def test_void_is_background_in_2017_and_the_object_in_2016(root: Path) -> None:
    for index in range(3):
        mask = np.zeros((12, 16), np.uint8)
        mask[:, :2], mask[:, 4:6] = 1, 255
        Image.fromarray(mask).save(root / "Annotations" / "480p" / "cat" / f"{index:05d}.png")
    areas = {}
    for year in (2016, 2017):
        labels = DavisConfig(root=root, year=year, sequences=("cat",)).open()[0].read_labels(0)
        assert labels is not None and set(np.unique(labels)) == {0, 1}
        areas[year] = int((labels == 1).sum())
    assert areas == {2016: 48, 2017: 24}


def test_masks_of_the_2016_release_are_recognised_when_2017_is_asked_for(root: Path) -> None:
    for path in (root / "Annotations" / "480p" / "cat").iterdir():
        Image.fromarray(np.eye(12, 16, dtype=np.uint8) * 255).save(path)
    with pytest.raises(ValueError, match="cat: masks of 0 and 255.*set year: 2016"):
        DavisConfig(root=root, sequences=("cat",)).open()[0]
    assert DavisConfig(root=root, year=2016, sequences=("cat",)).open()[0].object_ids == (1,)


def test_numbers_in_file_names_are_sorted_by_value(root: Path) -> None:
    for part, suffix in (("JPEGImages", ".jpg"), ("Annotations", ".png")):
        for path in sorted((root / part / "480p" / "cat").iterdir()):
            path.rename(path.with_name(f"f{8 + int(path.stem)}{suffix}"))
    assert DavisConfig(root=root).open()[1].frame_names == ("f8", "f9", "f10")


def test_a_prefix_has_fewer_frames_and_another_fingerprint(root: Path) -> None:
    whole, prefix = DavisConfig(root=root).open(), DavisConfig(root=root, frames=2).open()
    assert [len(prefix[i]) for i in range(2)] == [2, 2]
    assert prefix.fingerprint() != whole.fingerprint() == DavisConfig(root=root).open().fingerprint()


def test_the_fingerprint_sees_a_changed_file_and_not_its_date(root: Path) -> None:
    before = DavisConfig(root=root).open().fingerprint()
    frame = root / "JPEGImages" / "480p" / "cat" / "00001.jpg"
    frame.touch()
    assert DavisConfig(root=root).open().fingerprint() == before
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (12, 16, 3), np.uint8)).save(frame)
    assert DavisConfig(root=root).open().fingerprint() != before


def test_attributes_come_from_db_info(root: Path) -> None:
    info = "attributes: [OCC]\nsequences:\n- {name: bear, attributes: [OCC, FM]}\n- {name: cat, attributes: []}\n"
    (root / "Annotations" / "db_info.yml").write_text(info)
    dataset = DavisConfig(root=root).open()
    assert [dataset[i].attributes for i in range(2)] == [("OCC", "FM"), ()]


def test_a_list_of_file_pairs_as_in_the_2016_release_names_sequences(root: Path) -> None:
    (root / "ImageSets" / "480p").mkdir()
    lines = [f"/JPEGImages/480p/cat/{i:05d}.jpg /Annotations/480p/cat/{i:05d}.png 1" for i in range(3)]
    (root / "ImageSets" / "480p" / "train.txt").write_text("\n".join(lines))
    assert DavisConfig(root=root, year=2016, split="train").open().names() == ["cat"]


def test_a_split_with_the_first_mask_alone_has_no_other_truth(root: Path) -> None:
    for index in (1, 2):
        (root / "Annotations" / "480p" / "bear" / f"{index:05d}.png").unlink()
    video = DavisConfig(root=root).open()[0]
    assert video.truth_frames == (0,) and video.read_labels(1) is None and video.object_ids == (1, 3)


def damage_mask_gap(root: Path) -> None:
    (root / "Annotations" / "480p" / "bear" / "00001.png").unlink()


def damage_first_mask(root: Path) -> None:
    (root / "Annotations" / "480p" / "bear" / "00000.png").unlink()


def damage_stray_mask(root: Path) -> None:
    (root / "JPEGImages" / "480p" / "bear" / "00002.jpg").unlink()


def damage_sequence(root: Path) -> None:
    (root / "ImageSets" / "2017" / "val.txt").write_text("bear\ncat\ncow\n")


def damage_list(root: Path) -> None:
    (root / "ImageSets" / "2017" / "val.txt").rename(root / "ImageSets" / "2017" / "train.txt")


def damage_size(root: Path) -> None:
    Image.new("P", (8, 6)).save(root / "Annotations" / "480p" / "bear" / "00000.png")


def damage_resolution(root: Path) -> None:
    (root / "JPEGImages" / "480p").rename(root / "JPEGImages" / "Full-Resolution")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (damage_mask_gap, r"bear: no mask for frame 00001 \(1 of 3 missing\)"),
        (damage_first_mask, "bear: no mask for frame 00000"),
        (damage_stray_mask, r"bear: mask 00002\.png has no frame"),
        (damage_sequence, "sequence 'cow': no folder .*cow; unzip DAVIS-2017"),
        (damage_list, r"no .*val\.txt; there is ImageSets/2017/train\.txt"),
        (damage_size, r"bear: mask 00000\.png is \(6, 8\), the frames \(12, 16\)"),
        (damage_resolution, "no JPEGImages/480p under .*there is Full-Resolution"),
    ],
)
def test_an_incomplete_tree_is_refused_when_it_is_opened(
    root: Path, damage: Callable[[Path], None], message: str
) -> None:
    damage(root)
    with pytest.raises((FileNotFoundError, ValueError), match=message):
        DavisConfig(root=root).open()


def test_without_a_root_the_data_lies_below_qpm_data(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QPM_DATA", raising=False)
    with pytest.raises(FileNotFoundError, match="set root: or the environment variable QPM_DATA; unzip"):
        DavisConfig().open()
    monkeypatch.setenv("QPM_DATA", str(root))
    with pytest.raises(FileNotFoundError, match=r"no folder .*davis \(from \$QPM_DATA\)"):
        DavisConfig().open()
    (root / "davis").symlink_to(root)
    assert len(DavisConfig().open()) == 2


def test_a_configuration_survives_json(root: Path) -> None:
    config = DavisConfig(root=root, sequences=("cat",), frames=2)
    assert DavisConfig.model_validate_json(config.model_dump_json()) == config


def test_the_real_sequences_open(shared_data: Path) -> None:
    val = DavisConfig(root=shared_data / "DAVIS", year=2016).open()
    assert len(val) == 10 and sum(len(val[i]) for i in range(10)) == 556
    assert val[0].name == "blackswan" and val[0].size == (480, 854)
    assert set(val[val.names().index("dog")].attributes) >= {"DEF"}
    train = DavisConfig(root=shared_data / "DAVIS-240p", year=2016, split="train", resolution="240p").open()
    assert len(train) == 30 and sum(len(train[i]) for i in range(30)) == 2079
