"""J and F of one sequence, frame after frame: memory does not grow with its length."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from qpm.metrics.frame import frame_measures
from qpm.metrics.scorer.decode import read_labels
from qpm.metrics.scorer.plan import Job
from qpm.metrics.scorer.store import MaskStore

VOID = 255


class Measure(NamedTuple):
    """J and F of an object on a frame, and whether the truth holds it there."""

    object_id: int
    frame_index: int
    stem: str
    present: bool
    j: float
    f: float


@dataclass
class SequenceScore:
    """What one job found.

    Attributes
    ----------
    sequence, folder : str
        Name of the video, and of the folder of its masks.
    measures : list of Measure
        In the order of the frames.
    faults : list of str
        Files that turned out not to be label maps.
    extra : Counter
        Predicted id that is not scored -> number of frames.
    late : dict
        Object that the first truth frame does not hold -> stem of the frame where the truth first does.
    gaps : list of int
        Ids below the largest one that the first truth frame does not hold.
    void : int
        Number of truth frames with pixels of 255.
    """

    sequence: str
    folder: str
    measures: list[Measure] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    extra: Counter[int] = field(default_factory=Counter)
    late: dict[int, str] = field(default_factory=dict)
    gaps: list[int] = field(default_factory=list)
    void: int = 0


def score_sequence(job: Job, truth: MaskStore, prediction: MaskStore) -> SequenceScore:
    """Measure every object on every frame of a job; files that are no label maps become faults."""
    score = SequenceScore(job.sequence, job.folder)
    first_ids = _first_ids(job, truth, score)
    in_truth: set[int] = set()
    predicted = Counter[int]()
    for frame_index, stem in job.frames:
        expected, truth_ids = _read_truth(job, stem, truth, score)
        found, ids = _read(prediction, job, stem, score)
        if score.faults:
            continue  # nothing of this run will be shown: go on for the other faults only
        score.late |= dict.fromkeys(truth_ids - in_truth - first_ids, stem)
        in_truth |= truth_ids
        predicted.update(ids)
        wanted = _wanted(job, stem, first_ids, in_truth | predicted.keys())
        for k, j, f in zip(wanted, *frame_measures(expected, found, wanted), strict=True):
            score.measures.append(Measure(k, frame_index, stem, k in truth_ids, float(j), float(f)))
    return _finish(job, score, first_ids, predicted)


def _first_ids(job: Job, truth: MaskStore, score: SequenceScore) -> set[int]:
    """Ids of the truth's first frame; with objects of the first frame a sequence without any is a fault."""
    if not job.reads_first:
        return set()
    _, ids = _read_truth(job, job.first_stem, truth, score)
    if job.objects == "first frame" and not ids and not score.faults:
        void = (
            " but 255, which is background here; for masks of 0 and 255 use davis2016" if score.void else ""
        )
        score.faults.append(f"{truth.where(job.folder, job.first_stem)} holds no object{void}")
    return ids


def _wanted(job: Job, stem: str, first_ids: set[int], appeared: set[int]) -> list[int]:
    """Objects to measure on a frame."""
    if job.objects == "first frame":
        return list(range(1, max(first_ids, default=0) + 1))
    if job.listed is not None:
        return sorted(k for k, stems in job.listed.items() if stem in stems)
    return [1] if job.objects == "one" else sorted(appeared)


def _read_truth(job: Job, stem: str, truth: MaskStore, score: SequenceScore) -> tuple[np.ndarray, set[int]]:
    """Label map and ids of the truth, without void where that is background."""
    labels, ids = _read(truth, job, stem, score)
    score.void += VOID in ids
    if VOID not in ids or job.objects != "first frame":
        return labels, ids
    return np.where(labels == VOID, np.uint8(0), labels), ids - {VOID}


def _read(store: MaskStore, job: Job, stem: str, score: SequenceScore) -> tuple[np.ndarray, set[int]]:
    try:
        with store.open(job.folder, stem) as stream:
            labels, ids = read_labels(stream)
    except ValueError as error:
        score.faults.append(f"{store.where(job.folder, stem)} {error}")
        return np.zeros((0, 0), np.uint8), set()
    if job.object_id is None:
        return labels, set(ids)
    return (labels > 0).astype(np.uint8), {1} if ids else set()


def _finish(job: Job, score: SequenceScore, first_ids: set[int], predicted: Counter[int]) -> SequenceScore:
    """Drop what only the prediction showed, and give an object with a folder of its own its name."""
    if job.objects == "appeared":
        in_truth = {measure.object_id for measure in score.measures if measure.present}
        score.measures = [measure for measure in score.measures if measure.object_id in in_truth]
    if job.object_id is not None:
        score.measures = [measure._replace(object_id=job.object_id) for measure in score.measures]
        score.late = {}
        return score
    scored = {measure.object_id for measure in score.measures} | (job.listed or {}).keys()
    score.extra = Counter({k: count for k, count in predicted.items() if k not in scored})
    if job.objects == "first frame":
        score.gaps = sorted(set(range(1, max(first_ids, default=0))) - first_ids)
    if job.listed is not None:
        score.late = {}  # the list says when each object enters
    return score
