"""Exact curves of a trial: its score at every value of a threshold, with the values at which it jumps."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from qpm.datasets.video import Video
from qpm.files import write_atomic
from qpm.inference import FrameResult, resolve
from qpm.inference.sweep import Cost, Curve, threshold_curve
from qpm.rows import is_kept
from qpm.study.config import TrialConfig
from qpm.study.frame_rows import frame_rows, names, scored_objects
from qpm.study.setup import Setup

log = logging.getLogger(__name__)

MEASURES = ("j", "f", "kept", "bank_frames")  # of a frame, averaged over an object's scored frames


def evaluate_curves(config: TrialConfig, progress: Callable[..., None] | None = None) -> pd.DataFrame:
    """Follow each of the trial's thresholds over its interval, the other settings as they are.

    Parameters
    ----------
    config : TrialConfig
        Its `curves`.
    progress : callable, optional
        Told before every video: videos done and in all, over all thresholds.

    Returns
    -------
    DataFrame
        One row per threshold, object and interval without a jump: ``study case seed dataset setting low high
        sequence object_id seen j f kept bank_frames frames``. The means over the object's scored frames hold for
        low <= threshold < high; ``frames`` is their number, ``kept`` the share that entered memory by the keep rule.
        ``cost`` in the table's `attrs` is what the network did.

    Raises
    ------
    ValueError
        If the policy has no such threshold, or an interval is empty.
    """
    setup, tables, cost = Setup(config), list[pd.DataFrame](), Cost()
    places = [(name, video) for name in config.curves for video in setup.videos]
    for done, (setting, video) in enumerate(places):
        if progress is not None:
            progress(done, len(places), f"curve of {setting} on {video.name}", str(setup.device))
        curve = _curve(setup, video, setting)
        tables.append(_rows(config, video, setting, curve))
        cost += curve.cost
    log.info("%d curves: %s", len(config.curves), cost)
    table = pd.concat(tables, ignore_index=True)
    table.attrs["cost"] = {"encoded": cost.encoded, "segmented": cost.segmented, "alone": cost.alone}
    return table


def write_curves(path: Path, curves: pd.DataFrame) -> None:
    """Write the table as one Parquet file, whole or not at all."""
    write_atomic(path, lambda partial: curves.to_parquet(partial, index=False))


def _curve(setup: Setup, video: Video, setting: str) -> Curve:
    config, loop = setup.config, setup.loop(video)
    scored = scored_objects(video, setup.dataset.protocol)

    def measure(result: FrameResult) -> dict[int, Any]:
        return {row["object_id"]: row for row in frame_rows(video, result, scored, 0.0) if row["scored"]}

    policy = resolve(config.policy, setup.network, video, seed=config.seed, **loop)
    return threshold_curve(setup.network, video, policy, {setting: config.curves[setting]}, measure, **loop)


def _rows(config: TrialConfig, video: Video, setting: str, curve: Curve) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for piece in curve.pieces:
        ((low, high),) = piece.bounds.values()
        frames = defaultdict[int, list[Any]](list)
        for measured, shelves in zip(piece.measured, piece.kept, strict=True):
            for object_id, row in measured.items():
                kept = is_kept(shelf for shelf, objects in shelves.items() if object_id in objects)
                frames[object_id].append([{**row, "kept": kept}[name] for name in MEASURES])
        for object_id, values in sorted(frames.items()):
            means = dict(zip(MEASURES, np.array(values, dtype=np.float64).mean(axis=0).tolist(), strict=True))
            where = {"setting": setting, "low": low, "high": high, "sequence": video.name, "object_id": object_id}
            rows.append(names(config) | where | {"seen": video.seen.get(object_id)} | means | {"frames": len(values)})
    return pd.DataFrame(rows)
