"""Sequences shared out among processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from multiprocessing import get_context

from qpm.metrics.scorer.plan import Job
from qpm.metrics.scorer.sequence import SequenceScore, score_sequence
from qpm.metrics.scorer.store import MaskStore

Progress = Callable[[int, int], None]


def score_all(
    jobs: Sequence[Job], truth: MaskStore, prediction: MaskStore, processes: int, progress: Progress | None
) -> list[SequenceScore]:
    """Scores of the jobs, in their order.

    Parameters
    ----------
    jobs : sequence of Job
        Each is scored by one process.
    truth, prediction : MaskStore
        Where the masks lie.
    processes : int
        With 1 everything happens in this process.
    progress : callable, optional
        Called after each job with the number of frames done and of all frames.
    """
    total, done = sum(len(job.frames) for job in jobs), 0
    results: dict[int, SequenceScore] = {}
    for place, score in _each(jobs, truth, prediction, min(processes, len(jobs))):
        results[place] = score
        done += len(jobs[place].frames)
        if progress:
            progress(done, total)
    return [results[place] for place in range(len(jobs))]


def _each(
    jobs: Sequence[Job], truth: MaskStore, prediction: MaskStore, processes: int
) -> Iterator[tuple[int, SequenceScore]]:
    if processes <= 1:
        for place, job in enumerate(jobs):
            yield place, score_sequence(job, truth, prediction)
        return
    longest_first = sorted(range(len(jobs)), key=lambda place: -len(jobs[place].frames))
    context = get_context("spawn")  # a fork of a process that has threads can hang
    with ProcessPoolExecutor(processes, context) as pool:
        futures = {
            pool.submit(
                score_sequence, jobs[place], _only(truth, jobs[place]), _only(prediction, jobs[place])
            ): place
            for place in longest_first
        }
        for future in as_completed(futures):
            yield futures[future], future.result()


def _only(store: MaskStore, job: Job) -> MaskStore:
    """The part of a store that a job reads: less to send to its process."""
    return replace(store, folders={job.folder: store.folders.get(job.folder, {})})
