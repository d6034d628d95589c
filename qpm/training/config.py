"""What a training is: network, data, schedule and loss, as one frozen record."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveFloat, PositiveInt

from qpm.training.sources import SourceConfig


class LossConfig(BaseModel):
    """Weights and schedules of the loss; the paper weighs segmentation and score alike (section 3.1)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bootstrap_start: float = 0.15  # share of the training before which all pixels count
    bootstrap_end: float = 0.6
    bootstrap_final: float = 0.3
    dice: float = 1.0
    score: float = 2.0
    corrupted_score: float = 1.0  # of the damaged masks, within the score's weight; 0 skips their pass
    prior_dropped: float = 0.4  # share of clips without prior enhancement, so that one network serves both rows
    sigma_en: float = 0.65  # Eq. 4, with the true IoU as quality while training


class OptimiserConfig(BaseModel):
    """AdamW with one warm-up and one cosine; trained encoders learn slower than new layers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rate: PositiveFloat = 1e-3  # of new layers
    memory_encoder_rate: PositiveFloat = 2e-4
    query_encoder_rate: PositiveFloat = 1e-4
    frozen: tuple[str, ...] = ("query_encoder.conv1", "query_encoder.layer1")  # prefixes of parameters left as they are
    weight_decay: float = 1e-3
    clip_norm: PositiveFloat = 5.0
    warm_up: NonNegativeInt = 60  # iterations
    final: float = 0.02  # learning rate at the end, as a share of the peak


class TrainConfig(BaseModel):
    """One training run; the same config, seed and machine give the same weights."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    network: str = "half"
    start: str = "initial"  # "initial": the classifier of `qpm weights fetch-initial`; "scratch"; or a weights file
    sources: tuple[SourceConfig, ...] = Field(min_length=1)
    size: PositiveInt = 192  # pixels, the side of a crop
    length: PositiveInt = 3  # frames a clip
    shapes: tuple[tuple[PositiveInt, PositiveInt], ...] = ((6, 1), (4, 2))  # (clips, objects) of a batch, in turn
    iterations: PositiveInt = 1200
    optimiser: OptimiserConfig = OptimiserConfig()
    loss: LossConfig = LossConfig()
    precision: Literal["auto", "32", "bf16"] = "auto"  # auto: bf16 where the processor multiplies it natively
    threads: NonNegativeInt = 0  # CPU threads of the step; 0 leaves it to torch
    workers: NonNegativeInt = 1  # processes that prepare clips
    log_every: PositiveInt = 10  # iterations
    checkpoint_every: PositiveInt = 100  # iterations
    seed: NonNegativeInt = 0
    initial_file: Path | None = None  # where the classifier's converted weights are, if not in the cache
