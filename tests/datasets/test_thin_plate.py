import numpy as np

from qpm.datasets.thin_plate import bend, bend_frame, bend_labels, random_bend

CORNERS = np.array([[0, 0], [0, 1], [1, 0], [1, 1], [0.4, 0.6]], dtype=float)


def test_points_that_stay_bend_nothing() -> None:
    frame = np.random.default_rng(0).integers(0, 256, (40, 56, 3), dtype=np.uint8)
    field = bend(CORNERS, CORNERS, (40, 56))
    assert np.allclose(field, np.mgrid[:40, :56], atol=1e-6)
    inner = np.s_[1:-1, 1:-1]  # at the rim, rounding may look outside
    assert (bend_frame(frame, field)[inner] == frame[inner]).all()
    assert (bend_labels(frame[..., 0], field)[inner] == frame[..., 0][inner]).all()


def test_an_affine_move_of_the_points_is_that_move_of_the_image() -> None:
    labels = np.zeros((41, 41), np.uint8)
    labels[10:20, 10:20] = 3
    field = bend(CORNERS, CORNERS - [0.1, 0.2], (41, 41))  # what is seen lies 4 rows above and 8 columns left
    expected = np.zeros_like(labels)
    expected[14:24, 18:28] = 3
    assert (bend_labels(labels, field) == expected).all()


def test_the_spline_passes_through_its_control_points() -> None:
    rng = np.random.default_rng(1)
    control = np.round(rng.uniform(0.1, 0.9, (6, 2)) * 10) / 10
    source = control + rng.normal(0, 0.02, control.shape)
    field = bend(control, source, (81, 81))  # every tenth of the side is a point of the grid
    for (row, column), expected in zip((control * 80).astype(int), source * 80, strict=True):
        assert np.allclose(field[:, row, column], expected, atol=1e-6)


def test_image_and_labels_bend_alike_and_outside_is_mean_colour_and_background() -> None:
    rng = np.random.default_rng(2)
    disk = np.hypot(*np.mgrid[-40:40, -40:40]) < 25
    frame = np.repeat(np.where(disk, 255, 0)[..., None], 3, axis=2).astype(np.uint8)
    field = random_bend(rng, (80, 80), points=12, offset=0.05)
    assert np.abs(field - np.mgrid[:80, :80]).max() > 2
    inside = ((field >= 0) & (field <= 79)).all(axis=0)
    seen, labels = bend_frame(frame, field), bend_labels(disk.astype(np.uint8), field)
    assert ((seen[..., 0] > 127) != (labels == 1))[inside].mean() < 0.01
    far = bend(CORNERS, CORNERS + 2.0, (80, 80))
    assert (bend_frame(frame, far) == (124, 116, 104)).all() and not bend_labels(disk.astype(np.uint8), far).any()
