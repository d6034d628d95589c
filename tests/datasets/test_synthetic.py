"""The built-in benchmark: what its videos promise, on all of val and test or on the first of the training stream."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from qpm.datasets.synthetic import (
    SyntheticConfig,
    SyntheticDataset,
    challenges,
    motion,
    shapes,
    splits,
    textures,
)
from qpm.datasets.synthetic.actors import Actor
from qpm.datasets.synthetic.posing import LONGEST
from qpm.datasets.video import Video

FIRST = {"val": 30, "test": 10}  # videos of a split that the promises are checked on


@pytest.fixture(scope="module")
def val() -> SyntheticDataset:
    return SyntheticConfig(split="val").open()


@pytest.fixture(scope="module", params=FIRST)
def videos(request: pytest.FixtureRequest) -> list[Video]:
    dataset = SyntheticConfig(split=request.param, videos=FIRST[request.param]).open()
    return [dataset[index] for index in range(len(dataset))]


def area(video: Video, object_id: int, index: int) -> float:
    labels = video.read_labels(index)
    assert labels is not None
    return float(np.mean(labels == object_id))


def of(videos: list[Video], attribute: str) -> Iterator[Video]:
    chosen = [video for video in videos if attribute in video.attributes]
    assert chosen
    yield from chosen


def test_the_same_seed_gives_the_same_bytes() -> None:
    first, second = (SyntheticConfig(split="val").open()[5] for _ in range(2))
    for index in (0, 31, 99):
        np.testing.assert_array_equal(first.read_frame(index), second.read_frame(index))
        np.testing.assert_array_equal(first.read_labels(index), second.read_labels(index))


def test_val_and_test_together_are_the_videos_of_both() -> None:
    both = SyntheticConfig(split="val+test").open()
    parts = [SyntheticConfig(split=split).open() for split in ("val", "test")]
    assert both.names() == parts[0].names() + parts[1].names() and len(both) == 128
    assert len({dataset.fingerprint() for dataset in (both, *parts)}) == 3
    for index, (dataset, place) in {63: (parts[0], 63), 64: (parts[1], 0)}.items():
        assert both[index].attributes == dataset[place].attributes
        np.testing.assert_array_equal(both[index].read_frame(7), dataset[place].read_frame(7))
    with pytest.raises(ValueError, match="videos = 129; it has 128"):
        SyntheticConfig(split="val+test", videos=129).open()


@pytest.mark.parametrize("number", [0, 2, 5])
def test_a_frame_read_alone_equals_the_frame_read_in_order(val: SyntheticDataset, number: int) -> None:
    in_order, alone = val[number], val[number]
    frames = [in_order.read_frame(index) for index in range(30)]
    for index in (29, 3, 17):
        np.testing.assert_array_equal(alone.read_frame(index), frames[index])


def test_splits_and_seeds_share_no_video() -> None:
    configs = [
        SyntheticConfig(split="val"),
        SyntheticConfig(split="test"),
        SyntheticConfig(split="val", seed=1),
    ]
    frames = [config.open()[0].read_frame(0) for config in configs]
    assert len({frame.tobytes() for frame in frames}) == 3


def test_frames_and_labels_have_the_promised_form(val: SyntheticDataset) -> None:
    for number in range(10):
        video = val[number]
        frame, labels = video.read_frame(40), video.read_labels(40)
        assert (frame.shape, frame.dtype) == ((192, 336, 3), np.uint8)
        assert labels is not None and (labels.shape, labels.dtype) == ((192, 336), np.uint8)
        assert set(np.unique(labels)) <= {0, *video.object_ids}
        assert frame.shape[:2] == video.size and len(video) == 100


def test_what_a_reader_does_to_a_frame_does_not_reach_the_next_reader(val: SyntheticDataset) -> None:
    video = val[0]
    kept = video.read_frame(0).copy()
    video.read_frame(0)[:] = 0
    np.testing.assert_array_equal(video.read_frame(0), kept)


def test_every_object_covers_two_percent_of_the_frame_in_which_it_is_given(videos: list[Video]) -> None:
    for video in videos:
        for object_id in video.object_ids:
            assert 0.02 <= area(video, object_id, video.first_frames[object_id]) <= 0.25, video.name


def test_training_objects_cover_two_percent_when_given() -> None:
    stream = SyntheticConfig(split="train").open()
    for number in range(25):
        video = stream[number]
        assert all(area(video, i, first) >= 0.02 for i, first in video.first_frames.items()), video.name


def test_the_given_masks_are_the_truth_of_their_frame(videos: list[Video]) -> None:
    for video in of(videos, "late_object"):
        late = max(video.first_frames.values())
        given = video.given(late)
        assert given is not None
        truth = video.read_labels(late)
        assert all((given == i).sum() == (truth == i).sum() > 0 for i in np.unique(given[given > 0]))


def test_a_prefix_of_twenty_meets_every_challenge_with_seen_and_unseen_families(
    val: SyntheticDataset,
) -> None:
    met = {
        (video.attributes[0], seen) for video in (val[i] for i in range(20)) for seen in video.seen.values()
    }
    assert met == {(name, seen) for name in challenges.CHALLENGES for seen in (True, False)}


def test_a_prefix_of_four_has_seen_and_unseen_families(val: SyntheticDataset) -> None:
    assert {seen for i in range(4) for seen in val[i].seen.values()} == {True, False}


def test_unseen_families_never_occur_in_training() -> None:
    stream = SyntheticConfig(split="train").open()
    categories = {category for i in range(45) for category in stream[i].categories.values()}
    assert categories == set(splits.SEEN)
    assert not categories & set(splits.UNSEEN)


def test_seen_says_whether_training_shows_the_category(videos: list[Video]) -> None:
    for video in videos:
        assert video.seen == {i: category in splits.SEEN for i, category in video.categories.items()}


def test_no_photograph_is_used_both_in_training_and_in_evaluation() -> None:
    assert not set(textures.PHOTOGRAPHS["train"]) & set(textures.PHOTOGRAPHS["held_out"])
    assert textures.available("train") and textures.available("held_out")


def test_missing_photographs_leave_procedural_videos(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(textures, "PHOTOGRAPHS", {"train": ("absent.png",), "held_out": ()})
    dataset = SyntheticConfig(split="val").open()
    for number in range(10):
        assert dataset[number].read_frame(0).std() > 0
    assert dataset.fingerprint()


def test_fewer_videos_and_frames_are_a_prefix(val: SyntheticDataset) -> None:
    short = SyntheticConfig(split="val", videos=5, frames=40).open()
    assert short.names() == val.names()[:5] and len(short) == 5
    video, whole = short[4], val[4]
    assert len(video) == 40 and video.frame_names == whole.frame_names[:40]
    np.testing.assert_array_equal(video.read_frame(39), whole.read_frame(39))
    np.testing.assert_array_equal(video.read_labels(39), whole.read_labels(39))


def test_an_object_given_after_the_last_frame_is_no_object_of_the_prefix(val: SyntheticDataset) -> None:
    number = val.names().index("val-004-late_object")
    latest = max(val[number].first_frames.values())
    short = SyntheticConfig(split="val", frames=latest).open()[number]
    assert set(short.object_ids) == {i for i, first in val[number].first_frames.items() if first < latest}
    assert short.object_ids != val[number].object_ids


@pytest.mark.parametrize("asked", [{"videos": 65}, {"frames": 101}])
def test_more_than_the_split_has_is_refused(asked: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="it has"):
        SyntheticConfig(split="test", **asked).open()


def test_a_video_or_frame_outside_is_an_index_error(val: SyntheticDataset) -> None:
    with pytest.raises(IndexError):
        val[64]
    with pytest.raises(IndexError):
        val[0].read_frame(100)


def test_the_fingerprint_follows_seed_selection_version_and_difficulty(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    configs = [
        SyntheticConfig(),
        SyntheticConfig(seed=1),
        SyntheticConfig(split="test"),
        SyntheticConfig(videos=3),
    ]
    prints = [config.open().fingerprint() for config in configs]
    monkeypatch.setattr(splits, "VERSION", splits.VERSION + 1)
    prints.append(SyntheticConfig().open().fingerprint())
    monkeypatch.undo()
    monkeypatch.setitem(challenges.CHALLENGES, "clean", challenges.Challenge(speed=9.0))
    prints.append(SyntheticConfig().open().fingerprint())
    assert len(set(prints)) == len(prints)
    monkeypatch.undo()
    assert SyntheticConfig().open().fingerprint() == prints[0]


def test_out_of_view_leaves_entirely_and_returns(videos: list[Video]) -> None:
    for video in of(videos, "out_of_view"):
        shown = np.array([area(video, 1, index) for index in range(0, len(video), 2)])
        gone = np.flatnonzero(shown == 0)
        assert len(gone) >= 3 and gone[0] < 20, video.name
        assert shown[gone[0] :].max() > 0.02, video.name


def test_occlusion_hides_nearly_everything_for_a_few_frames_again_and_again(videos: list[Video]) -> None:
    for video in of(videos, "occlusion"):
        shown = np.array([[area(video, i, k) for i in video.object_ids] for k in range(0, len(video), 2)]).T
        hidden = (shown < 0.1 * shown.max(axis=1, keepdims=True)).any(axis=0)
        assert np.count_nonzero(np.diff(hidden.astype(int)) == 1) >= 3, video.name
        assert hidden.mean() < 0.5, video.name


def test_late_objects_are_given_after_the_first_frame_and_absent_before(videos: list[Video]) -> None:
    for video in of(videos, "late_object"):
        late = {i: first for i, first in video.first_frames.items() if first > 0}
        assert late and min(video.first_frames.values()) == 0
        assert all(area(video, i, first - 1) == 0 for i, first in late.items())


def test_clean_objects_stay_whole_in_view(videos: list[Video]) -> None:
    for video in of(videos, "clean"):
        for object_id in video.object_ids:
            shown = np.array([area(video, object_id, index) for index in range(0, len(video), 5)])
            assert shown.min() > 0.6 * shown.max(), video.name


def test_motion_blur_darkens_some_frames_and_not_others(videos: list[Video]) -> None:
    for video in of(videos, "motion_blur"):
        light = np.array([video.read_frame(index).mean() for index in range(0, len(video), 3)])
        assert (light < 0.6 * light.max()).any() and (light > 0.9 * light.max()).any()


def test_a_disc_of_the_same_area_has_the_size_that_the_course_says() -> None:
    for name, category in shapes.CATEGORIES.items():
        drawn = shapes.stencil(category.draw, seed=3)
        assert np.pi * drawn.unit**2 == pytest.approx(np.count_nonzero(drawn.alpha >= 128), rel=0.01), name


def test_no_outline_reaches_beyond_the_box_that_is_painted() -> None:
    reach = [shapes.stencil(c.draw, seed).reach for c in shapes.CATEGORIES.values() for seed in range(8)]
    assert max(reach) < LONGEST


@pytest.mark.parametrize("pattern", textures.PATTERNS)
def test_every_pattern_is_a_full_range_of_shades(pattern: str) -> None:
    field = textures.PATTERNS[pattern](np.random.default_rng(0), "train")
    assert field.shape == (textures.SIDE, textures.SIDE)
    assert 0 <= field.min() < 0.1 and 0.9 < field.max() <= 1


def test_wandering_keeps_its_bounds_and_about_its_speed() -> None:
    courses = [motion.wander(np.random.default_rng(seed), 400, 40, 300, 3.0) for seed in range(20)]
    assert min(c.min() for c in courses) >= 40 and max(c.max() for c in courses) <= 300
    assert np.mean([np.sqrt(np.mean(np.diff(c) ** 2)) for c in courses]) == pytest.approx(3.0, rel=0.25)


def test_a_plateau_is_one_during_its_event_and_zero_beyond_its_ramp() -> None:
    height = motion.plateau(20, [(8, 10)], ramp=3)
    assert height[8:11].tolist() == [1, 1, 1]
    assert height[:6].tolist() == [0] * 6 and height[13:].tolist() == [0] * 7


def test_a_config_survives_json() -> None:
    config = SyntheticConfig(split="test", videos=3, frames=20, seed=4)
    assert SyntheticConfig.model_validate_json(config.model_dump_json()) == config


def test_look_alikes_are_never_labelled() -> None:
    scene = splits.compose("val", 0, 0).scene
    strangers: list[Actor] = [actor for actor in scene.actors if actor.label == 0]
    assert strangers and {actor.category for actor in strangers} & {actor.category for actor in scene.objects}


def test_similar_objects_are_of_one_family(videos: list[Video]) -> None:
    for video in of(videos, "similar_objects"):
        assert len(set(video.categories.values())) == 1
