"""The stages of the paper's recipe as data: its own values, MiVOS's where it says "following MiVOS", and QDMN's.

Stage 0 trains on still images, stage 1 on BL30K, stage 2 on DAVIS and YouTube-VOS; each starts from the one before.
Batches are those of one of the paper's two GPUs: shapes (14, 1), (8, 2) and (8, 2).
"""

# What is the paper's own: crop, batches, stages, equal weights of the two losses (section 3.1). MiVOS's (code): Adam
# 1e-5, decay 1e-7, iterations, rate steps, bootstrapping from 20,000 to 70,000 iterations down to 0.15, skips, mixes,
# and which objects of BL30K count. Where this differs: clips are drawn with replacement, and crops keep half of a
# target in view.

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qpm.datasets.augment_ranges import STATIC, VIDEO
from qpm.names import lookup
from qpm.training.config import LossConfig, OptimiserConfig, StageConfig
from qpm.training.sources import Bl30kSource, DavisSource, StaticImagesSource, YoutubeVosSource

STATIC_FOLDERS = (("fss", 1), ("DUTS-TR", 1), ("DUTS-TE", 1), ("ecssd", 1), ("BIG_small", 5), ("HRSOD_small", 5))
DAVIS_CLIPS, YOUTUBE_CLIPS = 5 * 60, 3471  # DAVIS counts five times; their ratio is the mix


def _loss(iterations: int, **changes: Any) -> LossConfig:
    """BCE + MSE with equal weights; frames after the first are scored."""
    return LossConfig(
        bootstrap_start=20_000 / iterations, bootstrap_end=70_000 / iterations, bootstrap_final=0.15,
        dice=0, score=1, score_first=False, corrupted_score=0, prior_dropped=0, **changes,
    )  # fmt: skip


def _optimiser(rate: float, iterations: int, *steps: int) -> OptimiserConfig:
    """Adam at one rate for all parameters; the rate falls to a tenth at each of `steps` (iterations)."""
    return OptimiserConfig(
        algorithm="adam", rate=rate, memory_encoder_rate=rate, query_encoder_rate=rate, frozen=(), weight_decay=1e-7,
        clip_norm=None, schedule="steps", warm_up=0, steps=tuple(step / iterations for step in steps),
    )  # fmt: skip


def _stage(
    rate: float, iterations: int, *steps: int, loss: Mapping[str, Any] | None = None, **settings: Any
) -> StageConfig:
    return StageConfig(
        size=384, length=3, iterations=iterations, loss=_loss(iterations, **(loss or {})),
        optimiser=_optimiser(rate, iterations, *steps), **settings,
    )  # fmt: skip


def _gaps(shares: tuple[float, ...], *gaps: int) -> tuple[tuple[float, int], ...]:
    return tuple(zip((0.0, *shares), gaps, strict=True))


_STATIC_SOURCES = (StaticImagesSource(folders=STATIC_FOLDERS, augment=STATIC),)
# MiVOS's skip m allows m + 1 frames between neighbours; QDMN's allows m
_BL30K = _gaps((0.1, 0.2, 0.3, 0.4, 0.8), 6, 11, 16, 21, 26, 6)
_DAVIS = _gaps((0.1, 0.2, 0.3, 0.4, 0.9), 6, 11, 16, 21, 26, 6)
_YOUTUBE = _gaps((0.1, 0.2, 0.3, 0.4, 0.9), 2, 3, 4, 5, 6, 2)  # of every 5th frame
_QDMN_BL30K = _gaps((0.1, 0.2, 0.3, 0.4, 0.8), 5, 10, 15, 20, 25, 5)
_QDMN_DAVIS = _gaps((0.1, 0.2, 0.3, 0.4, 0.7, 0.9), 5, 10, 15, 25, 10, 5, 1)
_QDMN_YOUTUBE = _gaps((0.1, 0.2, 0.3, 0.4, 0.7, 0.9), 1, 2, 3, 4, 5, 2, 1)


def _bl30k(gaps: tuple[tuple[float, int], ...]) -> tuple[Bl30kSource, ...]:
    return (Bl30kSource(objects=2, gap_steps=gaps, augment=VIDEO.model_copy(update={"crop": (0.25, 1.0)})),)


def _video(
    davis: tuple[tuple[float, int], ...], youtube: tuple[tuple[float, int], ...]
) -> tuple[DavisSource | YoutubeVosSource, ...]:
    return (
        DavisSource(year=2017, objects=2, gap_steps=davis, augment=VIDEO, weight=DAVIS_CLIPS),
        YoutubeVosSource(objects=2, gap_steps=youtube, augment=VIDEO, weight=YOUTUBE_CLIPS),
    )


_ONE, _TWO = ((14, 1),), ((8, 2),)
_PREVIOUS = {"prior": "previous"}
STAGES: dict[str, StageConfig] = {
    "paper_static": _stage(1e-5, 300_000, 250_000, sources=_STATIC_SOURCES, shapes=_ONE),
    "paper_bl30k": _stage(1e-5, 500_000, 450_000, sources=_bl30k(_BL30K), shapes=_TWO),
    "paper_video": _stage(1e-5, 150_000, 125_000, sources=_video(_DAVIS, _YOUTUBE), shapes=_TWO),
    # when BL30K is left out, stage 2 is twice as long (MiVOS's "s02")
    "paper_video_long": _stage(1e-5, 300_000, 250_000, sources=_video(_DAVIS, _YOUTUBE), shapes=_TWO),
    "qdmn_static": _stage(2e-5, 160_000, loss=_PREVIOUS, sources=_STATIC_SOURCES, shapes=_ONE),
    "qdmn_bl30k": _stage(2e-5, 250_000, loss=_PREVIOUS, sources=_bl30k(_QDMN_BL30K), shapes=_TWO),
    "qdmn_video": _stage(
        2e-5, 150_000, 70_000, loss=_PREVIOUS, sources=_video(_QDMN_DAVIS, _QDMN_YOUTUBE), shapes=_TWO
    ),
}


def with_preset(name: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a named stage with some of them changed, mappings key by key."""
    settings = lookup("stage", name, STAGES).model_dump()
    laid: dict[str, Any] = _laid(settings, {key: value for key, value in changes.items() if key != "preset"})
    return laid


def _laid(below: Any, over: Any) -> Any:
    """`over` laid on `below`: mappings key by key, a list by its places where `over` maps "0", "1", ... to changes."""
    if isinstance(over, Mapping) and isinstance(below, list | tuple) and all(str(key).isdigit() for key in over):
        refused = [key for key in over if int(key) >= len(below)]
        if refused:
            raise ValueError(f"'{refused[0]}' names no place of a list of {len(below)}; use 0 to {len(below) - 1}")
        return [_laid(item, over.get(str(place), item)) for place, item in enumerate(below)]
    if isinstance(over, Mapping) and isinstance(below, Mapping):
        return {**below, **{key: _laid(below.get(key), value) for key, value in over.items()}}
    return over
