"""Training clips: a few frames of a video, cropped and recoloured, their objects renumbered 1..K.

A clip is a pure function of (source, generator, progress), so clip number i of a run is the same whether the
run was interrupted or not: `draw_batch` seeds one generator per clip.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
import torch
from torch import Tensor

from qpm.datasets.augment import (
    compose,
    crop_warp,
    random_box,
    random_colour,
    small_affine,
    warp_frame,
    warp_labels,
)
from qpm.datasets.clip import Clip, large_ids, renumbered, shuffled
from qpm.datasets.frame_cache import FrameCache, Pair
from qpm.datasets.pasting import hide_object, paste
from qpm.datasets.sampling import annotated, box_around, choose_box, choose_frames, largest_gap
from qpm.datasets.video import Dataset

ATTEMPTS = 20  # clips drawn before the data is said to show no object


class ClipSource(Protocol):
    """Anything that draws clips. `progress` runs from 0 to 1 over the training."""

    def sample(self, rng: np.random.Generator, progress: float) -> Clip: ...


@dataclass
class VideoClips:
    """Clips from the annotated frames of a dataset.

    Parameters
    ----------
    dataset : Dataset
        Videos are opened as they are drawn; those with fewer than `length` annotated frames are passed over.
    size, length, max_objects : int
        Side in pixels, frames per clip, and most objects per clip.
    gap : (int, int)
        Largest distance between neighbouring frames of a clip, at the start and from half of the training on.
    crop, aspect : (float, float), float
        Share of the frame's area that is shown, and up to which width / height (or height / width).
    pasted : "distractor", "object" or None
        Paste something that moves in another video of the dataset: without a label (to learn what is not the
        target) or as one more object, for which `max_objects` leaves room.
    paste_probability, occlusion : float
        Share of the clips in which something is pasted, and in which a textured patch hides one object in one
        frame after the first.
    cache : FrameCache
        Give several sources over the same videos the same one.
    """

    dataset: Dataset
    size: int = 192
    length: int = 3
    max_objects: int = 2
    gap: tuple[int, int] = (1, 8)
    crop: tuple[float, float] = (0.36, 1.0)
    aspect: float = 1.7
    pasted: Literal["distractor", "object"] | None = None
    paste_probability: float = 0.8
    occlusion: float = 0.15
    cache: FrameCache = field(default_factory=FrameCache)

    def __post_init__(self) -> None:
        if self.pasted == "object" and self.max_objects < 2:
            raise ValueError(f"pasted='object' needs max_objects of 2 or more, not {self.max_objects}")

    def sample(self, rng: np.random.Generator, progress: float) -> Clip:
        """One clip with at least one object in its first frame."""
        adds = self.pasted if rng.random() < self.paste_probability else None
        clip = self.plain(rng, progress, self.max_objects - (adds == "object"))
        if adds is not None:
            clip = paste(clip, self.cut_out(rng, progress, clip.name), rng, labelled=adds == "object")
        if rng.random() < self.occlusion:
            clip = hide_object(clip, self.texture(rng), rng)
        return shuffled(clip, rng)

    def plain(self, rng: np.random.Generator, progress: float, max_objects: int) -> Clip:
        """A clip with nothing added."""
        for _ in range(ATTEMPTS):
            name, pairs, target = self.draw(rng, progress)
            box = choose_box(rng, pairs[0][1] == target, self.crop, self.aspect)
            frames, labels = self.render(rng, pairs, crop_warp(box, self.size, flip=rng.random() < 0.5))
            visible = large_ids(labels[0], share=0.003)
            if len(visible):
                return Clip(frames, renumbered(labels, rng.permutation(visible)[:max_objects]), name)
        raise ValueError(
            f"{self.dataset.name}: {ATTEMPTS} crops in a row show no object in their first frame"
        )

    def cut_out(self, rng: np.random.Generator, progress: float, avoid: str) -> Clip:
        """A clip that shows one object as large as it goes, from a video of another name if there is one."""
        for _ in range(ATTEMPTS):
            name, pairs, target = self.draw(rng, progress)
            if name != avoid or len(self.dataset) == 1:
                break
        box = box_around(np.stack([truth == target for _, truth in pairs]), margin=0.15)
        frames, labels = self.render(rng, pairs, crop_warp(box, self.size, flip=rng.random() < 0.5))
        return Clip(frames, renumbered(labels, np.array([target])), name)

    def draw(self, rng: np.random.Generator, progress: float) -> tuple[str, list[Pair], int]:
        """A video's name, frames of it with truth, and an object that is large enough in the first of them."""
        for _ in range(ATTEMPTS):
            video = self.dataset[int(rng.integers(len(self.dataset)))]
            frames = annotated(video)
            if len(frames) < self.length:
                continue
            chosen = choose_frames(rng, frames, self.length, largest_gap(self.gap, progress))
            pairs = [self.cache.read(video, i) for i in chosen]
            ids = large_ids(pairs[0][1], share=0.001)
            if len(ids):
                return video.name, pairs, int(rng.choice(ids))
        raise ValueError(
            f"{self.dataset.name}: in {ATTEMPTS} draws no video had {self.length} annotated frames "
            "and an object in the first of them"
        )

    def render(
        self, rng: np.random.Generator, pairs: Sequence[Pair], warp: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Frames (T, H, W, 3), labels (T, H, W): a shared warp and colour, and small ones of each frame's own."""
        colour = random_colour(rng, brightness=0.15, contrast=0.15, saturation=0.15, hue=0.03, grey=0.05)
        frames, labels = [], []
        for frame, truth in pairs:
            own = compose(warp, small_affine(rng, self.size, rotation=10, shear=5, scale=0.1))
            recolour = colour.then(random_colour(rng, brightness=0.03, contrast=0.03, saturation=0.03))
            frames.append(recolour(warp_frame(frame, own, self.size)))
            labels.append(warp_labels(truth, own, self.size))
        return np.stack(frames), np.stack(labels)

    def texture(self, rng: np.random.Generator) -> np.ndarray:
        """A piece of some frame, enlarged: uint8 (size, size, 3)."""
        video = self.dataset[int(rng.integers(len(self.dataset)))]
        frame, _ = self.cache.read(video, int(rng.choice(annotated(video))))
        box = random_box(rng, (frame.shape[0], frame.shape[1]), (0.05, 0.4), 1.5)
        return warp_frame(frame, crop_warp(box, self.size), self.size)


@dataclass
class MixedClips:
    """Clips from several sources, each with a probability in proportion to its weight."""

    sources: Sequence[ClipSource]
    weights: Sequence[float]

    def __post_init__(self) -> None:
        if len(self.sources) != len(self.weights) or not self.sources or min(self.weights) <= 0:
            raise ValueError(
                f"{len(self.sources)} sources need as many positive weights, not {list(self.weights)}"
            )

    def sample(self, rng: np.random.Generator, progress: float) -> Clip:
        """A clip of a source drawn by weight."""
        share = np.asarray(self.weights, dtype=float)
        return self.sources[int(rng.choice(len(self.sources), p=share / share.sum()))].sample(rng, progress)


def collate(clips: Sequence[Clip]) -> tuple[Tensor, Tensor]:
    """Frames uint8 (B, T, H, W, 3) and labels uint8 (B, T, H, W)."""
    frames = torch.from_numpy(np.stack([clip.frames for clip in clips]))
    return frames, torch.from_numpy(np.stack([clip.labels for clip in clips]))


def draw_batch(
    source: ClipSource, seed: int, iteration: int, batch: int, progress: float
) -> tuple[Tensor, Tensor]:
    """The batch of one iteration: clip b is drawn with the generator of (seed, iteration * batch + b)."""
    numbers = range(iteration * batch, (iteration + 1) * batch)
    return collate([source.sample(np.random.default_rng((seed, number)), progress) for number in numbers])


@dataclass(frozen=True)
class ClipStream:
    """The batches of a run in order; `batches(start)` goes on exactly as if the run had begun at 0."""

    source: ClipSource
    batch: int
    seed: int
    progress: Callable[[int], float]  # iteration -> 0..1

    def __getitem__(self, iteration: int) -> tuple[Tensor, Tensor]:
        return draw_batch(self.source, self.seed, iteration, self.batch, self.progress(iteration))

    def batches(self, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches from iteration `start` on, without end."""
        iteration = start
        while True:
            yield self[iteration]
            iteration += 1
