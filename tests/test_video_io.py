from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from qpm import video_io


def moving_ramp(count: int, size: tuple[int, int] = (48, 64)) -> list[np.ndarray]:
    """Smooth frames that differ from each other by much more than the codec's error."""
    y, x = np.mgrid[: size[0], : size[1]]
    return [
        np.stack([y * 3, x * 2, np.full_like(x, 4 * k)], axis=2).astype(np.uint8)
        for k in range(count)
    ]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("video") / "ramp.mp4"
    video_io.write_video(path, moving_ramp(60))
    return path


def error(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(a.astype(int) - b).mean())


def test_frames_come_back_by_number_in_any_order(clip: Path) -> None:
    video, truth = video_io.open_clip(clip), moving_ramp(60)
    assert len(video) == 60 and video.size == (48, 64) and video.rate == 24
    for index in [0, 1, 2, 40, 41, 3, 59, 58, 57, 0, 30, 30]:
        frame = video.read_frame(index)
        nearest = min(range(60), key=lambda k: error(frame, truth[k]))
        assert nearest == index
        assert error(frame, truth[index]) < 4


def test_a_jump_far_ahead_gives_the_frame_that_reading_through_gives(tmp_path: Path) -> None:
    path = tmp_path / "long.mp4"
    video_io.write_video(path, (np.full((16, 16, 3), k % 250, np.uint8) for k in range(400)))
    jumped, through = video_io.open_clip(path), video_io.open_clip(path)
    frames = [through.read_frame(k) for k in range(400)]
    for index in (390, 120, 399, 5):
        assert (jumped.read_frame(index) == frames[index]).all()


def test_few_frames_are_held_however_long_the_video(clip: Path) -> None:
    video = video_io.open_clip(clip)
    for index in range(60):
        video.read_frame(index)
        assert len(video._held) <= video_io.HELD


def test_what_the_caller_does_to_a_frame_does_not_stay(clip: Path) -> None:
    video = video_io.open_clip(clip)
    before = video.read_frame(7)
    video.read_frame(7)[:] = 0
    assert (video.read_frame(7) == before).all()


def test_odd_sides_become_even_by_repeating_the_rim(tmp_path: Path) -> None:
    frames = moving_ramp(3, (47, 63))
    video_io.write_video(tmp_path / "odd.mp4", frames)
    video = video_io.open_clip(tmp_path / "odd.mp4")
    assert video.size == (48, 64)
    assert error(video.read_frame(2)[:47, :63], frames[2]) < 4


def test_the_file_is_h264_in_yuv420p(clip: Path) -> None:
    with av.open(str(clip)) as container:
        context = container.streams.video[0].codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")


def test_an_interrupted_write_leaves_no_file(tmp_path: Path) -> None:
    def broken() -> Iterator[np.ndarray]:
        yield from moving_ramp(3)
        raise RuntimeError("the loop stopped")

    with pytest.raises(RuntimeError, match="the loop stopped"):
        video_io.write_video(tmp_path / "a.mp4", broken())
    assert list(tmp_path.iterdir()) == []


def test_frames_of_two_sizes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"frame \(32, 32, 3\) after frames of \(48, 64, 3\)"):
        video_io.write_video(tmp_path / "a.mp4", [*moving_ramp(2), *moving_ramp(1, (32, 32))])
    with pytest.raises(ValueError, match="no frames"):
        video_io.write_video(tmp_path / "a.mp4", [])


def test_what_is_no_video_is_refused_by_name(tmp_path: Path, clip: Path) -> None:
    (tmp_path / "a.mp4").write_text("not a video")
    with pytest.raises(ValueError, match=r"a\.mp4 is not a video"):
        video_io.open_clip(tmp_path / "a.mp4")
    with pytest.raises(FileNotFoundError, match="no video file"):
        video_io.open_clip(tmp_path / "b.mp4")
    with pytest.raises(IndexError, match="frame 60 of 60"):
        video_io.open_clip(clip).read_frame(60)
