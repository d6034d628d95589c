"""A finished frame becomes rows: its measures against the truth beside what the loop says of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from qpm import rows as tidy
from qpm.datasets.video import Video
from qpm.inference import FrameResult
from qpm.metrics.frame import frame_measures
from qpm.metrics.protocols import scored_frames
from qpm.study.config import TrialConfig


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


def trial_table(config: TrialConfig, records: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Rows of a trial, with its names, as the tidy table."""
    table = pd.DataFrame(records, columns=None if records else list(tidy.COLUMNS))
    return tidy.check(table.assign(**names(config)))


def names(config: TrialConfig) -> dict[str, Any]:
    """What stands in every row of a trial."""
    return {"study": config.study, "case": config.case, "seed": config.seed, "dataset": config.dataset.name}


def _measures(truth: np.ndarray | None, result: FrameResult) -> tuple[Sequence[float], Sequence[float]]:
    if truth is None:
        nothing = [float("nan")] * len(result.object_ids)
        return nothing, nothing
    j, f = frame_measures(truth, result.labels, result.object_ids)
    return j.tolist(), f.tolist()


def _kept(result: FrameResult, shelf: str, object_id: int) -> bool:
    objects = result.memorized_objects.get(shelf)
    return objects is None or object_id in objects
