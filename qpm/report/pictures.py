"""Pictures of frames for figures: with the masks of a case laid over, or with the errors of a mask marked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from qpm.datasets import AnyDataset
from qpm.datasets.video import Dataset, Video
from qpm.images import outline, overlay, read_labels
from qpm.report.load import NotMeasuredError, Results

FALSE_POSITIVE, FALSE_NEGATIVE = (230, 80, 0), (0, 60, 210)  # apart in grey too: light and striped, dark and plain
Picture = Callable[[str, int, str], np.ndarray]  # (sequence, frame index, frame) -> uint8 (H, W, 3)


@dataclass(frozen=True)
class Frames:
    """The frames and the truth of a case's dataset."""

    dataset: Dataset
    opened: dict[str, Video] = field(default_factory=dict, repr=False)

    def video(self, sequence: str) -> Video:
        """Return a video by its name, opened once."""
        if sequence not in self.opened:
            self.opened[sequence] = self.dataset[self.dataset.names().index(sequence)]
        return self.opened[sequence]


def frames_of(results: Results, case: str) -> Frames:
    """Open the dataset of a case; a missing one is an error that says where it looked."""
    config: Any = TypeAdapter(AnyDataset).validate_python(results.config(case)["dataset"])
    return Frames(config.open())


def saved(results: Results, case: str) -> dict[str, Path]:
    """Return the folder of a case's saved masks for each video that has any.

    Raises
    ------
    NotMeasuredError
        If no masks of the case were saved.
    """
    masks = results.masks(case)
    folders = sorted(masks.iterdir()) if masks is not None else []
    found = {folder.name: folder for folder in folders if folder.is_dir()}
    if not found:
        raise NotMeasuredError(
            f"no masks of case '{case}' were saved; name videos under save_masks in the study"
        )
    return found


def overlaid(frames: Frames, masks: dict[str, Path]) -> Picture:
    """Return the function that lays a saved mask over its frame; a frame without one is shown as it is."""

    def picture(sequence: str, frame_index: int, frame: str) -> np.ndarray:
        image = frames.video(sequence).read_frame(frame_index)
        mask = masks.get(sequence, Path()) / f"{frame}.png"
        return overlay(image, read_labels(mask), 0.55, rim(image)) if mask.is_file() else image

    return picture


def with_mask_and_truth(frames: Frames, masks: dict[str, Path]) -> Picture:
    """Return the function that shows a frame with its saved mask standing out and the truth outlined."""

    def picture(sequence: str, frame_index: int, frame: str) -> np.ndarray:
        video = frames.video(sequence)
        truth = video.read_labels(frame_index)
        labels = read_labels(masks[sequence] / f"{frame}.png")
        return stand_out(video.read_frame(frame_index), labels, np.zeros_like(labels) if truth is None else truth)

    return picture


def with_errors(frames: Frames, masks: dict[str, Path]) -> Picture:
    """Return the function that shows a frame with the errors of its saved mask marked."""

    def picture(sequence: str, frame_index: int, frame: str) -> np.ndarray:
        video = frames.video(sequence)
        truth = video.read_labels(frame_index)
        labels = read_labels(masks[sequence] / f"{frame}.png")
        return mark_errors(video.read_frame(frame_index), labels, labels if truth is None else truth)

    return picture


def with_truth(frames: Frames) -> Picture:
    """Return the function that shows a frame with its true mask."""

    def picture(sequence: str, frame_index: int, frame: str) -> np.ndarray:
        video = frames.video(sequence)
        truth = video.read_labels(frame_index)
        image = video.read_frame(frame_index)
        return mark_errors(image, truth, truth) if truth is not None else image

    return picture


def mark_errors(frame: np.ndarray, labels: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the frame in pale grey, in colour inside a right mask, striped where it is wrong, filled where it lacks.

    Parameters
    ----------
    frame : uint8 (H, W, 3)
    labels, truth : integer (H, W)
        A pixel of one object that is given to another is a false positive.

    Returns
    -------
    ndarray, uint8 (H, W, 3)
        False positives in `FALSE_POSITIVE` with white stripes, false negatives in `FALSE_NEGATIVE`, the right part of
        the mask with a white outline.
    """
    grey = frame.mean(axis=2, keepdims=True) * 0.45 + 255 * 0.45
    marked = np.where((labels == truth)[..., None] & (labels > 0)[..., None], frame, grey)
    height, width = labels.shape
    across = (np.arange(height)[:, None] + np.arange(width)) // max(2, width // 70)
    wrong, lacking = (labels > 0) & (labels != truth), (labels == 0) & (truth > 0)
    marked[wrong] = FALSE_POSITIVE
    marked[wrong & (across % 3 == 0)] = 255
    marked[lacking] = FALSE_NEGATIVE
    marked[outline(labels, rim(frame)) & ~wrong] = 255  # a few wrong pixels would be all outline
    return marked.round().astype(np.uint8)


def stand_out(frame: np.ndarray, labels: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the frame in dark grey, tinted inside the mask, with a thin white outline of the truth."""
    grey = np.repeat(frame.mean(axis=2, keepdims=True) * 0.45 + 35, 3, axis=2).astype(np.uint8)
    mixed = overlay(np.where((labels > 0)[..., None], frame, grey), labels, 0.6, 0)
    mixed[outline(truth, rim(frame))] = 255
    return mixed


def rim(frame: np.ndarray) -> int:
    """Return how wide an outline must be, in pixels, to be seen on a frame that is printed small."""
    return max(1, round(frame.shape[1] / 280))
