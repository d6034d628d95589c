"""Masks, scores and probabilities, written while the loop runs."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qpm import images
from qpm.files import write_atomic

if TYPE_CHECKING:  # the readers of this module's results need no torch
    from qpm.inference.propagate import FrameResult

SCORE_COLUMNS = ("frame", "object_id", "score_raw", "score", "memorized", "prior_frame", "bank_frames")


def save(results: Iterable[FrameResult], folder: Path, probabilities: bool = False) -> Iterator[FrameResult]:
    """Write each frame's files as it passes through.

    Parameters
    ----------
    results : iterable of FrameResult
        From `propagate`; with `probabilities` it must keep them.
    folder : Path
        Gets ``<frame>.png`` (palette, the video's size, the given ids) and ``scores.csv``, a line per object and frame.
    probabilities : bool
        Also write ``probabilities/<frame>.npz``: ``probabilities`` float32 (K+1, H, W), background first, and the K
        ``object_ids``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "scores.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, SCORE_COLUMNS)
        table.writeheader()
        for result in results:
            write_atomic(folder / f"{result.name}.png", partial(images.write_labels, labels=result.labels))
            if probabilities:
                write_atomic(
                    folder / "probabilities" / f"{result.name}.npz", partial(_write_probabilities, result)
                )
            table.writerows(score_rows(result))
            file.flush()
            yield result


def score_rows(result: FrameResult) -> Iterator[dict[str, object]]:
    """One line of `scores.csv` per object of a frame; a score that the network does not give is empty."""
    for position, object_id in enumerate(result.object_ids):
        scores = {
            name: result.signals[name][position] for name in ("score_raw", "score") if name in result.signals
        }
        yield {
            "frame": result.name,
            "object_id": object_id,
            **{name: "" if np.isnan(value) else f"{value:.6f}" for name, value in scores.items()},
            "memorized": ";".join(result.memorized),
            "prior_frame": "" if result.prior_frame is None else result.prior_frame,
            "bank_frames": result.bank_frames,
        }


def _write_probabilities(result: FrameResult, path: Path) -> None:
    assert result.probabilities is not None, "propagate was not asked to keep them"
    probabilities = result.probabilities.float().cpu().numpy()
    np.savez_compressed(path, probabilities=probabilities, object_ids=np.array(result.object_ids))
