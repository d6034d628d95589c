"""The clip for looking at a segmented video: outlined objects, and below them score, memory and progress."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from qpm.datasets.video import Video
from qpm.images import object_colours, overlay

if TYPE_CHECKING:  # readers of a result need no torch
    from qpm.inference.frame import FrameResult
    from qpm.memory import MemoryPolicy

BAND = 8  # the band is an eighth of the frame's height,
LEAST_BAND = 48  # pixels, but at least this much, so that a small video can be read too
GROUND, TRACK, SOFT, INK, MARK = (24, 25, 28), (58, 60, 66), (172, 175, 182), (240, 240, 242), (255, 214, 31)
BESIDE = ("annotated", "previous")  # shelves of every policy; a frame on another one entered memory by decision


def annotated(results: Iterable[FrameResult], video: Video, policy: MemoryPolicy) -> Iterator[np.ndarray]:
    """The frames with their objects tinted and outlined above a band of facts, uint8 (H + band, W, 3).

    The band shows a score bar per object (a tick at the gate σm of the policy), the mean score, the frames in memory
    and whose mask was the prior; below, a mark for every memorised frame on a line that fills as the video goes on.
    """
    height, width = video.size
    band = Band(width, max(LEAST_BAND, height // BAND), len(video), gate(policy))
    rim = max(1, round(height / 240))  # two pixels at 480p
    for result in results:
        frame = overlay(video.read_frame(result.index), result.labels, alpha=0.35, outlined=rim)
        yield np.concatenate([frame, band.draw(result)])


def gate(policy: MemoryPolicy) -> float | None:
    """The score that a frame must exceed to be memorised; None if no shelf asks for one."""
    return next((value for shelf in policy.shelves if (value := getattr(shelf.keep, "sigma_m", None))), None)


@dataclass
class Band:
    """The strip below the frames: it remembers which frames were memorised.

    Attributes
    ----------
    width, height : int
        Pixels.
    frames : int
        Length of the video.
    gate : float, optional
    kept : list of int
        Indices of the frames memorised so far, the given ones among them.
    """

    width: int
    height: int
    frames: int
    gate: float | None = None
    kept: list[int] = field(default_factory=list)

    def draw(self, result: FrameResult) -> np.ndarray:
        """The strip of a frame, uint8 (height, width, 3)."""
        entered = any(shelf not in BESIDE for shelf in result.memorized)
        if entered or "annotated" in result.memorized:
            self.kept.append(result.index)
        image = Image.new("RGB", (self.width, self.height), GROUND)
        pen = ImageDraw.Draw(image)
        pad, row = self.height // 8, round(self.height * 0.6)
        used = self._scores(pen, result, (pad, pad, self.width * 0.3, row))
        self._facts(pen, result, entered, (used + 2 * pad, pad, self.width - pad, row))
        self._timeline(pen, result.index, (pad, row + pad, self.width - pad, self.height - pad))
        return np.array(image)

    def _scores(self, pen: ImageDraw.ImageDraw, result: FrameResult, box: tuple[float, ...]) -> float:
        """Draw a bar per object and their mean; gives where the text ends."""
        left, top, right, bottom = box
        scores = np.nan_to_num(np.array(result.signals.get("score", ()), dtype=float), nan=0.0)
        thick = (bottom - top) / max(1, len(scores))
        colours = object_colours(np.array(result.object_ids))
        for place, score in enumerate(scores):
            y, gap = top + place * thick, min(2.0, thick / 4)
            pen.rectangle((left, y, right, y + thick - gap), fill=TRACK)
            end = left + (right - left) * min(1.0, max(0.0, float(score)))
            pen.rectangle((left, y, end, y + thick - gap), fill=tuple(map(int, colours[place])))
        if self.gate is not None and len(scores):
            x = left + (right - left) * self.gate
            pen.line((x, top - 2, x, bottom + 1), fill=INK, width=2)
        text = f"score {scores.mean():.2f}" if len(scores) else "no score"
        return self._write(pen, text, right + self.height / 8, (top + bottom) / 2, INK, "lm")

    def _facts(
        self, pen: ImageDraw.ImageDraw, result: FrameResult, entered: bool, box: tuple[float, ...]
    ) -> None:
        """Write what the memory holds and whose mask was the prior, as much of it as there is room for."""
        left, top, right, bottom = box
        memory = f"memory {result.bank_frames}" + (" + this" if entered else "")
        prior = {None: "", result.index - 1: "prior: previous"}.get(result.prior_frame, "prior: given")
        for text in (" · ".join(filter(None, (memory, prior))), memory):
            if right - self._font().getlength(text) >= left:
                self._write(pen, text, right, (top + bottom) / 2, MARK if entered else SOFT, "rm")
                return

    def _timeline(self, pen: ImageDraw.ImageDraw, index: int, box: tuple[float, ...]) -> None:
        left, top, right, bottom = box
        middle, step = (top + bottom) / 2, (right - left) / max(1, self.frames - 1)
        pen.line((left, middle, right, middle), fill=TRACK, width=3)
        pen.line((left, middle, left + step * index, middle), fill=SOFT, width=3)
        for kept in self.kept:
            pen.line((left + step * kept, top, left + step * kept, bottom), fill=MARK, width=2)
        x = left + step * index
        pen.ellipse((x - 4, middle - 4, x + 4, middle + 4), fill=INK)

    def _write(
        self, pen: ImageDraw.ImageDraw, text: str, x: float, y: float, colour: tuple[int, int, int], anchor: str
    ) -> float:
        pen.text((x, y), text, fill=colour, font=self._font(), anchor=anchor)
        return x + self._font().getlength(text)

    def _font(self) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
        return ImageFont.load_default(self.height / 3)
