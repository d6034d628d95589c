import numpy as np
import pytest

from qpm.datasets import augment


def picture(seed: int, size: int = 24) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (size, size, 3), dtype=np.uint8)


def test_the_whole_image_as_crop_is_the_image_and_flipping_mirrors_it() -> None:
    frame = picture(0)
    whole = (0.0, 0.0, 24.0, 24.0)
    assert (augment.warp_frame(frame, augment.crop_warp(whole, (24, 24)), (24, 24)) == frame).all()
    mirrored = augment.warp_frame(frame, augment.crop_warp(whole, (24, 24), flip=True), (24, 24))
    assert (mirrored == frame[:, ::-1]).all()


def test_a_crop_at_full_resolution_is_a_slice() -> None:
    frame = picture(1)
    warp = augment.crop_warp((5.0, 3.0, 16.0, 16.0), (16, 16))
    assert (augment.warp_frame(frame, warp, (16, 16)) == frame[3:19, 5:21]).all()
    assert (augment.warp_labels(frame[..., 0], warp, (16, 16)) == frame[3:19, 5:21, 0]).all()


def test_composing_looks_up_the_first_at_the_points_of_the_second() -> None:
    rng = np.random.default_rng(2)
    first, second, point = rng.normal(size=(2, 3)), rng.normal(size=(2, 3)), rng.normal(size=2)
    inner = second @ np.append(point, 1)
    assert np.allclose(augment.compose(first, second) @ np.append(point, 1), first @ np.append(inner, 1))


@pytest.mark.parametrize("seed", range(5))
def test_image_and_labels_stay_aligned_under_any_warp(seed: int) -> None:
    rng = np.random.default_rng(seed)
    disk = np.hypot(*np.mgrid[-60:60, -100:100]) < 40
    frame = np.repeat(np.where(disk, 255, 0)[..., None], 3, axis=2).astype(np.uint8)
    crop = augment.crop_warp(augment.random_box(rng, (120, 200), (0.36, 1.0), 1.7), (96, 96), flip=seed % 2 == 0)
    warp = augment.compose(crop, augment.small_affine(rng, (96, 96), rotation=10, shear=5, scale=0.1))
    labels = augment.warp_labels(disk.astype(np.uint8), warp, (96, 96))
    seen = augment.warp_frame(frame, warp, (96, 96))[..., 0] > 127
    inside = augment.warp_labels(np.ones((120, 200), np.uint8), warp, (96, 96)) == 1  # elsewhere is the mean colour
    assert labels.any()
    assert (seen != (labels == 1))[inside].mean() < 0.01


def test_outside_is_background_in_the_mean_colour() -> None:
    warp = augment.crop_warp((-8.0, 0.0, 16.0, 16.0), (16, 16))
    frame, labels = np.zeros((16, 16, 3), np.uint8), np.ones((16, 16), np.uint8)
    assert (augment.warp_frame(frame, warp, (16, 16))[:, :7] == augment.FILL).all()
    assert not augment.warp_labels(labels, warp, (16, 16))[:, :8].any()
    assert augment.warp_labels(labels, warp, (16, 16))[:, 8:].all()


def test_a_reduced_picture_averages_what_it_cannot_show() -> None:
    stripes = np.zeros((32, 32, 3), np.uint8)
    stripes[:, ::2] = 255
    warp = augment.crop_warp((0.0, 0.0, 32.0, 32.0), (16, 16))
    assert np.abs(augment.warp_frame(stripes, warp, (16, 16)).astype(int) - 127).max() <= 1


def test_a_random_box_keeps_to_area_aspect_and_image() -> None:
    rng = np.random.default_rng(3)
    for _ in range(200):
        x, y, width, height = augment.random_box(rng, (400, 400), (0.2, 0.4), 1.5)
        assert 0.2 <= width * height / 400**2 <= 0.4 and 1 / 1.5 <= width / height <= 1.5
        assert 0 <= x <= 400 - width and 0 <= y <= 400 - height
    boxes = [augment.random_box(rng, (100, 300), (0.9, 1.0), 1.7) for _ in range(50)]
    assert max(height for *_, height in boxes) == 100  # cut to the image's side


def test_small_affines_keep_the_centre() -> None:
    warp = augment.small_affine(np.random.default_rng(4), (96, 96), rotation=10, shear=5, scale=0.1)
    assert np.allclose(warp @ [48, 48, 1], [48, 48])
    assert 0.9**-2 >= np.linalg.det(warp[:, :2]) >= 1.1**-2


def test_no_change_of_colour_is_the_identity_and_changes_compose() -> None:
    rng, frame = np.random.default_rng(5), picture(6)
    assert (augment.random_colour(rng, 0, 0, 0)(frame) == frame).all()
    first, second = augment.random_colour(rng, 0.1, 0.1, 0.1), augment.random_colour(rng, 0.1, 0.1, 0.1)
    mild = (frame // 2 + 60).astype(np.uint8)  # nothing is cut at 0 or 255
    assert np.abs(first.then(second)(mild).astype(int) - second(first(mild))).max() <= 1


def test_greyscale_has_equal_channels_and_hue_leaves_grey_alone() -> None:
    rng, frame = np.random.default_rng(7), picture(8)
    grey = augment.random_colour(rng, 0, 0, 0, grey=1.0)(frame)
    assert (grey == grey[..., :1]).all()
    assert np.abs(augment.random_colour(rng, 0, 0, 0, hue=0.5)(grey).astype(int) - grey).max() <= 1


def test_a_third_of_a_turn_of_hue_permutes_the_channels() -> None:
    turned = augment.hue_rotation(2 * np.pi / 3)
    assert np.allclose(np.abs(turned), turned) and np.allclose(turned.sum(axis=0), 1)
    assert sorted(map(tuple, turned.round(6))) == sorted(map(tuple, np.eye(3)))


def test_a_rectangular_output_shows_the_box_without_distortion() -> None:
    rng, frame = np.random.default_rng(9), picture(9, 48)
    box = (4.0, 6.0, 40.0, 24.0)
    assert (augment.warp_frame(frame, augment.crop_warp(box, (24, 40)), (24, 40)) == frame[6:30, 4:44]).all()
    for _ in range(50):
        _, _, width, height = augment.random_box(rng, (400, 800), (0.2, 0.4), 1.0, shape=40 / 24)
        assert width / height == pytest.approx(40 / 24)


def test_a_shift_moves_the_centre_by_at_most_its_share() -> None:
    rng = np.random.default_rng(10)
    moved = np.array(
        [augment.small_affine(rng, (60, 100), 0, 0, 0, shift=0.1) @ [50, 30, 1] - [50, 30] for _ in range(200)]
    )
    assert (np.abs(moved) <= [10, 6]).all() and (np.abs(moved).max(axis=0) > [9, 5.4]).all()
