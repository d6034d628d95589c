"""The built-in benchmark: videos with exact masks, generated from a seed. No download.

Each video has one challenge, named in `Video.attributes`; `challenges.py` is the table that makes them hard.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from qpm.datasets.synthetic.splits import SyntheticDataset, extent

__all__ = ["SyntheticConfig", "SyntheticDataset"]


class SyntheticConfig(BaseModel):
    """Which generated videos: a split, its first `videos` videos, and the first `frames` frames of each.

    `train` is a stream of a million short videos of seen families; `val` and `test` have 64 videos of 100 frames,
    where every second video shows families that training never does. `val+test` is both, one after the other.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Literal["synthetic"] = "synthetic"
    split: Literal["train", "val", "test", "val+test"] = "val"
    videos: int | None = Field(default=None, ge=1)
    frames: int | None = Field(default=None, ge=2)
    seed: int = Field(default=0, ge=0)

    def open(self) -> SyntheticDataset:
        """The dataset; a prefix longer than the split is an error.

        Raises
        ------
        ValueError
            If more videos or frames are asked for than the split has.
        """
        videos, frames = extent(self.split)
        for what, asked, there in (("videos", self.videos, videos), ("frames", self.frames, frames)):
            if asked is not None and asked > there:
                raise ValueError(f"synthetic {self.split}: {what} = {asked}; it has {there}")
        return SyntheticDataset(self.split, self.seed, self.videos or videos, self.frames or frames)
