"""Clips of cut-outs that move over photographs."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from qpm.datasets.augment import crop_warp, random_box
from qpm.datasets.broken import BrokenImages
from qpm.datasets.clip import Clip, shuffled
from qpm.datasets.clips import ATTEMPTS, VideoClips
from qpm.datasets.pasting import hide_object, paste


@dataclass
class CutoutClips:
    """A photograph as the ground, and over it one to `max_objects` cut-outs, each on a path of its own.

    Parameters
    ----------
    cutouts, grounds : VideoClips
        Both `still`, of equal size and length; the photographs hold no objects.
    """

    cutouts: VideoClips
    grounds: VideoClips
    broken: BrokenImages = field(default_factory=BrokenImages)

    def __len__(self) -> int:
        return len(self.cutouts)

    def sample(self, rng: np.random.Generator, progress: float) -> Clip:
        """One clip with at least one object in its first frame."""
        return self.broken.passing(lambda: self.compose(rng, progress))

    def compose(self, rng: np.random.Generator, progress: float) -> Clip:
        """A ground with what is pasted on it: labelled cut-outs, perhaps one without label, perhaps a patch."""
        source, augment = self.cutouts, self.cutouts.augment
        for _ in range(ATTEMPTS):
            clip = self.ground(rng)
            for _ in range(int(rng.integers(1, source.max_objects + 1))):
                clip = paste(clip, source.cut_out(rng, progress, clip.name), rng, labelled=True)
            if source.pasted == "distractor" and rng.random() < augment.paste_probability:
                clip = paste(clip, source.cut_out(rng, progress, clip.name), rng, labelled=False)
            if clip.objects:
                break
        else:
            raise ValueError(f"{source.dataset.name}: no cut-out was visible in {ATTEMPTS} clips")
        if rng.random() < augment.occlusion:
            clip = hide_object(clip, self.grounds.texture(rng), rng)
        return shuffled(clip, rng)

    def ground(self, rng: np.random.Generator) -> Clip:
        """A photograph seen by a camera that hardly moves, without objects."""
        grounds = self.grounds
        video = grounds.dataset[int(rng.integers(len(grounds.dataset)))]
        frame, labels = grounds.cache.read(video, 0)
        box = random_box(rng, labels.shape, grounds.augment.crop, grounds.augment.aspect, grounds.shape)
        warp = crop_warp(box, grounds.size, grounds.mirrored(rng))
        frames, empty = grounds.render(rng, [(frame, labels)] * grounds.length, warp)
        return Clip(frames, empty, video.name)
