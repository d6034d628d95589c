import numpy as np
import pytest

from qpm.datasets.clip import Clip
from qpm.datasets.pasting import acceptable, cut_out, hide_object, paste

SIZE = 64


def disk(x: float, y: float, radius: float) -> np.ndarray:
    rows, columns = np.mgrid[:SIZE, :SIZE]
    return np.hypot(columns - x, rows - y) < radius


def moving(
    colour: tuple[int, int, int], ground: int, objects: tuple[tuple[int, int], ...] = ((20, 32),)
) -> Clip:
    """Three frames; every object is a disk that moves 5 pixels to the right per frame."""
    labels = np.zeros((3, SIZE, SIZE), np.uint8)
    for t in range(3):
        for number, (x, y) in enumerate(objects, start=1):
            labels[t][disk(x + 5 * t, y, 9)] = number
    frames = np.where(labels[..., None] > 0, np.array(colour, np.uint8), np.uint8(ground)).astype(np.uint8)
    return Clip(frames, labels, "clip")


TARGET, OTHER = moving((200, 0, 0), 10), moving((0, 200, 0), 240, ((30, 30),))


@pytest.mark.parametrize("seed", range(20))
def test_a_pasted_object_brings_its_colour_and_not_its_background(seed: int) -> None:
    pasted = paste(TARGET, OTHER, np.random.default_rng(seed), labelled=True)
    for t in range(3):
        core = cut_core(pasted.labels[t] == 2)
        assert (pasted.frames[t][core][:, 1] > 150).all()
    assert pasted.frames[pasted.labels == 0].max() < 150  # nothing of the bright ground came along
    assert (pasted.frames[pasted.labels == 1] == (200, 0, 0)).mean() > 0.8


def cut_core(mask: np.ndarray) -> np.ndarray:
    """Pixels whose four neighbours belong to the mask too."""
    inner = mask.copy()
    for axis in (0, 1):
        for step in (1, -1):
            inner &= np.roll(mask, step, axis)
    return inner


def test_the_target_stays_visible_in_the_first_frame_and_may_vanish_later() -> None:
    rng = np.random.default_rng(0)
    whole = (TARGET.labels == 1).sum(axis=(1, 2))
    left = np.array(
        [(paste(TARGET, OTHER, rng, labelled=False).labels == 1).sum(axis=(1, 2)) for _ in range(200)]
    )
    shares = left / whole
    assert shares[:, 0].min() >= 0.6
    assert shares[:, 1:].min() < 0.1
    assert (shares[:, 1:] < 0.9).mean() > 0.15  # the paths do meet the target


def test_a_distractor_changes_the_picture_and_adds_no_label() -> None:
    pasted = paste(TARGET, OTHER, np.random.default_rng(1), labelled=False)
    assert (pasted.frames != TARGET.frames).any()
    assert set(np.unique(pasted.labels)) <= {0, 1}


def test_an_object_behind_never_hides_the_target() -> None:
    hidden = [paste(TARGET, OTHER, np.random.default_rng(seed), labelled=True) for seed in range(60)]
    untouched = [(clip.labels[TARGET.labels == 1] == 1).all() for clip in hidden]
    assert 0 < sum(untouched) < 60


def test_nothing_is_pasted_from_a_clip_whose_object_is_not_there_at_first() -> None:
    late = Clip(
        OTHER.frames, np.where(np.arange(3)[:, None, None] == 0, 0, OTHER.labels).astype(np.uint8), "late"
    )
    assert paste(TARGET, late, np.random.default_rng(0), labelled=True) is TARGET


@pytest.mark.parametrize(
    ("covered", "labelled", "expected"),
    [(0.39, False, True), (0.41, False, False), (0.0, True, False), (0.0, False, True)],
)
def test_at_most_four_tenths_of_an_object_may_be_covered(
    covered: float, labelled: bool, expected: bool
) -> None:
    labels = np.ones((100, 100), np.uint8)
    hidden = np.zeros((100, 100), bool)
    hidden[: round(100 * covered)] = True
    assert acceptable(labels, hidden, labelled) is expected


def test_a_cut_out_is_opaque_inside_and_clear_outside() -> None:
    mask = disk(32, 32, 12)
    alpha = cut_out(mask, np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]))
    assert (alpha[disk(32, 32, 9)] == 1).all() and not alpha[~disk(32, 32, 13)].any()
    assert 0.8 < (alpha > 0.5).sum() / mask.sum() < 1


def test_a_hidden_object_shows_the_texture_and_no_label() -> None:
    texture = np.full((SIZE, SIZE, 3), 77, np.uint8)
    for seed in range(20):
        hidden = hide_object(TARGET, texture, np.random.default_rng(seed))
        covered = (hidden.frames == 77).all(axis=3)
        assert covered.any(axis=(1, 2)).sum() == 1 and not covered[0].any()
        assert (hidden.labels == np.where(covered, 0, TARGET.labels)).all()


def test_an_object_that_is_gone_is_not_hidden() -> None:
    gone = Clip(TARGET.frames, TARGET.labels * (np.arange(3)[:, None, None] == 0).astype(np.uint8), "gone")
    assert hide_object(gone, np.zeros((SIZE, SIZE, 3), np.uint8), np.random.default_rng(0)) is gone
