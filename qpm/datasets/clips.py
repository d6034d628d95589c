"""Training clips: a few frames of a video, cropped and recoloured, their objects renumbered 1..K.

A clip is a pure function of (source, generator, progress), so a resumed run draws what it would have drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np

from qpm.datasets.augment import (
    Size,
    compose,
    crop_warp,
    random_box,
    random_colour,
    small_affine,
    warp_frame,
    warp_labels,
)
from qpm.datasets.augment_ranges import AugmentConfig
from qpm.datasets.broken import BrokenImages
from qpm.datasets.clip import Clip, large_ids, renumbered, shuffled
from qpm.datasets.frame_cache import FrameCache, Pair
from qpm.datasets.growth import GrowthRule
from qpm.datasets.pasting import hide_object, paste
from qpm.datasets.sampling import annotated, box_around, choose_box, choose_frames, largest_gap
from qpm.datasets.thin_plate import bend_frame, bend_labels, random_bend
from qpm.datasets.video import Dataset, Video

ATTEMPTS = 20  # clips drawn before the data is said to show no object


class ClipSource(Protocol):
    """Anything that draws clips. `progress` runs from 0 to 1 over the training."""

    broken: BrokenImages

    def __len__(self) -> int: ...  # of videos or images

    def sample(self, rng: np.random.Generator, progress: float) -> Clip: ...


@dataclass
class VideoClips:
    """Clips from the annotated frames of a dataset, or from stills: the same image, bent anew for every frame.

    Parameters
    ----------
    dataset : Dataset
        Videos are opened as they are drawn; those with fewer than `length` annotated frames are passed over.
    size : (int, int)
        Height and width in pixels.
    length, max_objects : int
        Frames per clip, and most objects per clip.
    gap : (int, int)
        Largest distance between neighbouring frames of a clip, at the start and from half of the training on.
    gap_steps : sequence of (float, int)
        In place of `gap`: from which share of the training on which distance.
    augment : AugmentConfig
    pasted : "distractor", "object" or None
        Paste something that moves in another video of the dataset: without a label (to learn what is not the
        target) or as one more object, for which `max_objects` leaves room.
    still : bool
        Clips of one frame, repeated.
    cache : FrameCache
        Give several sources over the same videos the same one.
    broken : BrokenImages
        Where files that cannot be decoded are noted; another clip is drawn in place of theirs.
    growth : GrowthRule, optional
        Which objects count; else those that cover 0.3 % of the first frame.
    """

    dataset: Dataset
    size: Size = (192, 192)
    length: int = 3
    max_objects: int = 2
    gap: tuple[int, int] = (1, 8)
    gap_steps: Sequence[tuple[float, int]] = ()
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    pasted: Literal["distractor", "object"] | None = None
    still: bool = False
    cache: FrameCache = field(default_factory=FrameCache)
    broken: BrokenImages = field(default_factory=BrokenImages)
    growth: GrowthRule | None = None

    def __post_init__(self) -> None:
        if self.pasted == "object" and self.max_objects < 2:
            raise ValueError(f"pasted='object' needs max_objects of 2 or more, not {self.max_objects}")
        if not len(self.dataset):
            raise ValueError(f"{self.dataset.name}: there is no video to draw clips from")

    def __len__(self) -> int:
        return len(self.dataset)

    def sample(self, rng: np.random.Generator, progress: float) -> Clip:
        """One clip with at least one object in its first frame."""
        return self.broken.passing(lambda: self.compose(rng, progress))

    def compose(self, rng: np.random.Generator, progress: float) -> Clip:
        """A clip with what is pasted and hidden in it."""
        adds = self.pasted if rng.random() < self.augment.paste_probability else None
        clip = self.plain(rng, progress, self.max_objects - (adds == "object"))
        if adds is not None:
            clip = paste(clip, self.cut_out(rng, progress, clip.name), rng, labelled=adds == "object")
        if rng.random() < self.augment.occlusion:
            clip = hide_object(clip, self.texture(rng), rng)
        return shuffled(clip, rng)

    def plain(self, rng: np.random.Generator, progress: float, max_objects: int) -> Clip:
        """A clip with nothing added."""
        crop, aspect = self.augment.crop, self.augment.aspect
        for _ in range(ATTEMPTS):
            name, pairs, target = self.draw(rng, progress)
            box = choose_box(rng, pairs[0][1] == target, crop, aspect, self.shape)
            frames, labels = self.render(rng, pairs, crop_warp(box, self.size, self.mirrored(rng)))
            visible = self.growth.ids(labels) if self.growth else large_ids(labels[0], share=0.003)
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
        box = box_around(np.stack([truth == target for _, truth in pairs]), 0.15, self.shape)
        frames, labels = self.render(rng, pairs, crop_warp(box, self.size, self.mirrored(rng)))
        return Clip(frames, renumbered(labels, np.array([target])), name)

    def draw(self, rng: np.random.Generator, progress: float) -> tuple[str, list[Pair], int]:
        """A video's name, frames of it with truth, and an object that is large enough in the first of them."""
        gap = largest_gap(self.gap, progress, self.gap_steps)
        for _ in range(ATTEMPTS):
            video = self.dataset[int(rng.integers(len(self.dataset)))]
            pairs = [self.cache.read(video, i) for i in self.choose(rng, video, gap)]
            ids = large_ids(pairs[0][1], share=0.001) if pairs else np.array([], dtype=int)
            if len(ids):
                return video.name, pairs, int(rng.choice(ids))
        raise ValueError(
            f"{self.dataset.name}: in {ATTEMPTS} draws no video had {self.length} annotated frames "
            "and an object in the first of them"
        )

    def choose(self, rng: np.random.Generator, video: Video, gap: int) -> list[int]:
        """Which frames of a video a clip shows; none of a video that is too short."""
        frames = annotated(video)
        if self.still:
            return frames[:1] * self.length
        return choose_frames(rng, frames, self.length, gap) if len(frames) >= self.length else []

    def render(
        self, rng: np.random.Generator, pairs: Sequence[Pair], warp: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Frames (T, H, W, 3), labels (T, H, W): a shared warp and colour, and small ones of each frame's own."""
        a = self.augment
        colour = random_colour(rng, a.brightness, a.contrast, a.saturation, a.hue, a.grey)
        drawn = []
        for frame, truth in pairs:
            own = compose(warp, small_affine(rng, self.size, a.rotation, a.shear, a.scale, a.shift))
            recolour = colour.then(random_colour(rng, a.own_brightness, a.own_contrast, a.own_saturation))
            seen = recolour(warp_frame(frame, own, self.size)), warp_labels(truth, own, self.size)
            if a.spline and rng.random() < a.spline:
                field = random_bend(rng, self.size, a.spline_points, a.spline_offset)
                seen = bend_frame(seen[0], field), bend_labels(seen[1], field)
            drawn.append(seen)
        return np.stack([frame for frame, _ in drawn]), np.stack([labels for _, labels in drawn])

    def texture(self, rng: np.random.Generator) -> np.ndarray:
        """A piece of some frame, enlarged: uint8 of the clip's size."""
        video = self.dataset[int(rng.integers(len(self.dataset)))]
        frame, _ = self.cache.read(video, int(rng.choice(annotated(video))))
        box = random_box(rng, (frame.shape[0], frame.shape[1]), (0.05, 0.4), 1.5, self.shape)
        return warp_frame(frame, crop_warp(box, self.size), self.size)

    @property
    def shape(self) -> float:
        """Width / height of the clips."""
        return self.size[1] / self.size[0]

    def mirrored(self, rng: np.random.Generator) -> bool:
        """Whether this clip is seen in a mirror."""
        return rng.random() < self.augment.flip
