"""The overlay clip of `qpm segment`: objects outlined above a band that shows score, memory and progress."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from qpm.datasets.video import Video
from qpm.images import object_colours
from qpm.memory import MemoryPolicy
from qpm.segment.clip import GROUND, INK, MARK, SOFT, Band, annotated, gate

HEIGHT, WIDTH, FRAMES = 480, 854, 20


@dataclass
class Result:
    """As much of a frame's result as is drawn."""

    index: int
    labels: np.ndarray = field(default_factory=lambda: labels())
    object_ids: tuple[int, ...] = (1, 2)
    signals: dict = field(default_factory=lambda: {"score": (0.5, 1.0)})
    memorized: tuple[str, ...] = ("previous",)
    prior_frame: int | None = None
    bank_frames: int = 3


def labels() -> np.ndarray:
    drawn = np.zeros((HEIGHT, WIDTH), np.uint8)
    drawn[100:200, 100:300], drawn[250:400, 500:700] = 1, 2
    return drawn


@pytest.fixture
def video() -> Video:
    grey = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    names = tuple(f"{index:05d}" for index in range(FRAMES))
    read = {0: labels()}.get
    return Video("own", "clip", names, (HEIGHT, WIDTH), (1, 2), {1: 0, 2: 0}, lambda _: grey.copy(), read)


def band(**changes) -> np.ndarray:
    return Band(WIDTH, 60, FRAMES, gate=0.7).draw(Result(4, **changes))


def columns(picture: np.ndarray, colour) -> np.ndarray:
    """Columns of a picture that hold a colour exactly."""
    return np.flatnonzero((picture == np.array(colour)).all(axis=2).any(axis=0))


def test_the_frame_changes_only_on_objects_and_their_rims_are_two_pixels_of_full_colour_at_480p(video):
    (picture,) = annotated([Result(3)], video, MemoryPolicy.model_validate("qpm"))
    frame = picture[:HEIGHT]
    assert np.array_equal((frame != 128).any(axis=2), labels() > 0)
    full = (frame == object_colours(labels())).all(axis=2)
    assert full[100:200, 100:300].sum() == 100 * 200 - 96 * 196


def test_a_band_stands_below_frames_of_any_size(video):
    (picture,) = annotated([Result(3)], video, MemoryPolicy.model_validate("qpm"))
    assert picture.shape == (HEIGHT + 60, WIDTH, 3) and (picture[HEIGHT, 0] == GROUND).all()


def test_every_object_has_a_bar_as_long_as_its_score():
    one, two = (columns(band(), object_colours(np.array(k))) for k in (1, 2))
    assert len(one) == pytest.approx(len(two) / 2, rel=0.02)


def test_a_score_that_is_undefined_or_above_one_stays_in_its_place():
    lengths = [
        len(columns(band(signals={"score": (score, 0.0)}), object_colours(np.array(1))))
        for score in (float("nan"), 1.0, 1.4)
    ]
    assert lengths[0] <= 1 and lengths[1] == lengths[2]


def test_a_network_without_a_score_is_drawn_too():
    assert len(columns(band(signals={}), object_colours(np.array(1)))) == 0


def test_memorised_frames_stay_marked_and_the_line_fills_as_the_video_goes_on():
    strip = Band(WIDTH, 60, FRAMES)
    shelves = {0: ("annotated",), 5: ("previous", "long"), 9: ("previous",)}
    pictures = {k: strip.draw(Result(k, memorized=shelves.get(k, ("previous",)))) for k in range(10)}
    assert strip.kept == [0, 5]
    bottom = {k: picture[45:] for k, picture in pictures.items()}
    marks = columns(bottom[9], MARK)
    assert {round((x - 7) / (WIDTH - 14) * (FRAMES - 1)) for x in marks} == {0, 5}
    assert len(columns(bottom[9], SOFT)) > 1.5 * len(columns(bottom[5], SOFT))


def test_the_text_says_when_a_frame_enters_the_memory():
    right = np.s_[:40, WIDTH // 2 :]
    assert len(columns(band()[right], MARK)) == 0
    assert len(columns(band(memorized=("previous", "long"))[right], MARK)) > 0


def test_a_narrow_band_leaves_out_what_has_no_room():
    narrow = Band(160, 48, FRAMES).draw(Result(4, prior_frame=3))
    assert narrow.shape == (48, 160, 3) and len(columns(narrow, INK)) > 0
    assert (narrow[:, -4:] == GROUND).all()


def test_the_gate_is_the_policys():
    assert gate(MemoryPolicy.model_validate("qpm")) == 0.7 and gate(MemoryPolicy.model_validate("stm")) is None
