"""What a dataset hands to the loop: videos whose frames and masks are read when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np

DAVIS2017 = "davis2017"  # the first and the last frame of a video are not scored
YOUTUBE_VOS = "youtube-vos"  # each object's own first frame is not scored, the last frame is


@dataclass(frozen=True)
class Video:
    """One video with the masks that are given and, where it is known, the truth.

    Parameters
    ----------
    frame_names : tuple of str
        File stems in natural order (2 before 10), one per frame.
    size : (int, int)
        Native height and width; every frame and every label map has it.
    object_ids : tuple of int
        Ascending, non-zero; the values in the label maps.
    first_frames : mapping
        Object id -> index of the frame in which its mask is given.
    read_frame : callable
        Frame index -> uint8 (H, W, 3), RGB.
    read_labels : callable
        Frame index -> the truth, uint8 (H, W), or None where there is none.
    categories, seen : mapping
        Object id -> its category, and whether that category occurs in training. A missing id is unknown.
    attributes : tuple of str
        Challenges of the video, such as DAVIS' "OCC".
    truth_frames : tuple of int, optional
        Indices of the frames that have truth; None means every frame.
    read_given : callable, optional
        Frame index -> labels of the objects first given there, where the given masks are no truth for
        the objects that came before (YouTube-VOS valid). None: the given masks are part of the truth.
    """

    dataset: str
    name: str
    frame_names: tuple[str, ...]
    size: tuple[int, int]
    object_ids: tuple[int, ...]
    first_frames: Mapping[int, int]
    read_frame: Callable[[int], np.ndarray]
    read_labels: Callable[[int], np.ndarray | None]
    categories: Mapping[int, str] = field(default_factory=dict)
    seen: Mapping[int, bool] = field(default_factory=dict)
    attributes: tuple[str, ...] = ()
    truth_frames: tuple[int, ...] | None = None
    read_given: Callable[[int], np.ndarray | None] | None = None

    def __len__(self) -> int:
        return len(self.frame_names)

    def given(self, index: int) -> np.ndarray | None:
        """Labels of the objects first given in this frame, uint8 (H, W), others 0; None if there are none."""
        new = [object_id for object_id in self.object_ids if self.first_frames[object_id] == index]
        if not new:
            return None
        labels = (self.read_given or self.read_labels)(index)
        if labels is None:
            frame = self.frame_names[index]
            raise ValueError(f"{self.dataset}: {self.name}: no mask in frame {frame} for objects {new}")
        return np.where(np.isin(labels, new), labels, 0).astype(np.uint8)

    def has_truth(self, index: int) -> bool:
        """Whether the truth of this frame is known, without reading it."""
        return self.truth_frames is None or index in self.truth_frames


@runtime_checkable
class Dataset(Protocol):
    """An opened dataset: a sequence of videos and the protocol that says which frames count."""

    @property
    def name(self) -> str: ...

    @property
    def protocol(self) -> str: ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Video: ...

    def names(self) -> list[str]: ...

    def fingerprint(self) -> str: ...
