"""How far a shared sweep is, and how long it will take: told from the videos that this process has done."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence


class SweepClock:
    """Counts frames of videos; within a video, the share of its frames over all trials stands for its time.

    Parameters
    ----------
    frames : sequence of int
        Length of each video.
    trials : int
        How many share the sweep.
    """

    def __init__(self, frames: Sequence[int], trials: int) -> None:
        self.frames, self.trials = frames, trials
        self._finished, self._seconds = 0, 0.0  # frames of this process's videos, and what they took
        self._elsewhere, self._workers, self._place = 0, 1, 0

    def start(self, place: int, undone: Collection[int], workers: int) -> None:
        """This process begins a video; so many work on those that are not done, itself included."""
        self._began, self._place, self._workers = time.monotonic(), place, max(1, workers)
        self._elsewhere = sum(self.frames[other] for other in undone if other != place)

    def finish(self, place: int) -> None:
        """The video is done."""
        self._finished += self.frames[place]
        self._seconds += time.monotonic() - self._began

    def told(self, undone: Collection[int], place: int, share: float = 0.0) -> tuple[int, int]:
        """Frames done and in all, summed over the trials, when a share of the video is done."""
        total, rest = sum(self.frames), sum(self.frames[other] for other in undone)
        return round(self.trials * (total - rest + share * self.frames[place])), self.trials * total

    def left(self, share: float) -> float | None:
        """Seconds left at this share of the video; None before this process has done one.

        A video's first frames, which all trials share, say too little of the last.
        """
        if not self._finished:
            return None
        pace = self._seconds / self._finished
        here = max(0.0, pace * self.frames[self._place] * (1 - share))
        return here + pace * self._elsewhere / self._workers
