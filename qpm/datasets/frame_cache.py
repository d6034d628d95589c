"""Decoded frames kept in memory up to a number of bytes, the longest unused ones dropped first."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np

from qpm.datasets.reduce import reduced_frame, reduced_labels, reduced_size
from qpm.datasets.video import Video

Pair = tuple[np.ndarray, np.ndarray]  # frame uint8 (H, W, 3), labels uint8 (H, W)


class FrameCache:
    """Frames with their truth, reduced to a short side of at most `short_side` pixels; sources may share one.

    Parameters
    ----------
    max_bytes : int
        All of DAVIS-2016 train at 427 x 240 takes 0.85 GB.
    short_side : int
        Larger frames are averaged down (labels: nearest) before they are kept.
    """

    def __init__(self, max_bytes: int = 1_000_000_000, short_side: int = 240) -> None:
        self.max_bytes = max_bytes
        self.short_side = short_side
        self.held = 0  # bytes
        self._pairs: OrderedDict[tuple[str, str, int], Pair] = OrderedDict()

    def __len__(self) -> int:
        return len(self._pairs)

    def read(self, video: Video, index: int) -> Pair:
        """Frame and truth of a frame that has truth; never change the arrays in place."""
        key = (video.dataset, video.name, index)
        if key in self._pairs:
            self._pairs.move_to_end(key)
            return self._pairs[key]
        labels = video.read_labels(index)
        if labels is None:
            raise ValueError(f"{video.dataset}: {video.name}: frame {video.frame_names[index]} has no truth")
        pair = self._reduced(video.read_frame(index), labels)
        self._keep(key, pair)
        return pair

    def _reduced(self, frame: np.ndarray, labels: np.ndarray) -> Pair:
        size = reduced_size((labels.shape[0], labels.shape[1]), self.short_side)
        return reduced_frame(frame, size), reduced_labels(labels, size)

    def _keep(self, key: tuple[str, str, int], pair: Pair) -> None:
        self._pairs[key] = pair
        self.held += pair[0].nbytes + pair[1].nbytes
        while self.held > self.max_bytes and len(self._pairs) > 1:
            _, (frame, labels) = self._pairs.popitem(last=False)
            self.held -= frame.nbytes + labels.nbytes
