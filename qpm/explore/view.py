"""What is to be seen of one frame: masks, memory, gate, and where a pixel read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from qpm.inference.replay import Replay


@dataclass(frozen=True, eq=False)
class View:
    """One frame of a replay.

    Parameters
    ----------
    index : int
    frame : uint8 (H, W, 3)
    labels : uint8 (H, W)
        As predicted, or as given.
    truth : uint8 (H, W), optional
    gate : float (H, W), optional
        The prior gate of Eq. 4.
    pixel : (row, column)
    object_id : int
    entries : DataFrame
        ``frame shelves score read``: the frames in memory, their score and the share that the pixel read from each.
    affinity : mapping
        Memory frame -> float (H, W), the weight of each cell.
    memory : mapping
        Memory frame -> uint8 (H, W, 3).
    """

    index: int
    frame: np.ndarray
    labels: np.ndarray
    truth: np.ndarray | None
    gate: np.ndarray | None
    pixel: tuple[int, int]
    object_id: int
    entries: pd.DataFrame
    affinity: Mapping[int, np.ndarray]
    memory: Mapping[int, np.ndarray]


def look(replay: Replay, index: int, object_id: int, pixel: tuple[int, int], most: int = 6) -> View:
    """Look into a frame.

    Parameters
    ----------
    replay : Replay
    index, object_id, pixel
        See `Replay.affinity`.
    most : int
        Pictures of this many memory frames are read: those from which the pixel reads most.
    """
    video, result = replay.video, replay.step(index).result
    weights = replay.affinity(index, object_id, pixel)
    read = {frame: float(cells.sum()) for frame, cells in weights.items()}
    shown = sorted(sorted(read, key=lambda frame: -read[frame])[:most])
    return View(
        index,
        video.read_frame(index),
        result.labels,
        video.read_labels(index) if video.has_truth(index) else None,
        replay.gate(index),
        pixel,
        object_id,
        entries(replay, index, read),
        {frame: replay.on_frame(weights[frame]) for frame in shown},
        {frame: video.read_frame(frame) for frame in shown},
    )


def entries(replay: Replay, index: int, read: Mapping[int, float]) -> pd.DataFrame:
    """Return the frames in memory at a frame, with what a pixel read from each; see `View`."""
    records = []
    for frame, shelves in replay.shelves(index).items():
        scores = replay.step(frame).result.signals.get("score", ())
        score = float(np.mean(scores)) if len(scores) else float("nan")
        records.append({"frame": frame, "shelves": ", ".join(shelves), "score": score, "read": read.get(frame)})
    return pd.DataFrame(records, columns=["frame", "shelves", "score", "read"])
