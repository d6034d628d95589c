"""A network judged in the middle of its training: whole videos under one policy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from qpm.devices import choose_dtype
from qpm.inference import Ensemble, propagate, resolve
from qpm.metrics import summary
from qpm.metrics.calibration import samples, spearman
from qpm.model import Network
from qpm.rows import check
from qpm.study.evaluate import frame_rows, scored_objects
from qpm.training.config import ValidationConfig

Validate = Callable[[Network], dict[str, float]]


def validation(config: ValidationConfig, precision: str = "auto", seed: int = 0) -> Validate:
    """A function that answers with a network's measures on the videos of `config`, which are found now.

    `val_J_and_F`, `val_J`, `val_F` over objects; for networks with a quality head `val_score_spearman` and
    `val_score_raw_spearman`: rank correlation of the predicted quality, relative to the first frame and raw, with the
    true IoU, over object frames.
    """
    dataset = config.dataset.open()
    videos = [dataset[place] for place in range(len(dataset))]

    def validate(network: Network) -> dict[str, float]:
        ensemble = Ensemble.of(network)
        dtype = choose_dtype("32" if precision == "16" else precision, ensemble.device)
        records: list[dict[str, Any]] = []
        for video in videos:
            policy = resolve(config.policy, ensemble, video, max_side=config.max_side, dtype=dtype, seed=seed)
            scored = scored_objects(video, dataset.protocol)
            for result in propagate(ensemble, video, policy, max_side=config.max_side, dtype=dtype):
                records += frame_rows(video, result, scored, seconds=0.0)
        return measures(check(pd.DataFrame(records)))

    return validate


def measures(rows: pd.DataFrame) -> dict[str, float]:
    """The few numbers of a validation, by the names that a training's log gives them."""
    scores = summary.davis(rows)
    found = {"val_J_and_F": scores["J&F"], "val_J": scores["J_mean"], "val_F": scores["F_mean"]}
    for name in ("score", "score_raw"):
        if rows[name].notna().any():
            judged = samples(rows, name, empty_union=False)
            found[f"val_{name}_spearman"] = spearman(judged["score"].to_numpy(), judged["iou"].to_numpy())
    return found
