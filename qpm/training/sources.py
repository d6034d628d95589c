"""Where training clips come from: named sources with weights; a description only, opened when the training begins."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

from qpm.datasets.davis import DavisConfig
from qpm.datasets.synthetic import SyntheticConfig
from qpm.datasets.video import Dataset

if TYPE_CHECKING:
    from qpm.datasets.clips import ClipSource
    from qpm.datasets.frame_cache import FrameCache


class _Source(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    weight: PositiveFloat = 1.0
    after: float = Field(0.0, ge=0, lt=1)  # share of the training before which the source is not drawn from
    objects: PositiveInt = 1  # slots of the batch that this source fills
    pasted: Literal["distractor", "object"] | None = None  # a cut-out of another video, unlabelled or labelled
    gap: tuple[PositiveInt, PositiveInt] = (1, 8)  # frames between the clip's frames, from the start to mid-training

    def dataset(self) -> Dataset:
        """The videos that clips are cut from."""
        raise TypeError(f"{type(self).__name__} names no dataset")

    def open(self, size: int, length: int, cache: "FrameCache") -> "ClipSource":
        """The source of clips of `length` frames of `size` x `size` pixels; several sources can share a cache."""
        from qpm.datasets.clips import VideoClips  # torch, which a description does without

        return VideoClips(
            self.dataset(), size, length, max_objects=self.objects, gap=self.gap, pasted=self.pasted, cache=cache
        )


class DavisSource(_Source):
    """Clips of the DAVIS train sequences."""

    source: Literal["davis"] = "davis"
    root: Path | None = None
    year: Literal[2016, 2017] = 2016
    resolution: str = "480p"

    def dataset(self) -> Dataset:
        return DavisConfig(root=self.root, year=self.year, split="train", resolution=self.resolution).open()


class SyntheticSource(_Source):
    """Clips of the built-in generator's training split, its first `videos` of any number."""

    source: Literal["synthetic"] = "synthetic"
    videos: PositiveInt = 2000

    def dataset(self) -> Dataset:
        return SyntheticConfig(split="train", videos=self.videos).open()


SourceConfig = Annotated[DavisSource | SyntheticSource, Field(discriminator="source")]
