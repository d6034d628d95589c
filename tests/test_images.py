from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage.segmentation import find_boundaries

from qpm import images


def random_labels(rng: np.random.Generator, ids: int) -> np.ndarray:
    return np.kron(rng.integers(0, ids, (6, 8)), np.ones((4, 4))).astype(np.uint8)


def test_every_id_survives_a_palette_png(tmp_path: Path) -> None:
    labels = np.kron(np.arange(256).reshape(16, 16), np.ones((3, 3))).astype(np.uint8)
    images.write_labels(tmp_path / "a.png", labels)
    assert Image.open(tmp_path / "a.png").mode == "P"
    assert (images.read_labels(tmp_path / "a.png", "keep") == labels).all()


def test_the_palette_has_the_voc_colours_and_all_differ() -> None:
    palette = images.voc_palette()
    expected = [(0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0), (0, 0, 128)]
    assert [tuple(colour) for colour in palette[:5]] == expected
    assert tuple(palette[8]) == (64, 0, 0) and tuple(palette[255]) == (224, 224, 192)
    assert len(np.unique(palette, axis=0)) == 256


@pytest.mark.parametrize(
    ("values", "white", "expected"),
    [
        ([0, 255], "auto", [0, 1]),  # DAVIS-2016
        ([0, 2, 255], "auto", [0, 2, 0]),  # void beside ids
        ([0, 255], "void", [0, 0]),
        ([0, 2, 255], "object", [0, 2, 1]),
        ([0, 255], "keep", [0, 255]),
        ([0, 3], "auto", [0, 3]),
    ],
)
def test_255_is_an_object_alone_and_void_beside_ids(
    tmp_path: Path, values: list[int], white: images.White, expected: list[int]
) -> None:
    Image.fromarray(np.array([values], np.uint8)).save(tmp_path / "a.png")
    assert images.read_labels(tmp_path / "a.png", white).tolist() == [expected]


def test_a_bilevel_mask_is_object_one(tmp_path: Path) -> None:
    Image.fromarray(np.array([[False, True]])).save(tmp_path / "a.png")
    assert images.read_labels(tmp_path / "a.png").tolist() == [[0, 1]]


def test_a_colour_mask_is_refused_with_its_number_of_colours(tmp_path: Path) -> None:
    colours = np.array([[(0, 0, 0), (128, 0, 0), (0, 128, 0)]], np.uint8)
    Image.fromarray(colours).save(tmp_path / "a.png")
    with pytest.raises(
        ValueError, match=r"a\.png is no label map: mode RGB with 3 colours; expected a palette"
    ):
        images.read_labels(tmp_path / "a.png")


def test_an_anti_aliased_mask_is_refused_and_a_grey_one_with_few_ids_is_not(tmp_path: Path) -> None:
    disk = np.hypot(*np.mgrid[-40:40, -40:40]) < 30
    sharp = Image.fromarray((disk * 255).astype(np.uint8))
    sharp.resize((67, 67), Image.Resampling.BICUBIC).save(tmp_path / "soft.png")
    sharp.resize((67, 67), Image.Resampling.NEAREST).save(tmp_path / "sharp.png")
    with pytest.raises(ValueError, match="grey values, a picture or anti-aliased edges"):
        images.read_labels(tmp_path / "soft.png")
    assert set(np.unique(images.read_labels(tmp_path / "sharp.png"))) == {0, 1}


@pytest.mark.parametrize("top", [63, 255])
def test_a_palette_mask_with_smoothed_edges_is_refused_too(tmp_path: Path, top: int) -> None:
    disk = Image.fromarray(((np.hypot(*np.mgrid[-40:40, -40:40]) < 30) * top).astype(np.uint8))
    smooth = np.array(disk.resize((67, 67), Image.Resampling.BICUBIC))
    images.write_labels(tmp_path / "soft.png", smooth)
    ids = len(np.unique(smooth))
    message = rf"soft\.png is no label map: {ids} ids, of which only 2 fill an area, .*resize with nearest"
    with pytest.raises(ValueError, match=message):
        images.read_labels(tmp_path / "soft.png", "keep")


@pytest.mark.parametrize(("tiny", "refused"), [(20, False), (21, True)])
def test_a_palette_mask_of_many_objects_is_accepted_while_half_of_its_ids_fill_an_area(
    tmp_path: Path, tiny: int, refused: bool
) -> None:
    labels = np.zeros((30, 80), np.uint8)
    for object_id in range(1, 20):  # with the background 20 areas
        labels[1:4, 4 * object_id : 4 * object_id + 3] = object_id
    for object_id in range(20, 20 + tiny):  # of 2 x 2 pixels
        labels[8:10, 3 * (object_id - 19) : 3 * (object_id - 19) + 2] = object_id
    images.write_labels(tmp_path / "many.png", labels)
    if refused:
        with pytest.raises(ValueError, match="41 ids, of which only 20 fill an area"):
            images.read_labels(tmp_path / "many.png")
    else:
        assert (images.read_labels(tmp_path / "many.png") == labels).all()


def test_few_ids_may_all_be_tiny(tmp_path: Path) -> None:
    labels = np.kron(np.arange(32).reshape(4, 8), np.eye(2)).astype(np.uint8)
    images.write_labels(tmp_path / "tiny.png", labels)
    assert (images.read_labels(tmp_path / "tiny.png") == labels).all()


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    images.write_frame(tmp_path / "a.jpg", np.zeros((64, 64, 3), np.uint8))
    content = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(content[: len(content) // 2])
    (tmp_path / "b.png").write_text("not a picture")
    with pytest.raises(ValueError, match=r"broken image file .*a\.jpg"):
        images.read_frame(tmp_path / "a.jpg")
    for read in (images.read_labels, images.image_size):
        with pytest.raises(ValueError, match=r"broken image file .*b\.png"):
            read(tmp_path / "b.png")
    (tmp_path / "a.jpg").write_bytes(content[:6])
    for read in (images.read_frame, images.image_size):
        with pytest.raises(images.BrokenImage, match=r"broken image file .*a\.jpg: Truncated"):
            read(tmp_path / "a.jpg")
        with pytest.raises(FileNotFoundError):
            read(tmp_path / "c.jpg")


def test_a_label_map_of_another_form_is_not_written(tmp_path: Path) -> None:
    for labels in (np.full((2, 2), 256), np.full((2, 2), -1), np.zeros((2, 2, 3), np.uint8)):
        with pytest.raises(ValueError, match="ids 0..255"):
            images.write_labels(tmp_path / "a.png", labels)


def test_the_header_gives_height_before_width(tmp_path: Path) -> None:
    images.write_frame(tmp_path / "a.png", np.zeros((3, 5, 3), np.uint8))
    assert images.image_size(tmp_path / "a.png") == (3, 5)


def test_the_outline_is_that_of_scikit_image() -> None:
    labels = random_labels(np.random.default_rng(0), 3)
    expected = find_boundaries(labels, connectivity=1, mode="inner", background=0)
    assert (images.outline(labels) == expected).all()


def test_an_overlay_leaves_the_background_and_shows_the_object_colours_at_full_opacity() -> None:
    rng = np.random.default_rng(1)
    frame, labels = rng.integers(0, 256, (24, 32, 3), dtype=np.uint8), random_labels(rng, 4)
    drawn = images.overlay(frame, labels, alpha=1.0)
    assert drawn.dtype == np.uint8
    assert (drawn[labels == 0] == frame[labels == 0]).all()
    assert (drawn[labels > 0] == images.object_colours(labels)[labels > 0]).all()
    assert (images.overlay(frame, labels, alpha=0.0, outlined=0) == frame).all()


def test_a_wider_outline_grows_into_the_object_alone() -> None:
    labels = np.zeros((9, 9), np.uint8)
    labels[1:8, 1:8] = 3
    inner = np.zeros((9, 9), bool)
    inner[3:6, 3:6] = True
    assert (images.outline(labels, width=2) == (labels > 0) & ~inner).all()


def test_objects_beyond_the_last_colour_begin_again_and_neighbours_differ() -> None:
    colours = images.object_colours(np.arange(1, 256))
    assert (colours[len(images.BRIGHT) :] == colours[: -len(images.BRIGHT)]).all()
    assert (colours[1:] != colours[:-1]).any(axis=1).all()


def test_an_overlay_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="differ in size"):
        images.overlay(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5), np.uint8))
