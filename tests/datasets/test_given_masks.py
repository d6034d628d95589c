"""Masks as people draw them: smoothed edges, colours, white, tiny objects."""

import logging
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from qpm.datasets.folder import FolderConfig
from qpm.datasets.given_masks import MaskReader, cleaned
from qpm.images import areas_of, write_labels

RED, TEAL, ORANGE = (128, 0, 0), (0, 128, 128), (255, 165, 0)


def disk(radius: float = 20.0, size: tuple[int, int] = (60, 80), factor: int = 1) -> np.ndarray:
    """A disk in the middle, bool (H, W)."""
    y, x = np.mgrid[: size[0] * factor, : size[1] * factor]
    return np.hypot(y - size[0] * factor / 2, x - size[1] * factor / 2) < radius * factor


def smooth(picture: np.ndarray, size: tuple[int, int] = (60, 80)) -> Image.Image:
    """A picture of eight times the size, reduced with smoothed edges."""
    return Image.fromarray(picture).resize(size[::-1], Image.Resampling.BOX)


@pytest.fixture
def smoothed(tmp_path: Path) -> Path:
    """A white disk with smoothed edges."""
    smooth(disk(factor=8).astype(np.uint8) * 255).save(tmp_path / "disk.png")
    return tmp_path / "disk.png"


def test_a_smoothed_mask_is_refused_with_its_ids_their_areas_and_the_way_out(smoothed):
    values, counts = np.unique(np.array(Image.open(smoothed)), return_counts=True)
    with pytest.raises(ValueError) as refused:
        MaskReader([smoothed])
    told = str(refused.value)
    assert f"{len(values)} ids, of which 255 ({counts[-1]} px) fill an area" in told
    assert f"{len(values) - 2} lie on edges ({counts[1:-1].sum()} px together)" in told
    assert "--clean-mask" in told


def test_a_palette_mask_with_as_many_ids_is_refused_too(smoothed, tmp_path):
    write_labels(tmp_path / "palette.png", np.array(Image.open(smoothed)))
    with pytest.raises(ValueError, match="lie on edges"):
        MaskReader([tmp_path / "palette.png"])


def test_a_cleaned_mask_is_the_smoothed_one_cut_at_one_half(smoothed, caplog):
    with caplog.at_level(logging.INFO):
        reader = MaskReader([smoothed], clean=True)
    assert reader.held(smoothed) == (1,)
    assert np.array_equal(reader.labels(smoothed) > 0, np.array(Image.open(smoothed)) > 127)
    assert "went to the areas beside them" in caplog.text


def test_cleaning_gives_a_pixel_away_from_every_area_to_the_nearest_one():
    values = np.zeros((20, 40), np.uint8)
    values[4:16, 4:10], values[4:16, 30:36] = 10, 20
    values[10, 10:17] = 200  # a whisker that leaves the first object
    found = cleaned(values, areas_of(values))
    assert set(np.unique(found)) == {0, 10, 20}
    assert (found[10, 10:12] == 10).all()


def test_a_few_tiny_objects_are_no_smoothing(tmp_path):
    labels = np.zeros((60, 80), np.uint8)
    for k in (1, 2, 3):
        labels[10 * k, 10:12] = k
    write_labels(tmp_path / "tiny.png", labels)
    assert MaskReader([tmp_path / "tiny.png"]).held(tmp_path / "tiny.png") == (1, 2, 3)


def test_white_alone_becomes_object_one_and_says_so(tmp_path, caplog):
    Image.fromarray(disk().astype(np.uint8) * 255).save(tmp_path / "white.png")
    with caplog.at_level(logging.INFO):
        reader = MaskReader([tmp_path / "white.png"])
    assert np.array_equal(reader.labels(tmp_path / "white.png"), disk())
    assert "255 is object 1: there are only 0 and 255" in caplog.text


def painted(path: Path, *colours: tuple[int, int, int], factor: int = 1) -> Path:
    """A disk of each colour, side by side."""
    picture = np.zeros((60 * factor, 80 * factor * len(colours), 3), np.uint8)
    for place, colour in enumerate(colours):
        picture[:, 80 * factor * place : 80 * factor * (place + 1)][disk(factor=factor)] = colour
    smooth(picture, (60, 80 * len(colours))).save(path)
    return path


def test_colours_are_objects_only_where_they_are_asked_for(tmp_path):
    path = painted(tmp_path / "rgb.png", RED, TEAL)
    with pytest.raises(ValueError, match="mode RGB with 3 colours") as refused:
        MaskReader([path])
    assert "--mask-colours" in refused.value.__notes__[0]
    assert MaskReader([path], colours=True).held(path) == (1, 6)  # where VOC's colour map has them


def test_other_colours_are_numbered_and_mean_the_same_in_every_mask(tmp_path):
    first, second = painted(tmp_path / "a.png", ORANGE), painted(tmp_path / "b.png", RED, ORANGE)
    reader = MaskReader([first, second], colours=True)
    assert (reader.held(first), reader.held(second)) == ((2,), (1, 2))
    assert set(np.unique(reader.labels(first))) == {0, 2}


def test_what_is_transparent_is_background_whatever_its_colour(tmp_path):
    picture = np.full((60, 80, 4), (*ORANGE, 0), np.uint8)
    picture[disk()] = (*RED, 255)
    Image.fromarray(picture).save(tmp_path / "rgba.png")
    reader = MaskReader([tmp_path / "rgba.png"], colours=True)
    assert np.array_equal(reader.labels(tmp_path / "rgba.png"), disk())


def test_smoothed_colours_are_cleaned_too(tmp_path):
    path = painted(tmp_path / "rgb.png", RED, TEAL, factor=8)
    with pytest.raises(ValueError, match="lie on edges"):
        MaskReader([path], colours=True)
    reader = MaskReader([path], colours=True, clean=True)
    assert reader.held(path) == (1, 6)
    off = (reader.labels(path) > 0) != np.concatenate([disk(), disk()], axis=1)
    assert off.mean() < 0.01


def test_a_folder_dataset_reads_colours_and_smoothed_edges_on_request(tmp_path):
    for index in range(2):
        Image.new("RGB", (160, 60)).save(tmp_path / f"{index:05d}.jpg")
    (tmp_path / "masks").mkdir()
    painted(tmp_path / "masks" / "00000.png", RED, TEAL, factor=8)
    config = FolderConfig(root=tmp_path, mask_colours=True, clean_masks=True)
    assert config.open()[0].object_ids == (1, 6)
    assert (
        config.open().fingerprint() != config.model_copy(update={"clean_masks": False}).open().fingerprint()
    )
