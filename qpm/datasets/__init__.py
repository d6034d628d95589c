"""Datasets by name. A dataset is a frozen configuration whose `open()` gives videos to iterate over."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from qpm.datasets.davis import DavisConfig
from qpm.datasets.folder import FolderConfig
from qpm.datasets.synthetic import SyntheticConfig
from qpm.datasets.video import Dataset, Video
from qpm.datasets.youtube_vos import YoutubeVosConfig

__all__ = [
    "DATASETS",
    "AnyDataset",
    "Dataset",
    "DavisConfig",
    "FolderConfig",
    "SyntheticConfig",
    "Video",
    "YoutubeVosConfig",
]

DATASETS: dict[str, type[BaseModel]] = {
    "synthetic": SyntheticConfig,
    "davis": DavisConfig,
    "youtube-vos": YoutubeVosConfig,
    "folder": FolderConfig,
}

AnyDataset = Annotated[
    SyntheticConfig | DavisConfig | YoutubeVosConfig | FolderConfig, Field(discriminator="name")
]
