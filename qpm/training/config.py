"""What a training is: network, stages, engine and checks, as one frozen record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    WithJsonSchema,
    WrapValidator,
    field_validator,
    model_validator,
)

from qpm.datasets import AnyDataset
from qpm.memory.policy import MemoryPolicy
from qpm.training.sources import SourceConfig

Damage = Literal["shift", "grow", "shrink", "swap", "erase", "spill", "empty", "blend", "drop"]
DAMAGES: tuple[Damage, ...] = get_args(Damage)[:-1]  # those that the shipped weights were trained with
STRIDE = 16  # a frame's sides are multiples of it
Share = Annotated[float, Field(ge=0, le=1)]
_COUNT_OR_SHARE = {"anyOf": [{"type": "integer"}, {"type": "number"}], "exclusiveMinimum": 0}


def _count_or_share(value: Any, count: Callable[[Any], int]) -> Any:
    share = isinstance(value, float) and 0 < value < float("inf") and not value.is_integer()
    return value if share else count(value)


# whole; or, where a training is written down, a number that is not: a share of the iterations of the stage before
Iterations = Annotated[PositiveInt, WrapValidator(_count_or_share), WithJsonSchema(_COUNT_OR_SHARE)]


class LossConfig(BaseModel):
    """How a clip is gone through and what counts; the paper weighs segmentation and score alike (section 3.1)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    bootstrap_start: float = 0.15  # share of the stage before which all pixels count
    bootstrap_end: float = 0.6
    bootstrap_final: float = 0.3
    dice: float = 1.0
    score: float = 2.0
    score_first: bool = True  # the first frame's true mask is scored too (target 1)
    corrupted_score: float = 1.0  # of the damaged masks, within the score's weight; 0 skips their pass
    damages: tuple[Damage, ...] = Field(DAMAGES, min_length=1)  # in which ways; see `qpm.training.corrupt`
    prior: Literal["selective", "previous", "random"] = "selective"  # Eq. 4, QDMN's, or the first's half the time
    prior_dropped: float = 0.4  # share of iterations without prior enhancement, so that one network serves both rows
    sigma_en: float = 0.65  # Eq. 4, with the true IoU as quality while training
    read_at_test: bool = False  # the memory is read as at test (top-k): for a head that learns on a finished network
    memorize_every: PositiveInt = 1  # in long clips: every n-th frame stays in memory, the previous one always is


class OptimiserConfig(BaseModel):
    """Adam or AdamW; trained encoders learn slower than new layers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    algorithm: Literal["adamw", "adam"] = "adamw"  # adam: with the weight decay in the gradient, as MiVOS has it
    rate: PositiveFloat = 1e-3  # of new layers
    memory_encoder_rate: PositiveFloat = 2e-4
    query_encoder_rate: PositiveFloat = 1e-4
    frozen: tuple[str, ...] = ("query_encoder.conv1", "query_encoder.layer1")  # prefixes of parameters left as they are
    trained: tuple[str, ...] = ()  # if any: prefixes of the only parameters that learn, such as quality_head
    weight_decay: float = 1e-3
    clip_norm: PositiveFloat | None = 5.0
    schedule: Literal["cosine", "steps"] = "cosine"
    warm_up: NonNegativeInt = 60  # iterations
    final: float = 0.02  # learning rate at the end, as a share of the peak (cosine)
    steps: tuple[Share, ...] = ()  # shares of the stage at which the rate falls to a tenth


class StageConfig(BaseModel):
    """One stage of a training: its clips, schedule and loss; it starts from the weights of the stage before.

    A name of `qpm.training.stages.STAGES`, or a mapping with `preset: NAME` and what differs, stands for its values.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sources: tuple[SourceConfig, ...] = Field(min_length=1)
    size: PositiveInt | tuple[PositiveInt, PositiveInt] = 192  # pixels: the side of a crop, or height and width
    length: Annotated[int, Field(ge=3)] = 3  # frames a clip
    shapes: tuple[tuple[PositiveInt, PositiveInt], ...] = ((6, 1), (4, 2))  # (clips, objects) of a device's batch
    accumulate: PositiveInt = 1  # batches a device goes through before each step of the optimiser
    iterations: Iterations = 1200
    optimiser: OptimiserConfig = OptimiserConfig()
    loss: LossConfig = LossConfig()

    @model_validator(mode="before")
    @classmethod
    def _named(cls, settings: Any) -> Any:
        name = settings.get("preset") if isinstance(settings, Mapping) else settings
        if not isinstance(name, str):
            return settings
        from qpm.training.stages import with_preset

        return with_preset(name, settings if isinstance(settings, Mapping) else {})

    @model_validator(mode="after")
    def _fits(self) -> StageConfig:
        if any(side % STRIDE for side in self.frame_size):
            raise ValueError(f"size is {self.size}; its sides must be multiples of {STRIDE}")
        missing = {source.objects for source in self.sources} - {objects for _, objects in self.shapes}
        if missing:
            known = [list(shape) for shape in self.shapes]
            raise ValueError(f"sources fill {sorted(missing)} objects; no entry of shapes {known} has as many")
        if all(source.after > 0 for source in self.sources):
            raise ValueError("no source is drawn from at the start: give one of them after: 0")
        return self

    @property
    def frame_size(self) -> tuple[int, int]:
        """Height and width of a clip."""
        return (self.size, self.size) if isinstance(self.size, int) else self.size


class ValidationConfig(BaseModel):
    """A small evaluation while training: whole videos under one policy."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: AnyDataset
    policy: MemoryPolicy = MemoryPolicy.model_validate("stm")
    max_side: PositiveInt | None = None  # pixels of the longer side
    every: PositiveInt = 1000  # iterations
    best: Literal["val_J_and_F", "val_score_spearman"] = "val_J_and_F"  # decides which weights `best.safetensors` holds


def _without_mixed(name: Any) -> Any:
    return str(name).removesuffix("-mixed")  # Fabric's names are as good


class TrainConfig(BaseModel):
    """One training run; the same config, seed, machine and number of threads give the same weights.

    The keys of a stage may stand here in place of `stages`: a training of that one stage.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    network: str = "half"
    # "initial": encoders, keys and scales from a classifier; "encoders": only the encoders; "scratch"; a weights file
    start: str = "initial"
    fresh: tuple[str, ...] = ()  # parts, such as quality_head, that do not take the weights of the `start` file
    initial_file: Path | None = None  # the classifier's converted weights, if not those of `qpm weights fetch-initial`
    stages: tuple[StageConfig, ...] = Field(min_length=1)
    validation: ValidationConfig | None = None
    seed: NonNegativeInt = 0

    precision: Annotated[Literal["auto", "32", "bf16", "16"], BeforeValidator(_without_mixed)] = "auto"
    channels_last: bool = True
    compile: bool = False  # torch.compile of encoders and decoder: minutes at the start, then faster on a GPU
    threads: NonNegativeInt = 0  # CPU threads of the step; 0 leaves it to torch
    workers: NonNegativeInt = 1  # processes that prepare clips, for each device
    cache_gb: PositiveFloat = 1.0  # decoded frames that each of them keeps
    strict: bool = False  # a broken image ends the training, in place of being passed over

    log_every: PositiveInt = 10  # iterations
    checkpoint_every: PositiveInt = 100  # iterations
    checkpoint_minutes: PositiveFloat | None = None  # and after so much time
    keep: PositiveInt = 2  # checkpoints
    picture_every: PositiveInt | None = None  # iterations

    @model_validator(mode="before")
    @classmethod
    def _one_stage(cls, settings: Any) -> Any:
        if not isinstance(settings, dict) or "stages" in settings:
            return settings
        stage = {key: value for key, value in settings.items() if key in StageConfig.model_fields}
        rest = {key: value for key, value in settings.items() if key not in stage}
        return rest | {"stages": [stage]} if stage else settings

    @field_validator("stages")
    @classmethod
    def _counted(cls, stages: tuple[StageConfig, ...]) -> tuple[StageConfig, ...]:
        """Shares of the stage before become whole numbers."""
        counted: list[StageConfig] = []
        for stage in stages:
            share = stage.iterations if isinstance(stage.iterations, float) else None
            if share and not counted:
                raise ValueError(f"the first stage's iterations are {share}; a share is of the stage before")
            count = max(1, round(share * counted[-1].iterations)) if share else stage.iterations
            counted.append(stage.model_copy(update={"iterations": count}))
        return tuple(counted)

    @property
    def iterations(self) -> int:
        """Iterations of all stages."""
        return sum(stage.iterations for stage in self.stages)

    def classifier(self) -> Path | None:
        """The file that `initial_file` names; None if it names none.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        """
        if self.initial_file is not None and not self.initial_file.is_file():
            how = "`qpm convert resnet50.pth --from torchvision-resnet50 --out FILE` makes one of a full ResNet-50"
            raise FileNotFoundError(f"initial_file: there is no {self.initial_file}; {how}")
        return self.initial_file
