"""One evaluation: every video of a dataset through the loop, every object and frame a row."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from qpm import rows as tidy
from qpm.datasets.video import Video
from qpm.files import write_atomic
from qpm.images import write_labels
from qpm.inference import FrameResult, propagate, resolve
from qpm.seeding import seed_everything
from qpm.study.config import TrialConfig
from qpm.study.frame_rows import frame_rows, scored_objects, trial_table
from qpm.study.setup import Setup
from qpm.study.shared_sweep import find_sweep

log = logging.getLogger(__name__)

Tell = Callable[..., None]  # frames done, frames in all, the video, the device; see `qpm.study.progress_file`


def evaluate(
    config: TrialConfig,
    progress: Tell | None = None,
    masks: Path | None = None,
    shared: Path | None = None,
) -> pd.DataFrame:
    """Segment and score a dataset under one policy.

    Parameters
    ----------
    config : TrialConfig
    progress : callable, optional
        Told after every frame.
    masks : Path, optional
        Where the label maps that the config wants saved go, as ``<sequence>/<frame>.png``.
    shared : Path, optional
        The trial's folder. If its record says that the trial shares a sweep with others, this takes part in the
        sweep and gives the rows that it found: the same as alone (`qpm.study.shared_sweep`).

    Returns
    -------
    DataFrame
        The tidy table of `qpm.rows`, checked; also the frames that do not count (`scored` is False there).
    """
    seed_everything(config.seed)
    setup = Setup(config)
    sweep = find_sweep(shared, setup) if shared is not None else None
    if sweep is not None:
        sweep.work(progress)
    total, tables = sum(len(video) for video in setup.videos), list[pd.DataFrame]()
    for place, video in enumerate(setup.videos):
        done = sum(len(earlier) for earlier in setup.videos[:place])
        found = sweep.rows(place) if sweep is not None else None
        if found is None:
            tell = None if progress is None else partial(_tell, progress, done, total, video.name, str(setup.device))
            found = _alone(setup, video, tell, masks)
        tables.append(found)
    return tidy.check(pd.concat(tables, ignore_index=True)) if tables else trial_table(config, [])


def _alone(setup: Setup, video: Video, tell: Callable[[int], None] | None, masks: Path | None) -> pd.DataFrame:
    """The rows of one video, from a run of its own."""
    config, scored = setup.config, scored_objects(video, setup.dataset.protocol)
    log.info("%s %s: %s on %s", config.study, config.case, video.name, setup.device)
    records: list[dict[str, Any]] = []
    for frame, (result, seconds, peak) in enumerate(_timed(_results(setup, video), setup.device), start=1):
        records += frame_rows(video, result, scored, seconds, peak)
        if masks is not None and config.keeps_masks(video.name):
            mask = masks / video.name / f"{result.name}.png"
            write_atomic(mask, partial(write_labels, labels=result.labels))
        if tell is not None:
            tell(frame)
    return trial_table(config, records)


def _tell(progress: Tell, before: int, total: int, video: str, device: str, frames: int) -> None:
    progress(before + frames, total, video, device)


def _results(setup: Setup, video: Video) -> Iterator[FrameResult]:
    config, loop = setup.config, setup.loop(video)
    policy = resolve(config.policy, setup.network, video, seed=config.seed, **loop)
    return propagate(setup.network, video, policy, **loop)


def _timed(
    results: Iterator[FrameResult], device: torch.device
) -> Iterator[tuple[FrameResult, float, int | None]]:
    """Each result with the seconds that it took, reading the frame included, scoring not, and a GPU's peak bytes."""
    while True:
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
        began = time.perf_counter()
        result = next(results, None)
        if result is None:
            return
        seconds = time.perf_counter() - began
        yield result, seconds, torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None
