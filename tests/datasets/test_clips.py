"""Clips from small coloured videos, in which every object has a colour of its own that augmentation cannot hide."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from qpm.datasets.clip import Clip
from qpm.datasets.clips import ClipStream, MixedClips, VideoClips, collate, draw_batch
from qpm.datasets.davis import DavisConfig
from qpm.datasets.frame_cache import FrameCache
from qpm.datasets.sampling import box_around, choose_box, choose_frames, largest_gap
from qpm.datasets.video import Video

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
    return VideoClips(Blocks(), **{"size": 64, "occlusion": 0.0, **settings})  # type: ignore[arg-type]


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


def test_a_resumed_stream_goes_on_as_the_whole_one() -> None:
    stream = ClipStream(clips(), batch=2, seed=3, progress=lambda iteration: iteration / 10)
    whole = [batch for batch, _ in zip(stream.batches(), range(4), strict=False)]
    resumed = next(stream.batches(start=3))
    assert all(torch.equal(a, b) for a, b in zip(whole[3], resumed, strict=True))
    assert not torch.equal(whole[2][0], whole[3][0])
    frames, labels = draw_batch(clips(), seed=3, iteration=3, batch=2, progress=0.3)
    assert torch.equal(frames, resumed[0]) and torch.equal(labels, resumed[1])


def test_a_batch_is_uint8_with_time_after_batch() -> None:
    frames, labels = collate(drawn(clips(), 4))
    assert frames.shape == (4, 3, 64, 64, 3) and labels.shape == (4, 3, 64, 64)
    assert frames.dtype == labels.dtype == torch.uint8


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


def test_a_mixture_draws_its_sources_by_weight() -> None:
    @dataclass
    class Named:
        name: str

        def sample(self, rng: np.random.Generator, progress: float) -> Clip:
            return Clip(np.zeros((1, 1, 1, 3), np.uint8), np.ones((1, 1, 1), np.uint8), self.name)

    mixed = MixedClips([Named("a"), Named("b")], [5, 15])
    rng = np.random.default_rng(0)
    assert np.mean([mixed.sample(rng, 0.0).name == "b" for _ in range(2000)]) == pytest.approx(0.75, abs=0.03)
    with pytest.raises(ValueError, match="2 sources need as many positive weights"):
        MixedClips([Named("a"), Named("b")], [1, 0])


def test_videos_that_give_no_clip_are_passed_over_and_none_at_all_is_an_error() -> None:
    some = VideoClips(Blocks(shown=((), (1,))), size=32, max_objects=1)
    assert {clip.name for clip in drawn(some, 10)} == {"video1"}
    with pytest.raises(ValueError, match="in 20 draws no video had 3 annotated frames and an object"):
        drawn(VideoClips(Blocks(shown=((),)), size=32), 1)
    with pytest.raises(ValueError, match="in 20 draws no video had 25 annotated frames"):
        drawn(VideoClips(Blocks(), size=32, length=25), 1)
    with pytest.raises(ValueError, match="needs max_objects of 2 or more, not 1"):
        VideoClips(Blocks(), max_objects=1, pasted="object")


def test_clips_of_real_video_show_their_objects(shared_data: Path) -> None:
    root = shared_data / "DAVIS-240p"
    train = DavisConfig(root=root, year=2016, split="train", resolution="240p").open()
    source = VideoClips(train, pasted="object", paste_probability=1.0)
    found = [source.sample(np.random.default_rng((1, number)), 1.0) for number in range(20)]
    assert all(clip.objects in (1, 2) for clip in found) and len({clip.name for clip in found}) > 8
    assert all((clip.labels[0] == i).mean() >= 0.0018 for clip in found for i in range(1, clip.objects + 1))
