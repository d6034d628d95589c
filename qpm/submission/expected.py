"""What a server expects of a submission: which sequences, frames, sizes and ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from qpm.datasets.davis import DavisConfig
from qpm.datasets.layout import VideoFolder, find_root
from qpm.datasets.youtube_vos import HOW_TO_GET, YoutubeVosConfig, read_meta
from qpm.names import lookup

Format = Literal["davis", "youtube-vos"]
Config = DavisConfig | YoutubeVosConfig

FOLDER = {"davis": "", "youtube-vos": "Annotations/"}
"""What stands before <sequence>/<frame>.png in the zip."""


@dataclass(frozen=True)
class Expected:
    """One sequence of the set.

    Attributes
    ----------
    frames : frozenset of str
        Stems of the masks that must be there.
    allowed : frozenset of str
        Stems of the masks that may be there.
    size : (int, int)
        Height and width of every mask.
    object_ids : frozenset of int
        The ids that are given; no other may be predicted.
    """

    frames: frozenset[str]
    allowed: frozenset[str]
    size: tuple[int, int]
    object_ids: frozenset[int]


def find_format(name: str) -> Format:
    """The format of a name; an unknown one is answered with the known ones."""
    return lookup("format", name, {known: known for known in get_args(Format)})


def expected(config: Config) -> dict[str, Expected]:
    """What the server of a dataset's split expects, by sequence.

    DAVIS: every frame of every sequence, with the ids of the first mask. YouTube-VOS: the frames that
    ``meta.json`` lists for any object; every other frame of the video may be there and is not scored.

    Raises
    ------
    FileNotFoundError, ValueError
        If the dataset is not where it should be, or is incomplete.
    """
    dataset = config.open()
    if isinstance(config, DavisConfig):
        return {video: _all_frames(dataset, place) for place, video in enumerate(dataset.names())}
    root = find_root("youtube-vos", config.root, HOW_TO_GET)
    meta = read_meta(root / config.split / "meta.json", config.categories)
    listed = {
        name: {stem for entry in meta[name].values() for stem in entry.frames} for name in dataset.names()
    }
    return {name: _listed(dataset, place, listed) for place, name in enumerate(dataset.names())}


def whole_set(config: Config, root: Path | None = None, split: str | None = None) -> Config:
    """The configuration of everything that a server scores: no choice of sequences, no prefix of frames."""
    changes: dict[str, object] = {"sequences": None, "frames": None}
    changes |= {"root": root} if root is not None else {}
    changes |= {"split": split} if split is not None else {}
    return config.model_copy(update=changes)


def _all_frames(dataset: VideoFolder, place: int) -> Expected:
    video = dataset[place]
    frames = frozenset(video.frame_names)
    return Expected(frames, frames, video.size, frozenset(video.object_ids))


def _listed(dataset: VideoFolder, place: int, listed: Mapping[str, set[str]]) -> Expected:
    video = dataset[place]
    frames = frozenset(listed[video.name])
    return Expected(frames, frames.union(video.frame_names), video.size, frozenset(video.object_ids))
