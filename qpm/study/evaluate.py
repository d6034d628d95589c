"""One evaluation: every video of a dataset through the loop, every object and frame a row."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from qpm import rows as tidy
from qpm.datasets.video import Video
from qpm.devices import choose_device, choose_dtype
from qpm.files import write_atomic
from qpm.images import write_labels
from qpm.inference import Ensemble, FrameResult, propagate, resolve
from qpm.metrics.frame import frame_measures
from qpm.metrics.protocols import scored_frames
from qpm.model import load_network
from qpm.seeding import seed_everything
from qpm.study.config import TrialConfig

log = logging.getLogger(__name__)

Tell = Callable[[int, int, str, str], None]  # frames done, frames in all, the video, the device


def evaluate(config: TrialConfig, progress: Tell | None = None, masks: Path | None = None) -> pd.DataFrame:
    """Segment and score a dataset under one policy.

    Parameters
    ----------
    config : TrialConfig
    progress : callable, optional
        Told after every frame.
    masks : Path, optional
        Where the label maps that the config wants saved go, as ``<sequence>/<frame>.png``.

    Returns
    -------
    DataFrame
        The tidy table of `qpm.rows`, checked; also the frames that do not count (`scored` is False there).
    """
    seed_everything(config.seed)
    device = choose_device(config.inference.device)
    dtype = choose_dtype(config.inference.precision, device)
    networks = [load_network(name).to(device) for name in config.weight_names]
    network = Ensemble.of(networks, config.inference.flip)
    dataset = config.dataset.open()
    videos = [dataset[place] for place in range(len(dataset))]
    done, total = 0, sum(len(video) for video in videos)
    log.info("%s %s: %d videos, %d frames on %s", config.study, config.case, len(videos), total, device)
    records: list[dict[str, Any]] = []
    for video in videos:
        scored = scored_objects(video, dataset.protocol)
        for result, seconds, peak in _timed(_results(config, network, video, dtype), device):
            records += frame_rows(video, result, scored, seconds, peak)
            if masks is not None and config.keeps_masks(video.name):
                mask = masks / video.name / f"{result.name}.png"
                write_atomic(mask, partial(write_labels, labels=result.labels))
            done += 1
            if progress is not None:
                progress(done, total, video.name, str(device))
    table = pd.DataFrame(records, columns=None if records else list(tidy.COLUMNS))
    names = {"study": config.study, "case": config.case, "seed": config.seed, "dataset": config.dataset.name}
    return tidy.check(table.assign(**names))


def scored_objects(video: Video, protocol: str) -> dict[int, np.ndarray]:
    """Per object, on which frames it counts (bool per frame)."""
    frames = len(video)
    return {
        object_id: scored_frames(protocol, frames, video.first_frames[object_id], video.truth_frames)
        for object_id in video.object_ids
    }


def frame_rows(
    video: Video,
    result: FrameResult,
    scored: dict[int, np.ndarray],
    seconds: float,
    peak_bytes: int | None = None,
) -> list[dict[str, Any]]:
    """The rows of a finished frame, one per object given so far; j and f are NaN where there is no truth."""
    truth = video.read_labels(result.index) if video.has_truth(result.index) else None
    j, f = _measures(truth, result)
    common = {
        "sequence": video.name,
        "attributes": ";".join(video.attributes),
        "frame": result.name,
        "frame_index": result.index,
        "prior_frame": result.prior_frame,
        "bank_frames": result.bank_frames,
        "bank_bytes": result.bank_bytes,
        "peak_bytes": peak_bytes,
        "seconds": seconds,
    }
    return [
        {
            **common,
            "object_id": object_id,
            "category": video.categories.get(object_id, ""),
            "seen": video.seen.get(object_id),
            "annotated": video.first_frames[object_id] == result.index,
            "scored": truth is not None and bool(scored[object_id][result.index]),
            "present": None if truth is None else bool((truth == object_id).any()),
            "area": None if truth is None else float((truth == object_id).mean()),
            "j": j[place],
            "f": f[place],
            **{name: values[place] for name, values in result.signals.items()},
            "iou_true": j[place],  # a rule's own view of it is NaN where the object is absent, as in training
            "memorized": ";".join(shelf for shelf in result.memorized if _kept(result, shelf, object_id)),
        }
        for place, object_id in enumerate(result.object_ids)
    ]


def _results(
    config: TrialConfig, network: Ensemble, video: Video, dtype: torch.dtype | None
) -> Iterator[FrameResult]:
    side = config.inference.longest(video.size)
    policy = resolve(config.policy, network, video, max_side=side, dtype=dtype, seed=config.seed)
    return propagate(network, video, policy, max_side=side, dtype=dtype)


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


def _measures(truth: np.ndarray | None, result: FrameResult) -> tuple[Sequence[float], Sequence[float]]:
    if truth is None:
        nothing = [float("nan")] * len(result.object_ids)
        return nothing, nothing
    j, f = frame_measures(truth, result.labels, result.object_ids)
    return j.tolist(), f.tolist()


def _kept(result: FrameResult, shelf: str, object_id: int) -> bool:
    objects = result.memorized_objects.get(shelf)
    return objects is None or object_id in objects
