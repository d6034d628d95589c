"""The splits: which seed, challenge and families make video i, and what the dataset's fingerprint is."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from qpm.datasets.synthetic.actors import HEIGHT, WIDTH, Setting
from qpm.datasets.synthetic.challenges import CHALLENGES, Challenge, for_training
from qpm.datasets.synthetic.render import Renderer
from qpm.datasets.synthetic.scenes import plan
from qpm.datasets.synthetic.shapes import CATEGORIES
from qpm.datasets.synthetic.textures import available, photograph
from qpm.datasets.video import YOUTUBE_VOS, Video

VERSION = 1  # of the generator: raise it when the same seed gives other pixels
LENGTH = {"train": 24, "val": 100, "test": 100}  # frames a video
COUNT = {"train": 1_000_000, "val": 64, "test": 64}  # videos
TOGETHER = {"val+test": ("val", "test")}  # one after the other, for more power
STREAM = {"train": 0, "val": 1, "test": 2}  # keeps the splits' seeds apart
LEAST = 0.02  # of the frame that an object shows when its mask is given
ATTEMPTS = 30

SEEN = tuple(name for name, category in CATEGORIES.items() if category.named and category.seen)
UNSEEN = tuple(name for name, category in CATEGORIES.items() if category.named and not category.seen)


@dataclass(frozen=True)
class SyntheticDataset:
    """The videos of one split; video i depends on (seed, split, i) alone, so a shorter set is a prefix."""

    split: str
    seed: int
    videos: int
    frames: int
    name: str = "synthetic"
    protocol: str = YOUTUBE_VOS

    def __len__(self) -> int:
        return self.videos

    def names(self) -> list[str]:
        """One name a video: split, number and challenge."""
        return [self._name(index) for index in range(self.videos)]

    def __getitem__(self, index: int) -> Video:
        if not 0 <= index < self.videos:
            raise IndexError(f"synthetic {self.split}: video {index} of {self.videos}")
        split, place = placed(self.split, index)
        renderer = compose(split, self.seed, place)
        objects = [actor for actor in renderer.scene.objects if actor.given < self.frames]
        return Video(
            dataset=self.name,
            name=self._name(index),
            frame_names=tuple(f"{k:05d}" for k in range(self.frames)),
            size=(HEIGHT, WIDTH),
            object_ids=tuple(actor.label for actor in objects),
            first_frames={actor.label: actor.given for actor in objects},
            read_frame=renderer.image,
            read_labels=renderer.labels,
            categories={actor.label: actor.category for actor in objects},
            seen={actor.label: CATEGORIES[actor.category].seen for actor in objects},
            attributes=(challenge_of(split, self.seed, place),),
        )

    def fingerprint(self) -> str:
        """SHA-256 of the generator's version, its tables, its photographs, and this selection."""
        facts = [VERSION, self.split, self.seed, self.videos, self.frames, table_of(self.split)]
        facts += [LENGTH, LEAST, sorted(SEEN), sorted(UNSEEN)]
        digest = hashlib.sha256(repr(facts).encode())
        for name in available(pool_of(self.split)):
            digest.update(name.encode() + photograph(name).tobytes())
        return digest.hexdigest()

    def _name(self, index: int) -> str:
        split, place = placed(self.split, index)
        return f"{split}-{place:03d}-{challenge_of(split, self.seed, place)}"


def extent(split: str) -> tuple[int, int]:
    """How many videos a split has, and how many frames each."""
    parts = TOGETHER.get(split, (split,))
    return sum(COUNT[part] for part in parts), min(LENGTH[part] for part in parts)


def placed(split: str, index: int) -> tuple[str, int]:
    """The split proper that holds video `index`, and its number there."""
    parts = TOGETHER.get(split, (split,))
    for part in parts[:-1]:
        if index < COUNT[part]:
            return part, index
        index -= COUNT[part]
    return parts[-1], index


def pool_of(split: str) -> str:
    """Which photographs a split uses; see `textures.PHOTOGRAPHS`."""
    return "train" if split == "train" else "held_out"


def table_of(split: str) -> dict[str, Challenge]:
    """The challenges as a split shows them."""
    return {name: for_training(c) if split == "train" else c for name, c in CHALLENGES.items()}


def challenge_of(split: str, seed: int, index: int) -> str:
    """The challenge of video `index`: ten in turn in val and test, drawn at random in training."""
    known = list(CHALLENGES)
    if split == "train":
        return known[int(_generator(split, seed, index, 0).integers(len(known)))]
    return known[index % len(known)]


def families_of(split: str, index: int) -> tuple[str, ...]:
    """The categories that video `index` draws from: in val and test every second video is unseen."""
    shifted = index + index // len(CHALLENGES)  # so that each challenge meets both in the first twenty
    return SEEN if split == "train" or shifted % 2 == 0 else UNSEEN


def compose(split: str, seed: int, index: int) -> Renderer:
    """The video's renderer: the first drawn scene in which each object is well visible when it is given."""
    challenge = table_of(split)[challenge_of(split, seed, index)]
    setting = Setting(challenge, LENGTH[split], families_of(split, index), pool_of(split))
    for attempt in range(1, ATTEMPTS + 1):
        renderer = Renderer(plan(_generator(split, seed, index, attempt), setting))
        if well_given(renderer):
            break
    return renderer


def well_given(renderer: Renderer) -> bool:
    """Whether each object covers at least LEAST of the frame in which its mask is given."""
    return all(
        np.count_nonzero(renderer.labels(actor.given) == actor.label) >= LEAST * HEIGHT * WIDTH
        for actor in renderer.scene.objects
    )


def _generator(split: str, seed: int, index: int, attempt: int) -> np.random.Generator:
    return np.random.default_rng((seed, STREAM[split], index, attempt))
