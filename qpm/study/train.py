"""A training as a trial: its record, and the call that its notebook makes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, NonNegativeInt, model_validator

from qpm.study.config import Name
from qpm.study.progress_file import ProgressFile
from qpm.training.config import TrainConfig

Tell = Callable[[int, int, dict[str, float]], None]  # iterations done, of, the latest measures


class TrainTrial(BaseModel):
    """One training run; its product is a weights file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    study: Name
    case: Name
    seed: NonNegativeInt = 0
    notebook: str = "train"
    training: TrainConfig

    @model_validator(mode="before")
    @classmethod
    def _one_seed(cls, settings: Any) -> Any:
        """The study's seed is the training's; two different ones would make the record lie."""
        if not isinstance(settings, dict) or not isinstance(settings.get("training"), dict):
            return settings
        seed = settings.get("seed", 0)
        own = settings["training"].get("seed", seed)
        if own != seed:
            raise ValueError(f"training.seed {own} is not the trial's seed {seed}; set `seeds` instead")
        return settings | {"training": settings["training"] | {"seed": seed}}

    @property
    def product(self) -> str:
        """Name of the file that a finished trial has written."""
        return "weights.safetensors"

    def settings(self) -> dict[str, Any]:
        """The record as JSON types."""
        return self.model_dump(mode="json")

    def fingerprints(self) -> dict[str, str]:
        """What the videos are, by stage and source, and of the validation."""
        found = {
            f"{number}.{source.source}#{place}": source.fingerprint()
            for number, stage in enumerate(self.training.stages)
            for place, source in enumerate(stage.sources)
        }
        check = self.training.validation
        return found if check is None else found | {"validation": check.dataset.open().fingerprint()}

    def weight_files(self) -> dict[str, Path]:
        """The weights that the training starts from, where they are a file; the shipped start is pinned in the code."""
        start = self.training.start
        if start in ("initial", "encoders"):
            initial = self.training.classifier()
            return {"initial": initial} if initial else {}
        if start == "scratch":
            return {}
        from qpm.weights import resolve

        return {Path(start).stem: resolve(start)}


def train(config: TrainTrial, folder: Path, progress: ProgressFile | None = None, tell: Tell | None = None) -> Path:
    """Train, or continue where an interrupted run of the same trial stopped.

    Parameters
    ----------
    progress : ProgressFile, optional
        What `qpm run` watches.
    tell : callable, optional
        Called with every row of the log.

    Returns
    -------
    Path
        The weights file in `folder`.
    """
    from qpm.study.validate import validation
    from qpm.training.loop import train as run

    def told(done: int, total: int, measures: dict[str, float]) -> None:
        if progress is not None:
            progress(done, total, f"loss {measures.get('loss', float('nan')):.3f}")
        if tell is not None:
            tell(done, total, measures)

    training = config.training
    check = training.validation
    validate = None if check is None else validation(check, training.precision, training.seed)
    return run(training, Path(folder), told, validate)
