"""Every file is looked at before anything is scored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from qpm.metrics.scorer.decode import Header, read_header
from qpm.metrics.scorer.plan import Job
from qpm.metrics.scorer.store import MaskStore


def check_files(jobs: Iterable[Job], truth: MaskStore, prediction: MaskStore) -> list[str]:
    """Faults of the files that the jobs will read, a line each; none if all can be scored.

    Headers and checksums only; pixels are decoded once, when they are scored.
    """
    return [
        fault for job in jobs for stem in _stems(job) for fault in _pair_faults(job, stem, truth, prediction)
    ]


def _stems(job: Job) -> list[str]:
    scored = [frame.stem for frame in job.frames]
    return [job.first_stem, *scored] if job.reads_first else scored


def _pair_faults(job: Job, stem: str, truth: MaskStore, prediction: MaskStore) -> Iterator[str]:
    expected = _header(truth, job.folder, stem)
    if expected.fault:
        yield f"{truth.where(job.folder, stem)} {expected.fault}"
    if stem == job.first_stem and job.reads_first:
        return  # the prediction of a frame that is not scored need not be there
    found = _header(prediction, job.folder, stem)
    if found.fault:
        yield f"{prediction.where(job.folder, stem)} {found.fault}"
    if expected.size and found.size and expected.size != found.size:
        yield (
            f"{prediction.where(job.folder, stem)} is {_wide(found.size)}, the truth {_wide(expected.size)}; masks "
            "are never resized: predict at the size of the truth"
        )


def _header(store: MaskStore, folder: str, stem: str) -> Header:
    if stem not in store.folders.get(folder, {}):
        return Header(None, "is missing")
    with store.open(folder, stem) as stream:
        return read_header(stream)


def _wide(size: tuple[int, int]) -> str:
    return f"{size[1]} x {size[0]}"
