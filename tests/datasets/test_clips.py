"""Clips from small coloured videos, in which every object has a colour of its own that augmentation cannot hide."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from qpm.datasets.augment_ranges import AugmentConfig
from qpm.datasets.broken import BrokenImages
from qpm.datasets.clip import Clip
from qpm.datasets.clips import VideoClips
from qpm.datasets.davis import DavisConfig
from qpm.datasets.frame_cache import FrameCache
from qpm.datasets.sampling import box_around, choose_box, choose_frames, largest_gap
from qpm.datasets.video import Video
from qpm.images import BrokenImage

COLOURS = np.array([(20, 20, 20), (250, 160, 160), (160, 250, 160), (160, 160, 250)], np.uint8)  # by id
FRAMES = 20


@dataclass
class Blocks:
    """Videos of squares on dark ground that drift to the right; video k shows the objects `shown[k]`."""

    shown: tuple[tuple[int, ...], ...] = ((1, 2, 3), (1, 2, 3), (1, 2))
    name: str = "blocks"
    protocol: str = "youtube-vos"

    def __len__(self) -> int:
        return len(self.shown)

    def __getitem__(self, index: int) -> Video:
        ids = self.shown[index]

        def labels(frame: int) -> np.ndarray:
            drawn = np.zeros((90, 120), np.uint8)
            for object_id in ids:
                drawn[28 * object_id - 22 : 28 * object_id, 20 + 2 * frame : 45 + 2 * frame] = object_id
            return drawn

        return Video(
            "blocks", f"video{index}", tuple(f"{i:05d}" for i in range(FRAMES)), (90, 120), ids,
            dict.fromkeys(ids, 0), lambda frame: COLOURS[labels(frame)], labels,
        )  # fmt: skip

    def names(self) -> list[str]:
        return [f"video{index}" for index in range(len(self))]

    def fingerprint(self) -> str:
        return "0"


def clips(**settings: object) -> VideoClips:
    """A source over the blocks; settings of the augmentation may stand beside the source's."""
    ranges = {key: settings.pop(key) for key in list(settings) if key in AugmentConfig.model_fields}
    augment = AugmentConfig.model_validate({"occlusion": 0, **ranges})
    return VideoClips(Blocks(), **{"size": (64, 64), "augment": augment, **settings})  # type: ignore[arg-type]


def drawn(source: VideoClips, count: int, progress: float = 1.0) -> list[Clip]:
    return [source.sample(np.random.default_rng((9, number)), progress) for number in range(count)]


def is_bright(clip: Clip) -> np.ndarray:
    """Pixels brighter than the ground under any change of colour, bool (T, H, W): objects, or outside of the image."""
    return clip.frames.max(axis=3) > 80


def is_coloured(clip: Clip) -> np.ndarray:
    """Pixels of objects in the clips that did not turn grey, bool (T, H, W)."""
    return np.ptp(clip.frames.astype(int), axis=3) > 45


def test_a_clip_has_its_size_and_numbers_its_objects_from_one() -> None:
    for clip in drawn(clips(max_objects=2), 30):
        assert clip.frames.shape == (3, 64, 64, 3) and clip.labels.shape == (3, 64, 64)
        assert clip.frames.dtype == clip.labels.dtype == np.uint8
        assert set(np.unique(clip.labels[0])) == {0, *range(1, clip.objects + 1)} and 1 <= clip.objects <= 2
        assert clip.labels.max() <= clip.objects


def test_labels_lie_on_their_objects() -> None:
    for clip in drawn(clips(max_objects=3), 30):
        assert (~is_bright(clip) & (clip.labels > 0)).mean() < 0.02


def test_the_order_of_the_objects_is_random() -> None:
    numbers_of_the_red_one = set()
    for clip in drawn(clips(max_objects=3, crop=(1.0, 1.0), aspect=1.0), 60):
        for number in range(1, clip.objects + 1):
            red, green, blue = clip.frames[0][clip.labels[0] == number].mean(axis=0)
            if red > max(green, blue) + 20:
                numbers_of_the_red_one.add(number)
    assert numbers_of_the_red_one == {1, 2, 3}


def test_a_clip_depends_on_its_number_alone() -> None:
    fresh, used = clips(pasted="object", occlusion=0.5), clips(pasted="object", occlusion=0.5)
    drawn(used, 5)
    for number in (7, 0):
        a, b = (s.sample(np.random.default_rng((9, number)), 0.5) for s in (fresh, used))
        assert a.name == b.name and (a.frames == b.frames).all() and (a.labels == b.labels).all()


def test_a_pasted_object_is_one_more_object() -> None:
    found = drawn(clips(max_objects=2, pasted="object", paste_probability=1.0), 40)
    assert np.mean([clip.objects == 2 for clip in found]) > 0.9
    for clip in found:
        assert (~is_bright(clip) & (clip.labels > 0)).mean() < 0.03


def test_a_distractor_is_there_to_see_and_has_no_label() -> None:
    plain = drawn(clips(max_objects=3), 40)
    with_distractor = drawn(clips(max_objects=3, pasted="distractor", paste_probability=1.0), 40)

    def unlabelled(found: list[Clip]) -> float:
        return float(np.mean([(is_coloured(clip) & (clip.labels == 0)).mean() for clip in found]))

    assert unlabelled(with_distractor) > 5 * unlabelled(plain) > 0
    assert max(clip.objects for clip in with_distractor) == 3


def test_an_occlusion_hides_an_object_in_one_frame_after_the_first() -> None:
    without, hidden = drawn(clips(max_objects=1), 30), drawn(clips(max_objects=1, occlusion=1.0), 30)
    lost = []
    for before, after in zip(without, hidden, strict=True):
        assert (before.frames[0] == after.frames[0]).all()
        changed = [t for t in range(3) if (before.labels[t] != after.labels[t]).any()]
        assert len(changed) <= 1 and not (after.labels > before.labels).any()
        lost += [1 - (after.labels[t] > 0).sum() / (before.labels[t] > 0).sum() for t in changed]
    assert len(lost) > 20 and 0.2 < np.mean(lost) < 0.95 and max(lost) == 1


def test_the_gap_grows_to_its_end_at_half_of_the_training() -> None:
    assert [largest_gap((1, 8), p) for p in (0.0, 0.25, 0.5, 1.0)] == [1, 4, 8, 8]


def test_a_curriculum_in_steps_takes_the_last_one_reached() -> None:
    steps = ((0.0, 5), (0.1, 10), (0.9, 5))
    assert [largest_gap((1, 8), p, steps) for p in (0.0, 0.09, 0.1, 0.89, 0.9)] == [5, 5, 10, 10, 5]


def test_frames_are_in_order_or_reversed_and_at_most_a_gap_apart() -> None:
    rng, steps = np.random.default_rng(1), []
    for _ in range(300):
        chosen = choose_frames(rng, list(range(0, 100, 5)), 3, gap=4)
        steps += list(np.diff(chosen) // 5)
        assert len(set(np.sign(np.diff(chosen)))) == 1
    assert set(steps) == {-4, -3, -2, -1, 1, 2, 3, 4}
    assert sorted(choose_frames(rng, [3, 7, 9], 3, gap=8)) == [3, 7, 9]


def test_a_crop_holds_half_of_the_target() -> None:
    rng, target = np.random.default_rng(2), np.zeros((100, 100), bool)
    target[2:12, 5:15] = True
    shares = []
    for _ in range(100):
        x, y, width, height = (round(v) for v in choose_box(rng, target, (0.1, 1.0), 1.7))
        assert 0 <= x <= 100 - width and 0 <= y <= 100 - height
        shares.append(target[y : y + height, x : x + width].sum() / 100)
    assert min(shares) >= 0.5 and np.mean(shares) > 0.8


def test_the_box_around_an_object_holds_it_in_all_frames() -> None:
    masks = np.zeros((2, 50, 50), bool)
    masks[0, 10:20, 5:10], masks[1, 30:40, 8:12] = True, True
    x, y, width, height = box_around(masks, margin=0.1)
    assert width == height == pytest.approx(30 * 1.2)
    assert x <= 5 and x + width >= 12 and y <= 10 - 3 and y + height >= 40 + 3


def test_a_box_of_another_shape_holds_the_object_too() -> None:
    masks = np.zeros((1, 50, 50), bool)
    masks[0, 10:20, 5:25] = True
    x, y, width, height = box_around(masks, margin=0.0, shape=2.0)
    assert (x, y, width, height) == (5, 10, 20, 10)


def test_clips_may_be_long_and_rectangular() -> None:
    for clip in drawn(clips(size=(48, 80), length=7, pasted="object", paste_probability=1, occlusion=1), 10):
        assert clip.frames.shape == (7, 48, 80, 3) and clip.labels.shape == (7, 48, 80)


def test_a_still_clip_bends_one_frame_differently_each_time() -> None:
    ranges = {"crop": (1, 1), "aspect": 1, "spline": 1, "brightness": 0, "contrast": 0, "flip": 0}
    for clip in drawn(clips(still=True, max_objects=1, **ranges), 10):
        assert len({labels.tobytes() for labels in clip.labels}) == 3
        assert (~is_bright(clip) & (clip.labels > 0)).mean() < 0.03


def broken_at(names: set[str]) -> Blocks:
    """Blocks of which some videos have frames that cannot be decoded."""

    class Broken(Blocks):
        def __getitem__(self, index: int) -> Video:
            video = super().__getitem__(index)

            def fail(_: int) -> np.ndarray:
                raise BrokenImage(f"broken image file {video.name}.jpg")

            return replace(video, read_frame=fail) if video.name in names else video

    return Broken()


def test_a_broken_image_is_passed_over_and_named() -> None:
    source = VideoClips(broken_at({"video0"}), size=(32, 32))
    assert {clip.name for clip in drawn(source, 12)} == {"video1", "video2"}
    assert set(source.broken.drain()) == {"broken image file video0.jpg"} and source.broken.drain() == ()


def test_a_broken_image_ends_a_strict_source_and_many_end_any() -> None:
    with pytest.raises(BrokenImage, match=r"video0\.jpg"):
        drawn(VideoClips(broken_at({"video0"}), size=(32, 32), broken=BrokenImages(strict=True)), 12)
    everything = broken_at({f"video{index}" for index in range(3)})
    with pytest.raises(BrokenImage, match="20 broken images in a row, the last one: broken image file"):
        drawn(VideoClips(everything, size=(32, 32)), 1)


def test_a_dataset_without_videos_is_refused() -> None:
    with pytest.raises(ValueError, match="blocks: there is no video"):
        VideoClips(Blocks(shown=()))


def test_the_cache_drops_the_longest_unused_frames_at_its_limit() -> None:
    video, cache = Blocks()[0], FrameCache(max_bytes=4 * 90 * 120 * 4)
    for index in range(10):
        cache.read(video, index)
    assert len(cache) == 4 and cache.held <= cache.max_bytes
    first = cache.read(video, 6)[0]
    cache.read(video, 10)
    assert cache.read(video, 6)[0] is first


def test_large_frames_are_kept_small() -> None:
    frame, labels = FrameCache(short_side=45).read(Blocks()[0], 0)
    assert frame.shape == (45, 60, 3) and labels.shape == (45, 60) and set(np.unique(labels)) == {0, 1, 2, 3}


def test_videos_that_give_no_clip_are_passed_over_and_none_at_all_is_an_error() -> None:
    some = VideoClips(Blocks(shown=((), (1,))), size=(32, 32), max_objects=1)
    assert {clip.name for clip in drawn(some, 10)} == {"video1"}
    with pytest.raises(ValueError, match="in 20 draws no video had 3 annotated frames and an object"):
        drawn(VideoClips(Blocks(shown=((),)), size=(32, 32)), 1)
    with pytest.raises(ValueError, match="in 20 draws no video had 25 annotated frames"):
        drawn(VideoClips(Blocks(), size=(32, 32), length=25), 1)
    with pytest.raises(ValueError, match="needs max_objects of 2 or more, not 1"):
        VideoClips(Blocks(), max_objects=1, pasted="object")


def test_clips_of_real_video_show_their_objects(shared_data: Path) -> None:
    root = shared_data / "DAVIS-240p"
    train = DavisConfig(root=root, year=2016, split="train", resolution="240p").open()
    source = VideoClips(train, pasted="object", augment=AugmentConfig(paste_probability=1.0))
    found = [source.sample(np.random.default_rng((1, number)), 1.0) for number in range(20)]
    assert all(clip.objects in (1, 2) for clip in found) and len({clip.name for clip in found}) > 8
    assert all((clip.labels[0] == i).mean() >= 0.0018 for clip in found for i in range(1, clip.objects + 1))
