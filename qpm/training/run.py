"""What stays the same over all stages of a training, and how far it is."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric

from qpm.model import Network
from qpm.provenance import git, source_root
from qpm.training.checkpoint import save_state
from qpm.training.config import TrainConfig
from qpm.training.log import TIMES, TrainLog
from qpm.training.stopping import StopRequest
from qpm.training.together import gathered, speaker

Progress = Callable[[int, int, dict[str, float]], None]  # iterations done, of, the latest measures
Validate = Callable[[Network], dict[str, float]]
BEST = "best.safetensors"
log = logging.getLogger(__name__)


class PassedOver:
    """Broken images: a process names each once in a pass over the data; at its end those of all are counted."""

    def __init__(self, fabric: Fabric) -> None:
        self.fabric = fabric
        self.times: Counter[str] = Counter()

    def note(self, names: Sequence[str]) -> None:
        """Take what a batch passed over."""
        for name in names:
            if name not in self.times:
                log.warning("%spassed over: %s", speaker(self.fabric), name)
            self.times[name] += 1

    def tell(self) -> None:
        """Count over all processes, which all call it; the first one tells, and each begins again."""
        times = sum(gathered(self.fabric, self.times), Counter())
        if times and self.fabric.is_global_zero:
            log.warning("broken images: %d, passed over %d times", len(times), times.total())
        self.times = Counter()


@dataclass
class Training:
    """What stays the same over all stages, and how far the training is."""

    config: TrainConfig
    folder: Path
    fabric: Fabric
    network: Network
    log: TrainLog
    request: StopRequest
    progress: Progress | None
    validate: Validate | None
    done: int = 0  # iterations, over all stages
    best: float = float("-inf")
    saved: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.broken = PassedOver(self.fabric)

    def save(self, stage: int, optimizer: torch.optim.Optimizer) -> None:
        """Write a checkpoint; rank 0's is everybody's, since what they draw follows from the iteration.

        Every process must call it: the measures of the row that is open are those of all.
        """
        self.log.write()
        self.saved = time.monotonic()
        windows = self.log.state()
        if self.fabric.is_global_zero:
            state = {
                "network": self.network.state_dict(),
                "optimizer": optimizer.state_dict(),
                "scaler": self.fabric.strategy.precision.state_dict(),
                "precision": self.fabric.strategy.precision.precision,
                "stage": stage,
                "done": self.done,
                "best": self.best,
                "windows": windows,
                "settings": self.settings(),
            }
            save_state(self.folder, self.done, state, self.config.keep)

    def facts(self) -> dict[str, Any]:
        """What the header of a weights file tells of how they came to be."""
        stages = list(enumerate(self.config.stages))
        data = {f"{n}.{source.source}#{place}": source.fingerprint()
                for n, stage in stages for place, source in enumerate(stage.sources)}  # fmt: skip
        measured = self.log.rows[-1] if self.log.rows else {}
        return {
            "iterations": self.done,
            "seed": self.config.seed,
            "training": self.settings(),
            "data": data,
            "commit": git(source_root())["commit"],
            "metrics": {name: value for name, value in measured.items() if name not in TIMES and value == value},
        }

    def settings(self) -> dict[str, Any]:
        """What decides the result, for a checkpoint."""
        return deciding(self.config) | {"processes": self.fabric.world_size}


def deciding(config: TrainConfig) -> dict[str, Any]:
    """The settings that decide the result, as JSON types: not where files lie, nor how fast the machine works."""
    chosen = config.model_dump(mode="json", include={"network", "start", "fresh", "stages", "seed"})
    kept: dict[str, Any] = _without(chosen, {"root", "initial_file"})
    return kept


def _without(value: Any, places: set[str]) -> Any:
    if isinstance(value, dict):
        return {key: _without(part, places) for key, part in value.items() if key not in places}
    return [_without(part, places) for part in value] if isinstance(value, list) else value
