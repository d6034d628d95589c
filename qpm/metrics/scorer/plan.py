"""What will be read and scored: a job for each sequence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from qpm.metrics.scorer.profiles import Objects, Profile
from qpm.metrics.scorer.store import MaskStore
from qpm.metrics.scorer.youtube import ListedObject


class Frame(NamedTuple):
    """Place in the sequence, from 0, and stem of the file."""

    frame_index: int
    stem: str


@dataclass(frozen=True)
class Job:
    """The frames of one folder of masks that are scored.

    Attributes
    ----------
    sequence, folder : str
        Name of the video, and of the folder of its masks; they differ where each object has a folder.
    objects : str
        See `Objects`.
    frames : tuple of Frame
        In order.
    first_stem : str
        The first frame of the truth.
    object_id : int, optional
        Name of the one object that every non-zero pixel belongs to.
    listed : mapping
        Object id -> stems of the frames on which it is scored, where objects are listed.
    """

    sequence: str
    folder: str
    objects: Objects
    frames: tuple[Frame, ...]
    first_stem: str
    object_id: int | None = None
    listed: Mapping[int, frozenset[str]] | None = None

    @property
    def reads_first(self) -> bool:
        """Whether the truth's first frame is read: it decides the objects, or tells which of them enter late."""
        return self.objects == "first frame" or (self.objects == "appeared" and self.object_id is None)


class Plan(NamedTuple):
    """Jobs, what makes scoring impossible, and what the reader of the report should know."""

    jobs: tuple[Job, ...]
    faults: tuple[str, ...]
    remarks: tuple[str, ...]


def plan(
    profile: Profile,
    truth: MaskStore,
    folders: list[str],
    meta: Mapping[str, Mapping[int, ListedObject]],
) -> Plan:
    """Decide which frames of which folders are scored.

    Parameters
    ----------
    profile : Profile
        The protocol.
    truth : MaskStore
        Its frames decide.
    folders : list of str
        Folders of the truth to score.
    meta : mapping
        Sequence -> object id -> what ``meta.json`` says of it; empty where objects are not listed.
    """
    jobs: list[Job] = []
    faults: list[str] = []
    remarks: list[str] = []
    for folder in folders:
        job = (
            _listed(profile, truth, folder, meta)
            if profile.objects == "listed"
            else _all(profile, truth, folder)
        )
        if isinstance(job, str):
            faults.append(job)
        elif job.frames:
            jobs.append(job)
        else:
            text = f"{folder}: {len(truth.folders[folder])} frames, and {_ends(profile)} left out: nothing to score"
            (faults if profile.objects == "first frame" else remarks).append(text)
    return Plan(tuple(jobs), tuple(faults), tuple(remarks))


def _all(profile: Profile, truth: MaskStore, folder: str) -> Job | str:
    """Every frame but the ends."""
    stems = list(truth.folders[folder])
    frames = tuple(Frame(index, stem) for index, stem in enumerate(stems))[1:-1]
    if profile.objects == "one":
        return Job(folder, folder, "one", frames, stems[0], object_id=1)
    sequence, _, object_name = folder.rpartition("/")
    if not sequence:
        return Job(folder, folder, profile.objects, frames, stems[0])
    if not object_name.isdigit():
        return f"{truth.root}: folder '{folder}' should be <sequence>/<object>, the object a number"
    return Job(sequence, folder, profile.objects, frames, stems[0], object_id=int(object_name))


def _listed(
    profile: Profile, truth: MaskStore, folder: str, meta: Mapping[str, Mapping[int, ListedObject]]
) -> Job | str:
    """The frames that the objects' lists name, without the ends of each list."""
    if folder not in meta:
        return f"{folder}: not in meta.json, so its objects are unknown"
    start, stop = int(profile.leave_out_first), -1 if profile.leave_out_last else None
    listed = {k: frozenset(entry.frames[start:stop]) for k, entry in meta[folder].items()}
    stems = sorted(set(truth.folders[folder]).union(*(entry.frames for entry in meta[folder].values())))
    wanted = frozenset().union(*listed.values())
    frames = tuple(Frame(index, stem) for index, stem in enumerate(stems) if stem in wanted)
    return Job(folder, folder, "listed", frames, stems[0], listed=listed)


def _ends(profile: Profile) -> str:
    if profile.objects == "listed":
        return "the ends of each object's list are"
    return "the first and the last are"
