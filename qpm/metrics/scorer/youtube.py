"""Objects, frames and categories of YouTube-VOS, from its ``meta.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from qpm.metrics.scorer.refusal import Refusal

SEEN_CATEGORIES = frozenset(
    """
    airplane ape bear bike bird boat bucket bus camel cat cow crocodile deer dog dolphin duck eagle
    earless_seal elephant fish fox frisbee frog giant_panda giraffe hand hat hedgehog horse knife leopard lion
    lizard monkey motorbike mouse others owl paddle parachute parrot penguin person plant rabbit raccoon sedan
    shark sheep sign skateboard snail snake snowboard squirrel surfboard tennis_racket tiger toilet train truck
    turtle umbrella whale zebra
    """.split()
)
"""The 65 categories of the training set; any other one is unseen."""


class ListedObject(NamedTuple):
    """Category and frames (stems, in order) of an object; its mask is given on the first of them."""

    category: str
    frames: tuple[str, ...]

    @property
    def seen(self) -> bool:
        """Whether the training set holds the category."""
        return self.category in SEEN_CATEGORIES


Meta = dict[str, dict[int, ListedObject]]


def read_meta(truth: Path, meta: Path | None = None, categories: Path | None = None) -> Meta:
    """Objects of every video.

    Parameters
    ----------
    truth : Path
        Folder of the truth; ``meta.json`` is looked for in it and beside it.
    meta : Path, optional
        The file itself.
    categories : Path, optional
        JSON, video -> object id -> category, for a ``meta.json`` that has none.

    Returns
    -------
    dict
        Video -> object id -> `ListedObject`.

    Raises
    ------
    Refusal
        If there is no such file, it is not of the published form, or objects have no category.
    """
    path = _find(truth, meta)
    names = _load(categories) if categories else {}
    try:
        videos = {
            video: {
                int(k): ListedObject(
                    names.get(video, {}).get(k, entry.get("category") or ""), tuple(sorted(entry["frames"]))
                )
                for k, entry in content["objects"].items()
            }
            for video, content in _load(path)["videos"].items()
        }
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        expected = '{"videos": {video: {"objects": {"1": {"category": "...", "frames": ["00000", ...]}}}}}'
        raise Refusal([f"{path} is no meta.json of YouTube-VOS ({error!r}); expected {expected}"]) from error
    return videos


def without_category(meta: Mapping[str, Mapping[int, ListedObject]], videos: list[str]) -> list[str]:
    """Faults: objects of these videos whose category is not known."""
    return [
        f"{video} object {k} has no category; give a JSON of video -> object id -> category as categories"
        for video in videos
        for k, entry in meta.get(video, {}).items()
        if not entry.category
    ]


def _find(truth: Path, meta: Path | None) -> Path:
    places = [Path(meta)] if meta else [Path(truth) / "meta.json", Path(truth).parent / "meta.json"]
    for place in places:
        if place.is_file():
            return place
    raise Refusal(
        [f"no meta.json at {' or '.join(map(str, places))}; youtube-vos reads objects and frames from it"]
    )


def _load(path: Path) -> Any:
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Refusal([f"{path} is no readable JSON: {error}"]) from error
