"""Judge a finished frame: the named signals of its masks, per object."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from qpm.memory.signals import Box, Past, area_ratio, motion_iou

log = logging.getLogger(__name__)

LEAST_NORMALISER = 1e-3  # a first score below this is a collapsed head: dividing by it would invent quality
SPREAD = 0.1  # probability from which a pixel counts as claimed for the object, in `distractor`
HISTORY = frozenset({"area_ratio", "motion_iou"})

Values = dict[str, tuple[float, ...]]


@dataclass(frozen=True, eq=False)
class Judgement:
    """What judging needs to remember from frame to frame.

    Parameters
    ----------
    first_score : mapping
        Object id -> the raw score that its later scores are divided by (Eq. 2).
    labels : Tensor (H, W), optional
        Object ids of the previous frame at the network's size.
    past : mapping
        Object id -> its last areas and boxes.
    """

    first_score: Mapping[int, float] = field(default_factory=dict)
    labels: Tensor | None = None
    past: Mapping[int, Past] = field(default_factory=dict)


def mask_signals(
    maps: Tensor, objects: Sequence[int], index: int, needs: frozenset[str], before: Judgement
) -> tuple[Values, Judgement]:
    """The signals that the masks alone give.

    Parameters
    ----------
    maps : Tensor, (O + 1, H, W)
        Aggregated probabilities, background first, without padding.
    objects : sequence of int
        Their ids.
    needs : frozenset of str
        Names; `confidence` and `presence` are computed in any case.

    Returns
    -------
    values : dict
        Signal name -> one number per object.
    Judgement
        What the next frame needs to know.
    """
    ids = torch.tensor([0, *objects], device=maps.device)
    best, where = maps.max(dim=0)
    labels = ids[where]
    shown = labels == ids[1:, None, None]  # (O, H, W)
    area = shown.sum(dim=(1, 2))
    columns = [area, (shown * best).sum(dim=(1, 2)) / area, maps[1:].amax(dim=(1, 2))]
    if "temporal_iou" in needs:
        columns.append(_overlap_with(before.labels, shown, ids))
    areas, confidence, presence, *temporal = torch.stack([column.float() for column in columns]).tolist()
    values: Values = {"confidence": tuple(confidence), "presence": tuple(presence)}
    if temporal:
        values["temporal_iou"] = tuple(temporal[0])
    if "distractor" in needs:
        values["distractor"] = tuple(scattered(one) for one in maps[1:].cpu().numpy())
    after = replace(before, labels=labels if "temporal_iou" in needs else None)
    if needs & HISTORY:
        boxes = [bounding_box(one) for one in shown.cpu().numpy()]
        history, past = _history_signals(objects, index, areas, boxes, before.past)
        values, after = values | history, replace(after, past=past)
    return values, after


def quality_signals(
    raw: Tensor | None, objects: Sequence[int], new: Sequence[int], frame: str, before: Judgement
) -> tuple[Values, Judgement]:
    """Raw and relative quality (Eq. 2); the score of an object is 1 on the frame where its mask is given.

    A first score below 1e-3 is not used as a divisor: 1 takes its place, and a warning says so.
    """
    if raw is None:
        return {}, before
    scores = raw.tolist()
    first = dict(before.first_score)
    for object_id, score in zip(objects, scores, strict=True):
        if object_id in new:
            first[object_id] = score
            if not score > LEAST_NORMALISER:
                log.warning("frame %s: object %d scores %.2g with its given mask, scores stay absolute",
                            frame, object_id, score)  # fmt: skip
                first[object_id] = 1.0
    relative = tuple(score / first[object_id] for object_id, score in zip(objects, scores, strict=True))
    return {"score_raw": tuple(scores), "score": relative}, replace(before, first_score=first)


def true_iou(labels: np.ndarray, truth: np.ndarray | None, objects: Sequence[int]) -> Values:
    """IoU with the truth per object; NaN where both are empty, or without truth."""
    if truth is None:
        return {"iou_true": (math.nan,) * len(objects)}
    return {"iou_true": tuple(_iou(labels == object_id, truth == object_id) for object_id in objects)}


def scattered(probability: np.ndarray) -> float:
    """Share of the probability mass (H, W) that lies outside the heaviest connected component; NaN if none does."""
    components, count = ndimage.label(probability > SPREAD)
    if not count:
        return math.nan
    mass = ndimage.sum_labels(probability, components, index=np.arange(1, count + 1))
    return float(1 - mass.max() / mass.sum())


def bounding_box(shown: np.ndarray) -> Box | None:
    """Top, left, bottom, right (exclusive) of a binary map; None if it is empty."""
    rows, columns = np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))
    if not len(rows):
        return None
    return float(rows[0]), float(columns[0]), float(rows[-1] + 1), float(columns[-1] + 1)


def _overlap_with(labels_before: Tensor | None, shown: Tensor, ids: Tensor) -> Tensor:
    if labels_before is None:
        return torch.full((len(shown),), math.nan, device=shown.device)
    shown_before = labels_before == ids[1:, None, None]
    return (shown & shown_before).sum(dim=(1, 2)) / (shown | shown_before).sum(dim=(1, 2))


def _history_signals(
    objects: Sequence[int],
    index: int,
    areas: Sequence[float],
    boxes: Sequence[Box | None],
    before: Mapping[int, Past],
) -> tuple[Values, dict[int, Past]]:
    pasts = [before.get(object_id, Past()) for object_id in objects]
    values: Values = {
        "area_ratio": tuple(area_ratio(past, area) for past, area in zip(pasts, areas, strict=True)),
        "motion_iou": tuple(motion_iou(past, index, box) for past, box in zip(pasts, boxes, strict=True)),
    }
    after = [past.then(index, area, box) for past, area, box in zip(pasts, areas, boxes, strict=True)]
    return values, dict(zip(objects, after, strict=True))


def _iou(first: np.ndarray, second: np.ndarray) -> float:
    union = np.count_nonzero(first | second)
    return np.count_nonzero(first & second) / union if union else math.nan
