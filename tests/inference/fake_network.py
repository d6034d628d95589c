"""A network without weights: it repeats the newest mask it reads, scores as scripted, and writes down what it saw."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, interpolate

from qpm.datasets.video import Video
from qpm.frames import MEAN, STD
from qpm.model import Memory, Query, QueryFeatures

SIZE = (32, 48)  # two by three memory locations
PLACES = {1: (0, 0), 2: (0, 16), 3: (16, 0), 4: (16, 32)}  # top left corner of each object's 16 x 16 square

Score = Callable[[int, int], float]  # frame index, position of the object -> raw score


class FakeNetwork(nn.Module):
    """Answers like `qpm.model.Network`; a frame's number is its grey value.

    Parameters
    ----------
    scores : mapping or callable
        Raw score by frame, 0.8 where none is given; or a function of frame and object position.
    drift : float
        Probability that a mask loses from frame to frame.
    """

    def __init__(self, scores: Mapping[int, float] | Score | None = None, drift: float = 0.0) -> None:
        super().__init__()
        self.config = SimpleNamespace(quality=object(), prior=object(), padding="mean_colour")
        self.anywhere = nn.Parameter(torch.zeros(()), requires_grad=False)
        self.score: Score = scores if callable(scores) else lambda frame, _: (scores or {}).get(frame, 0.8)
        self.drift = drift
        self.encoded: list[int] = []
        self.memorized: list[tuple[int, Tensor]] = []  # frame, masks
        self.read: list[tuple[int, list[list[int]]]] = []  # frame, frames read by each object of the group
        self.priors: list[Tensor | None] = []
        self.eval()

    def encode_query(self, frame: Tensor) -> QueryFeatures:
        self.encoded.append(number(frame))
        return QueryFeatures(frame, frame, frame)

    def enhance(self, features: QueryFeatures, prior: Tensor | None) -> Query:
        self.priors.append(prior)
        small = avg_pool2d(features.f4, 16)
        return Query(features, small, small, None if prior is None else avg_pool2d(prior, 16))

    def memorize(self, frame: Tensor, masks: Tensor) -> Memory:
        index, objects = number(frame), masks.shape[1]
        self.memorized.append((index, masks.clone()))
        value = avg_pool2d(masks, 16)[:, :, None]  # (1, O, 1, h, w)
        scores = [self.score(index, place) for place in range(objects)]
        scored = torch.tensor([scores]) if self.config.quality is not None else None
        return Memory(torch.full_like(value, index), value, scored)

    def segment(self, query: Query, memory_key: Tensor, memory_value: Tensor) -> Tensor:
        frames = memory_key[0, :, 0, :, 0, 0].round().int().tolist()
        self.read.append((number(query.features.f4), frames))
        newest = memory_value[:, :, 0, -1] * (1 - self.drift)
        return interpolate(newest, scale_factor=16, mode="nearest").clamp(0, 1)


def number(frame: Tensor) -> int:
    """The index of a frame, read from its first pixel."""
    return round(((frame[0, 0, 0, 0].item() * STD[0]) + MEAN[0]) * 255)


def squares(*objects: int) -> np.ndarray:
    """Labels with every object on its own square."""
    labels = np.zeros(SIZE, dtype=np.uint8)
    for object_id in objects:
        top, left = PLACES[object_id]
        labels[top : top + 16, left : left + 16] = object_id
    return labels


def video(frames: int = 12, first_frames: Mapping[int, int] | None = None, **changes: object) -> Video:
    """A video whose frames are as grey as their index says, with still objects."""
    first = dict(first_frames or {1: 0})
    facts: dict[str, object] = {
        "dataset": "fake",
        "name": "still",
        "frame_names": tuple(f"{index:05d}" for index in range(frames)),
        "size": SIZE,
        "object_ids": tuple(sorted(first)),
        "first_frames": first,
        "read_frame": lambda index: np.full((*SIZE, 3), index, dtype=np.uint8),
        "read_labels": lambda index: squares(*(k for k, begin in first.items() if begin <= index)),
    }
    return Video(**facts | changes)  # type: ignore[arg-type]
