"""Batches of clips from weighted sources, drawn so that clip b of iteration i is always the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from qpm.datasets.clip import Clip
from qpm.datasets.clips import ClipSource
from qpm.datasets.frame_cache import FrameCache
from qpm.seeding import generator
from qpm.training.config import StageConfig
from qpm.training.sources import SourceConfig


class Batch(NamedTuple):
    """Clips of one step.

    frames : uint8 (B, T, H, W, 3)
    labels : uint8 (B, T, H, W), ids up to `objects`
    numbers : which clips of the iteration these are
    names : of their videos
    broken : what was passed over while drawing them
    """

    frames: Tensor
    labels: Tensor
    objects: int
    numbers: tuple[int, ...]
    names: tuple[str, ...]
    broken: tuple[str, ...]


class ClipMixture:
    """The clips of a stage.

    A clip depends on (seed, stage, iteration, its number in the iteration) alone: a resumed run, a run on another
    number of processes and a run that splits its batches see what they would have seen.

    Raises
    ------
    ValueError, FileNotFoundError
        If sources and batch shapes do not go together, or a dataset is missing or empty.
    """

    def __init__(
        self, stage: StageConfig, seed: int, place: int = 0, strict: bool = False, cache_gb: float = 1
    ) -> None:
        self.stage, self.seed, self.place = stage, seed, place
        self.shapes = {objects: clips for clips, objects in stage.shapes}
        self.sources = list(_opened(stage, strict, cache_gb))

    def __len__(self) -> int:
        """Clips of one pass over all videos and images."""
        return sum(len(source) for _, source in self.sources)

    def batch(self, iteration: int, part: int = 0, parts: int = 1) -> Batch:
        """One of `parts` batches of an iteration; together they are `parts` times as large as the shape says."""
        progress = iteration / self.stage.iterations
        active = [entry for entry in self.sources if entry[0].after <= progress]
        first = active[_pick(generator(self.seed, "shape", self.place, iteration), active)]
        objects = first[0].objects
        fitting = [entry for entry in active if entry[0].objects == objects]
        count = self.shapes[objects]
        numbers = tuple(range(part * count, (part + 1) * count))
        clips = [self._clip(fitting, iteration, number, progress) for number in numbers]
        broken = tuple(name for _, source in fitting for name in source.broken.drain())
        frames, labels = (np.stack([getattr(clip, name) for clip in clips]) for name in ("frames", "labels"))
        names = tuple(clip.name for clip in clips)
        return Batch(torch.from_numpy(frames), torch.from_numpy(labels), objects, numbers, names, broken)

    def _clip(self, entries: list[_Entry], iteration: int, number: int, progress: float) -> Clip:
        rng = generator(self.seed, "clip", self.place, iteration, number)
        return entries[_pick(rng, entries)][1].sample(rng, progress)


_Entry = tuple[SourceConfig, ClipSource]


def _opened(stage: StageConfig, strict: bool, cache_gb: float) -> Iterator[_Entry]:
    """The sources, those over the same videos with one cache; all caches together hold `cache_gb`."""
    keys = [source.model_dump_json(include={"source", "root", "year", "resolution", "folders", "videos", "kind"})
            for source in stage.sources]  # fmt: skip
    room = int(1e9 * cache_gb / (len(set(keys)) + sum(source.source == "cutouts" for source in stage.sources)))
    short = round(1.25 * min(stage.frame_size))
    caches = {key: FrameCache(room, short) for key in keys}
    for key, config in zip(keys, stage.sources, strict=True):
        yield config, config.open(stage.frame_size, stage.length, caches[key], strict)


def _pick(rng: np.random.Generator, entries: list[_Entry]) -> int:
    weights = np.array([config.weight for config, _ in entries])
    return int(rng.choice(len(entries), p=weights / weights.sum()))
