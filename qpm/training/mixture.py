"""Batches of clips from weighted sources, drawn so that batch i of a run is always the same."""

from collections.abc import Sequence

import numpy as np

from qpm.datasets.frame_cache import FrameCache
from qpm.training.sources import SourceConfig


class ClipMixture:
    """Batches of clips: `batch(i)` depends on the seed and i alone, so a resumed run sees what it would have seen."""

    def __init__(
        self,
        sources: Sequence[SourceConfig],
        shapes: Sequence[tuple[int, int]],
        size: int,
        length: int,
        iterations: int,
        seed: int,
    ) -> None:
        missing = {source.objects for source in sources} - {objects for _, objects in shapes}
        if missing:
            raise ValueError(f"sources fill {sorted(missing)} objects; no entry of shapes {list(shapes)} has as many")
        self.shapes = {objects: clips for clips, objects in shapes}
        if all(source.after > 0 for source in sources):
            raise ValueError("no source is drawn from at the start: give one of them after: 0")
        cache = FrameCache()
        self.sources = [(config, config.open(size, length, cache)) for config in sources]
        self.iterations, self.seed = iterations, seed

    def batch(self, iteration: int) -> tuple[np.ndarray, np.ndarray, int]:
        """Frames uint8 (B, T, H, W, 3), labels uint8 (B, T, H, W) and the number of object slots of one iteration."""
        rng, progress = np.random.default_rng((self.seed, iteration)), iteration / self.iterations
        active = [entry for entry in self.sources if entry[0].after <= progress]
        objects = active[_pick(rng, active, 1)[0]][0].objects
        fitting = [entry for entry in active if entry[0].objects == objects]
        clips = [fitting[pick][1].sample(rng, progress) for pick in _pick(rng, fitting, self.shapes[objects])]
        return np.stack([clip.frames for clip in clips]), np.stack([clip.labels for clip in clips]), objects


def _pick(rng: np.random.Generator, entries: list, count: int) -> np.ndarray:
    weights = np.array([config.weight for config, _ in entries])
    return rng.choice(len(entries), size=count, p=weights / weights.sum())
