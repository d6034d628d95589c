"""What a trial is: one dataset, one network, one memory policy, one seed, as a frozen JSON-able record."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt, model_validator

from qpm.datasets import AnyDataset
from qpm.memory.policy import MemoryPolicy

Name = Annotated[str, Field(pattern=r"^[\w.+=,-]+$")]  # part of a folder's name


class InferenceConfig(BaseModel):
    """How the network is run; nothing here belongs to the method."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_side: PositiveInt | None = None  # pixels of the longer side that the network sees; None: native size
    short_side: PositiveInt | None = None  # of the shorter one, 480 for YouTube-VOS; a smaller video stays as it is
    flip: bool = False  # average with the answers for the mirrored video: twice the time
    precision: Literal["auto", "32", "bf16"] = "auto"  # auto: bf16 where the processor multiplies it natively
    device: str = "auto"  # auto, cpu, cuda, cuda:1, ...

    @model_validator(mode="after")
    def _one_size(self) -> InferenceConfig:
        if self.max_side is not None and self.short_side is not None:
            raise ValueError(f"max_side {self.max_side} and short_side {self.short_side}: give one of them")
        return self

    def longest(self, size: tuple[int, int]) -> int | None:
        """Pixels of the longer side that the network sees of a video of this height and width."""
        if self.short_side is None:
            return self.max_side
        return round(max(size) * min(1.0, self.short_side / min(size)))


class Trained(BaseModel):
    """The weights that another trial of the study trains: ``weights: {trial: half}``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    trial: Name  # a case that trains
    seed: NonNegativeInt = 0  # of the training; a study file that leaves it out means each of its seeds


class TrialConfig(BaseModel):
    """One evaluation: every video of a dataset segmented under one policy and scored.

    `TrialConfig.model_validate_json(config.model_dump_json()) == config`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    study: Name
    case: Name
    seed: NonNegativeInt = 0
    notebook: str = "evaluate"
    dataset: AnyDataset
    # shipped name or file; several make an ensemble; a training of this study is a file by the time the trial runs
    weights: str | tuple[str, ...] | Trained = "half"
    training_seed: NonNegativeInt | None = None  # of the training that made the weights, if this study did
    policy: MemoryPolicy
    inference: InferenceConfig = InferenceConfig()
    save_masks: bool | tuple[str, ...] = False  # keep the label maps of all videos, or of those named
    # threshold, such as keep.sigma_m -> [low, high): also the exact score over the interval, the rest as in `policy`
    curves: dict[str, tuple[float, float]] = {}

    @property
    def product(self) -> str:
        """Name of the file that a finished trial has written."""
        return "rows.parquet"

    @property
    def weight_names(self) -> tuple[str, ...]:
        """The weights as a tuple, one or several."""
        if isinstance(self.weights, Trained):
            raise ValueError(f"the weights of '{self.weights.trial}' are not trained yet; `qpm run` trains them first")
        return (self.weights,) if isinstance(self.weights, str) else self.weights

    def keeps_masks(self, video: str) -> bool:
        """Whether the label maps of this video are saved."""
        return self.save_masks if isinstance(self.save_masks, bool) else video in self.save_masks

    def settings(self) -> dict[str, Any]:
        """The record as JSON types."""
        return self.model_dump(mode="json")

    def fingerprints(self) -> dict[str, str]:
        """What the videos are, by name of the dataset."""
        return {self.dataset.name: fingerprint(self.dataset)}

    def weight_files(self) -> dict[str, Path]:
        """The files behind `weights`, numbered where there are several."""
        from qpm.weights import resolve

        files = [resolve(name) for name in self.weight_names]
        return {f"{path.stem}#{place}" if place else path.stem: path for place, path in enumerate(files)}


@cache
def fingerprint(dataset: AnyDataset) -> str:
    """The dataset's fingerprint, computed once per process and setting."""
    return dataset.open().fingerprint()
