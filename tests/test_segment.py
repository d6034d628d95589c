"""What `qpm segment` writes beside the loop: masks with the given ids, scores, probabilities."""

import csv
from dataclasses import dataclass, field

import numpy as np
import pytest
from PIL import Image

from qpm import images, video_io
from qpm.memory import MemoryPolicy
from qpm.segment import Course, frame_rate, open_video, save, vanishing


@dataclass
class Result:
    """As much of a frame's result as is written."""

    index: int
    labels: np.ndarray
    object_ids: tuple[int, ...] = (2, 7)
    signals: dict = field(
        default_factory=lambda: {"score_raw": (0.8, float("nan")), "score": (1.0, float("nan"))}
    )
    memorized: tuple[str, ...] = ()
    prior_frame: int | None = None
    bank_frames: int = 1
    bank_bytes: int = 0

    @property
    def name(self) -> str:
        return f"{self.index:05d}"


@pytest.fixture
def frames(tmp_path):
    """A folder of three grey frames of 6 x 8 pixels, and a mask with the ids 2 and 7."""
    folder = tmp_path / "clip"
    folder.mkdir()
    for index in range(3):
        Image.new("RGB", (8, 6), (index * 20,) * 3).save(folder / f"{index:05d}.jpg")
    images.write_labels(tmp_path / "first.png", first_mask())
    return folder


def first_mask() -> np.ndarray:
    labels = np.zeros((6, 8), dtype=np.uint8)
    labels[1:3, 1:3], labels[4:, 5:] = 2, 7
    return labels


def test_a_folder_of_frames_is_a_video_whose_first_mask_is_given(frames, tmp_path):
    video = open_video(frames, tmp_path / "first.png")
    assert (len(video), video.size, video.object_ids) == (3, (6, 8), (2, 7))
    assert np.array_equal(video.given(0), first_mask())
    assert video.given(1) is None
    assert video.read_frame(2).max() in range(35, 46)  # grey 40, through JPEG


def test_a_mask_of_another_size_is_refused_with_both_sizes(frames, tmp_path):
    images.write_labels(tmp_path / "small.png", np.ones((3, 4), dtype=np.uint8))
    with pytest.raises(ValueError, match=r"\(3, 4\).*\(6, 8\)"):
        open_video(frames, tmp_path / "small.png")


def test_a_mask_without_objects_is_refused(frames, tmp_path):
    images.write_labels(tmp_path / "empty.png", np.zeros((6, 8), dtype=np.uint8))
    with pytest.raises(ValueError, match="no mask holds an object"):
        open_video(frames, tmp_path / "empty.png")


def test_a_folder_of_masks_lets_an_object_enter_late(frames, tmp_path):
    late = np.where(first_mask() == 7, 7, 0)
    (tmp_path / "given").mkdir()
    images.write_labels(tmp_path / "given" / "00000.png", first_mask() - late)
    images.write_labels(tmp_path / "given" / "00002.png", late)
    assert dict(open_video(frames, tmp_path / "given").first_frames) == {2: 0, 7: 2}


def test_a_video_file_is_read_like_a_folder(frames, tmp_path):
    pictures = (images.read_frame(path) for path in sorted(frames.iterdir()))
    video_io.write_video(tmp_path / "clip.mp4", pictures, rate=10)
    video = open_video(tmp_path / "clip.mp4", tmp_path / "first.png")
    assert (len(video), video.size, video.object_ids) == (3, (6, 8), (2, 7))
    assert np.array_equal(video.given(0), first_mask())
    assert (frame_rate(tmp_path / "clip.mp4"), frame_rate(frames)) == (10, 24)


def test_a_mask_that_does_not_fit_a_video_file_is_refused(frames, tmp_path):
    video_io.write_video(tmp_path / "clip.mp4", [np.zeros((6, 8, 3), dtype=np.uint8)])
    images.write_labels(tmp_path / "small.png", np.ones((3, 4), dtype=np.uint8))
    images.write_labels(tmp_path / "empty.png", np.zeros((6, 8), dtype=np.uint8))
    with pytest.raises(ValueError, match=r"\(3, 4\).*\(6, 8\)"):
        open_video(tmp_path / "clip.mp4", tmp_path / "small.png")
    with pytest.raises(ValueError, match="no mask holds an object"):
        open_video(tmp_path / "clip.mp4", tmp_path / "empty.png")


def test_a_folder_without_frames_says_what_it_should_hold(tmp_path):
    with pytest.raises(FileNotFoundError, match="no frames"):
        open_video(tmp_path, tmp_path / "first.png")


def test_a_video_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.mp4"):
        open_video(tmp_path / "nowhere.mp4", tmp_path / "first.png")


def test_masks_keep_the_given_ids(tmp_path):
    list(save([Result(0, first_mask())], tmp_path / "out"))
    assert np.array_equal(images.read_labels(tmp_path / "out" / "00000.png"), first_mask())


def test_scores_have_a_line_per_object_and_an_empty_cell_where_there_is_no_score(tmp_path):
    results = [
        Result(0, first_mask(), memorized=("annotated",)),
        Result(1, first_mask(), prior_frame=0, bank_frames=2),
    ]
    list(save(results, tmp_path))
    with (tmp_path / "scores.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [(line["frame"], line["object_id"]) for line in lines] == [
        (f, o) for f in ("00000", "00001") for o in "27"
    ]
    assert [line["score_raw"] for line in lines] == ["0.800000", "", "0.800000", ""]
    assert [line["memorized"] for line in lines] == ["annotated", "annotated", "", ""]
    assert [line["prior_frame"] for line in lines] == ["", "", "0", "0"]


def test_files_of_a_frame_are_there_when_the_frame_is_handed_on(tmp_path):
    passing = save((Result(index, first_mask()) for index in range(3)), tmp_path)
    next(passing)
    assert sorted(p.name for p in tmp_path.glob("*.png")) == ["00000.png"]
    assert len((tmp_path / "scores.csv").read_text().splitlines()) == 3


def test_probabilities_are_stored_with_their_ids_background_first(tmp_path):
    torch = pytest.importorskip("torch")
    result = Result(0, first_mask())
    result.probabilities = torch.softmax(
        torch.randn(3, 6, 8, generator=torch.Generator().manual_seed(0)), dim=0
    )
    list(save([result], tmp_path, probabilities=True))
    stored = np.load(tmp_path / "probabilities" / "00000.npz")
    assert stored["object_ids"].tolist() == [2, 7]
    assert stored["probabilities"].dtype == np.float32
    np.testing.assert_array_equal(stored["probabilities"], result.probabilities.numpy())


@pytest.fixture
def later(tmp_path):
    """Masks of objects that enter one after the other: 2 in a.png, 7 in b.png, both in both.png."""
    for name, ids in (("a", (2,)), ("b", (7,)), ("both", (2, 7))):
        images.write_labels(tmp_path / f"{name}.png", np.where(np.isin(first_mask(), ids), first_mask(), 0))
    return tmp_path


def test_masks_may_be_given_at_several_frames_by_name_or_by_number(frames, later):
    for second in ("00002", "2"):
        video = open_video(frames, [f"00000={later / 'a.png'}", f"{second}={later / 'b.png'}"])
        assert dict(video.first_frames) == {2: 0, 7: 2}


def test_an_object_is_taken_from_the_first_mask_that_holds_it_and_that_is_told(frames, later, caplog):
    with caplog.at_level("INFO"):
        video = open_video(frames, [str(later / "a.png"), f"00001={later / 'both.png'}"])
    assert dict(video.first_frames) == {2: 0, 7: 1}
    assert set(np.unique(video.given(1))) == {0, 7}
    assert "objects [2] are given before, so only [7] are taken from it" in caplog.text


@pytest.mark.parametrize(
    ("items", "told"),
    [
        (("a.png", "1=a.png"), r"a.png brings no new object: \[2\] are given before"),
        (("a.png", "b.png"), "frame 00000 has two masks"),
        (("9=a.png",), "unknown frame of a mask '9'; known: 00000, 00001, 00002"),
    ],
)
def test_masks_that_cannot_be_placed_are_refused(frames, later, items, told):
    placed = ["=".join([*item.split("=")[:-1], str(later / item.split("=")[-1])]) for item in items]
    with pytest.raises(ValueError, match=told):
        open_video(frames, placed)


def test_a_mask_that_is_not_there_is_named(frames, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no mask .*nowhere\.png"):
        open_video(frames, [f"0={tmp_path / 'nowhere.png'}"])


def test_an_object_that_vanishes_at_the_network_s_size_is_told(tmp_path):
    labels = np.zeros((200, 200), np.uint8)
    labels[50:100, 50:100], labels[150, 150] = 1, 2
    Image.new("RGB", (200, 200)).save(tmp_path / "00000.jpg")
    (tmp_path / "masks").mkdir()
    images.write_labels(tmp_path / "masks" / "00000.png", labels)
    video = open_video(tmp_path, tmp_path / "masks")
    assert vanishing(video, None) == []
    assert vanishing(video, 48) == ["object 2 (1 px) vanishes at 48 px; raise --max-side"]


def test_the_memory_s_growth_and_lost_objects_are_told():
    course, gone = Course(), np.where(first_mask() == 7, 0, first_mask())
    results = [
        Result(index, first_mask() if index < 4 else gone, bank_frames=1 + index // 2, bank_bytes=10**6 * index)
        for index in range(8)
    ]
    assert list(course.watch(results)) == results
    assert course.growth(MemoryPolicy.model_validate("qpm"), most=2) == [
        "memory read: 1 frame (0.0 MB) at 00000, 4 frames (6.0 MB) at 00006; "
        "it grows with the video: a capacity in the policy bounds it"
    ]
    assert "grows" not in course.growth(MemoryPolicy.model_validate("qdmn"))[0]
    assert course.lost() == ["object 7: no pixel from frame 00004 to the end"]


def test_an_object_that_comes_back_is_not_lost():
    course = Course()
    for index, shown in enumerate((True, False, True)):
        course.add(Result(index, first_mask() * shown))
    assert course.lost() == []
