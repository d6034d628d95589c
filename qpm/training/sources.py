"""Where training clips come from: named sources with weights; a description only, opened when the training begins."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

from qpm.datasets.augment_ranges import AugmentConfig
from qpm.datasets.bl30k import Bl30kConfig
from qpm.datasets.davis import DavisConfig
from qpm.datasets.growth import GrowthRule
from qpm.datasets.static_images import StaticImagesConfig
from qpm.datasets.synthetic import SyntheticConfig
from qpm.datasets.video import Dataset
from qpm.datasets.youtube_vos import YoutubeVosConfig

if TYPE_CHECKING:
    from qpm.datasets.clips import ClipSource, VideoClips
    from qpm.datasets.frame_cache import FrameCache

GapStep = tuple[Annotated[float, Field(ge=0, le=1)], PositiveInt]  # from this share of the stage on, this distance


class _Source(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    weight: PositiveFloat = 1.0
    after: float = Field(0.0, ge=0, lt=1)  # share of the stage before which the source is not drawn from
    objects: PositiveInt = 1  # slots of the batch that this source fills
    pasted: Literal["distractor", "object"] | None = None  # a cut-out of another video, unlabelled or labelled
    gap: tuple[PositiveInt, PositiveInt] = (1, 8)  # frames between the clip's frames, from the start to mid-stage
    gap_steps: tuple[GapStep, ...] = ()  # a curriculum in steps, in place of `gap`
    augment: AugmentConfig = AugmentConfig()

    def dataset(self) -> Dataset:
        """The videos that clips are cut from."""
        raise TypeError(f"{type(self).__name__} names no dataset")

    def fingerprint(self) -> str:
        """What the videos are."""
        return self.dataset().fingerprint()

    def open(self, size: tuple[int, int], length: int, cache: FrameCache, strict: bool = False) -> ClipSource:
        """The source of clips of `length` frames of `size` (H, W); sources over the same videos can share a cache."""
        return self._clips(self.dataset(), size, length, cache, strict)

    def _clips(self, dataset: Dataset, *where: Any, still: bool = False) -> Any:
        from qpm.datasets.broken import BrokenImages
        from qpm.datasets.clips import VideoClips

        size, length, cache, strict = where
        return VideoClips(
            dataset, size, length, self.objects, self.gap, self.gap_steps, self.augment, self.pasted, still,
            cache, BrokenImages(strict),
        )  # fmt: skip


class DavisSource(_Source):
    """Clips of the DAVIS train sequences."""

    source: Literal["davis"] = "davis"
    root: Path | None = None
    year: Literal[2016, 2017] = 2016
    resolution: str = "480p"

    def dataset(self) -> Dataset:
        return DavisConfig(root=self.root, year=self.year, split="train", resolution=self.resolution).open()


class YoutubeVosSource(_Source):
    """Clips of the YouTube-VOS train videos; their gap counts annotated frames, which are every 5th."""

    source: Literal["youtube-vos"] = "youtube-vos"
    root: Path | None = None
    sequences: tuple[str, ...] | None = None

    def dataset(self) -> Dataset:
        return YoutubeVosConfig(root=self.root, split="train", sequences=self.sequences).open()


class Bl30kSource(_Source):
    """Clips of BL30K; `growth` says which of their objects count (none: all that are large enough at first)."""

    source: Literal["bl30k"] = "bl30k"
    root: Path | None = None
    growth: GrowthRule | None = GrowthRule()

    def dataset(self) -> Dataset:
        return Bl30kConfig(root=self.root).open()

    def open(self, size: tuple[int, int], length: int, cache: FrameCache, strict: bool = False) -> ClipSource:
        clips: VideoClips = self._clips(self.dataset(), size, length, cache, strict)
        return replace(clips, growth=self.growth)


class SyntheticSource(_Source):
    """Clips of the built-in generator's training split: its first `videos`, or the whole stream of a million."""

    source: Literal["synthetic"] = "synthetic"
    videos: PositiveInt | None = None

    def dataset(self) -> Dataset:
        return SyntheticConfig(split="train", videos=self.videos).open()


class StaticImagesSource(_Source):
    """Pseudo-clips: a still image with its mask, bent anew for every frame. `folders` as in `StaticImagesConfig`."""

    source: Literal["static-images"] = "static-images"
    root: Path | None = None
    folders: tuple[tuple[str, PositiveInt], ...] = ((".", 1),)
    kind: Literal["masks", "alpha"] = "masks"

    def dataset(self) -> Dataset:
        return StaticImagesConfig(root=self.root, folders=self.folders, kind=self.kind).open()

    def open(self, size: tuple[int, int], length: int, cache: FrameCache, strict: bool = False) -> ClipSource:
        clips: ClipSource = self._clips(self.dataset(), size, length, cache, strict, still=True)
        return clips


class CutoutsSource(StaticImagesSource):
    """Cut-outs with alpha on paths over photographs, which lie in `backgrounds`."""

    source: Literal["cutouts"] = "cutouts"  # type: ignore[assignment]
    kind: Literal["masks", "alpha"] = "alpha"
    backgrounds: StaticImagesConfig = StaticImagesConfig(kind="none")

    def fingerprint(self) -> str:
        return self.dataset().fingerprint() + self.backgrounds.open().fingerprint()

    def open(self, size: tuple[int, int], length: int, cache: FrameCache, strict: bool = False) -> ClipSource:
        from qpm.datasets.broken import BrokenImages
        from qpm.datasets.cutouts import CutoutClips
        from qpm.datasets.frame_cache import FrameCache

        own = FrameCache(cache.max_bytes, cache.short_side)  # photographs and cut-outs may share their names
        cutouts = self._clips(self.dataset(), size, length, cache, strict, still=True)
        grounds = self._clips(self.backgrounds.open(), size, length, own, strict, still=True)
        return CutoutClips(cutouts, grounds, BrokenImages(strict))


SourceConfig = Annotated[
    DavisSource | YoutubeVosSource | Bl30kSource | SyntheticSource | StaticImagesSource | CutoutsSource,
    Field(discriminator="source"),
]
