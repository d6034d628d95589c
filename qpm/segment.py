"""Segment a video of one's own: masks, scores, probabilities and an overlay clip, written while the loop runs."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qpm import images, video_io
from qpm.datasets.layout import FRAME_SUFFIXES, image_files
from qpm.datasets.video import Video
from qpm.files import write_atomic

if TYPE_CHECKING:  # the readers of this module's results need no torch
    from qpm.inference.propagate import FrameResult

SCORE_COLUMNS = ("frame", "object_id", "score_raw", "score", "memorized", "prior_frame", "bank_frames")
FOLDER_RATE = 24.0  # of an overlay over frames that carry no times


def open_video(source: Path, mask: Path) -> Video:
    """The video in a folder of frames or a video file, with the mask of its first frame.

    Raises
    ------
    FileNotFoundError, ValueError
        If there are no frames, or the mask holds no object or has another size than the frames.
    """
    name, size, read_frame = _folder(source) if source.is_dir() else _file(source)
    labels = images.read_labels(mask)
    if labels.shape != size:
        raise ValueError(f"mask {mask} is {labels.shape}, the frames are {size} (height, width)")
    ids = tuple(int(i) for i in np.unique(labels) if i)
    if not ids:
        raise ValueError(f"mask {mask} holds no object: every pixel is 0")
    return Video(
        "own",
        source.stem,
        name,
        size,
        ids,
        dict.fromkeys(ids, 0),
        read_frame,
        {0: labels}.get,
        truth_frames=(0,),
    )


Opened = tuple[tuple[str, ...], tuple[int, int], Callable[[int], np.ndarray]]


def _folder(source: Path) -> Opened:
    files = list(image_files(source).values())
    if not files:
        raise FileNotFoundError(
            f"no frames in {source}: expected files named {', '.join('*' + s for s in FRAME_SUFFIXES)}"
        )
    return (
        tuple(f.stem for f in files),
        images.image_size(files[0]),
        lambda index: images.read_frame(files[index]),
    )


def _file(source: Path) -> Opened:
    if not source.exists():
        raise FileNotFoundError(f"no video {source}: expected a folder of frames or a video file")
    clip = video_io.open_clip(source)
    return clip.frame_names, clip.size, clip.read_frame


def frame_rate(source: Path) -> float:
    """Frames a second of a video file; `FOLDER_RATE` for a folder of frames."""
    if source.is_dir():
        return FOLDER_RATE
    with video_io.open_container(source) as container:
        return float(container.streams.video[0].average_rate or FOLDER_RATE)


def save(results: Iterable[FrameResult], folder: Path, probabilities: bool = False) -> Iterator[FrameResult]:
    """Write each frame's files as it passes through.

    Parameters
    ----------
    results : iterable of FrameResult
        From `propagate`; with `probabilities` it must keep them.
    folder : Path
        Gets ``<frame>.png`` (palette, the video's size, the given ids) and ``scores.csv``, a line per object and frame.
    probabilities : bool
        Also write ``probabilities/<frame>.npz``: ``probabilities`` float32 (K+1, H, W), background first, and the K
        ``object_ids``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "scores.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, SCORE_COLUMNS)
        table.writeheader()
        for result in results:
            write_atomic(folder / f"{result.name}.png", partial(images.write_labels, labels=result.labels))
            if probabilities:
                write_atomic(
                    folder / "probabilities" / f"{result.name}.npz", partial(_write_probabilities, result)
                )
            table.writerows(score_rows(result))
            file.flush()
            yield result


def score_rows(result: FrameResult) -> Iterator[dict[str, object]]:
    """One line of `scores.csv` per object of a frame; a score that the network does not give is empty."""
    for position, object_id in enumerate(result.object_ids):
        scores = {
            name: result.signals[name][position] for name in ("score_raw", "score") if name in result.signals
        }
        yield {
            "frame": result.name,
            "object_id": object_id,
            **{name: "" if np.isnan(value) else f"{value:.6f}" for name, value in scores.items()},
            "memorized": ";".join(result.memorized),
            "prior_frame": "" if result.prior_frame is None else result.prior_frame,
            "bank_frames": result.bank_frames,
        }


def _write_probabilities(result: FrameResult, path: Path) -> None:
    probabilities = result.probabilities.float().cpu().numpy()
    np.savez_compressed(path, probabilities=probabilities, object_ids=np.array(result.object_ids))


def tinted(results: Iterable[FrameResult], video: Video) -> Iterator[np.ndarray]:
    """The frames with their objects tinted, uint8 (H, W, 3)."""
    for result in results:
        yield images.overlay(video.read_frame(result.index), result.labels)
