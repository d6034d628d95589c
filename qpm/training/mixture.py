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
            raise ValueError(f"sources fill {sorted(missing)} objects but no entry of shapes {list(shapes)} has as many")
        self.shapes = {objects: clips for clips, objects in shapes}
        cache = FrameCache()
        self.sources = [(config, config.open(size, length, cache)) for config in sources]
        self.iterations, self.seed = iterations, seed

    def batch(self, iteration: int) -> tuple[np.ndarray, np.ndarray, int]:
        """Frames uint8 (B, T, H, W, 3), labels uint8 (B, T, H, W) and the number of object slots of one iteration."""
        rng = np.random.default_rng((self.seed, iteration))
        weights = np.array([config.weight for config, _ in self.sources])
        objects = self.sources[rng.choice(len(weights), p=weights / weights.sum())][0].objects
        fitting = [(config.weight, source) for config, source in self.sources if config.objects == objects]
        shares = np.array([weight for weight, _ in fitting])
        picks = rng.choice(len(fitting), size=self.shapes[objects], p=shares / shares.sum())
        clips = [fitting[pick][1].sample(rng, iteration / self.iterations) for pick in picks]
        return np.stack([clip.frames for clip in clips]), np.stack([clip.labels for clip in clips]), objects
