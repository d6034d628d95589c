"""The tree of runs: a branch is a run that several members share, because their networks have seen the same."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, Protocol, Self, TypeVar

import torch

from qpm.datasets.video import Video
from qpm.inference.frame import EncodedFrame, FrameResult
from qpm.inference.propagate import segment
from qpm.inference.run import Run, encode, frames
from qpm.inference.state import LoopState
from qpm.inference.steps import Reading, choose, keep
from qpm.memory import Bank, FrameMemory, FrameState, MemoryPolicy


class Member(Protocol):
    """A policy, or a set of policies that have decided alike so far."""

    @property
    def policy(self) -> MemoryPolicy:
        """The policy, or any of the set."""
        ...

    def split(self, decide: Callable[[MemoryPolicy], Hashable]) -> Iterable[Self]:
        """The parts that decide alike; `decide` gives equal values for equal decisions."""
        ...


M = TypeVar("M", bound=Member)
T = TypeVar("T")
MAX_BRANCHES = 64
MAX_BYTES = 2_000_000_000  # of keys and values that the growing branches may hold


@dataclass(frozen=True, eq=False)
class Branch(Generic[M]):
    """Members that have given the network the same so far, and are about to do so again.

    Parameters
    ----------
    run : Run
        Its policy is not asked.
    members : sequence of (member, bank)
        The banks may differ in what is not read; their entries are shared, not copied.
    state : LoopState
        Its bank is that of some member: all hold the same annotated frames.
    reading : Reading
        What all members read at the next frame.
    """

    run: Run
    members: Sequence[tuple[M, Bank]]
    state: LoopState = field(default_factory=LoopState)
    reading: Reading = field(default_factory=Reading)


Kept = dict[str, tuple[int, ...]]  # shelf -> the objects for which it keeps the frame


@dataclass(frozen=True, eq=False)
class Growth(Generic[M]):
    """One segmented frame of a branch.

    Parameters
    ----------
    result : FrameResult
        Without what is memorized, which depends on the member.
    kept : sequence of (member, shelves)
        Every part of the branch's members, and what it memorized.
    after : tuple of Branch
        The branches that go on from here.
    nbytes : int
        Size of the frame's keys and values, for whoever keeps them.
    seconds : float
        What the frame takes, to encode and to segment, whoever shares it.
    """

    before: Branch[M]
    result: FrameResult
    kept: Sequence[tuple[M, Kept]]
    after: tuple[Branch[M], ...]
    nbytes: int = 0
    seconds: float = 0.0


class Tree(Generic[M]):
    """Goes through a video with all members, and gives every segmented frame of every branch.

    Branches advance side by side, and a frame's query features are computed once for all. Beyond
    `max_branches` the others wait until those are at the end; then a frame is encoded anew for them. What is
    held at any time is at most `max_branches` memories for each frame of the video, however many members. Fewer
    grow side by side where so many memories would exceed `max_bytes`, down to one.

    Attributes
    ----------
    encoded, segmented : int
        Frames so far, as in `Cost`.
    """

    def __init__(
        self, video: Video, roots: Sequence[Branch[M]], max_branches: int, max_bytes: float = MAX_BYTES
    ) -> None:
        if max_branches < 1:
            raise ValueError(f"max_branches is {max_branches}: at least one branch has to grow")
        self.encoded = self.segmented = 0
        self._video, self._width, self._max_bytes = video, max_branches, max_bytes
        computed = frozenset[str]().union(*(root.run.signals for root in roots))
        self._encoding = replace(roots[0].run, signals=computed)  # what is read of a frame serves all roots
        self._waiting = [(index, root) for index in frames(video)[:1] for root in roots]

    def __iter__(self) -> Iterator[Growth[M]]:
        while self._waiting:
            latest = max(index for index, _ in self._waiting)  # depth first: what waits is short-lived
            together = [branch for index, branch in self._waiting if index == latest]
            others = [(index, branch) for index, branch in self._waiting if index != latest]
            self._waiting = others + [(latest, branch) for branch in together[self._width :]]
            yield from self._grow(latest, together[: self._width])

    def _grow(self, first: int, branches: list[Branch[M]]) -> Iterator[Growth[M]]:
        for index in range(first, len(self._video)):
            frame, encoding = _timed(lambda index=index: encode(self._encoding, self._video, index))  # type: ignore[misc]
            self.encoded += 1
            grown: list[Branch[M]] = []
            while branches:
                growth = grow(frame, branches.pop(0), last=index + 1 == len(self._video))
                self.segmented += 1
                self._bound(growth.nbytes)
                grown += growth.after
                yield replace(growth, seconds=encoding + growth.seconds)
                del growth
            branches = grown[: self._width]
            self._waiting += [(index + 1, branch) for branch in grown[self._width :]]

    def _bound(self, nbytes: int) -> None:
        """Let only so many branches grow as can keep every frame of the video, if one is so large."""
        if nbytes:
            self._width = max(1, min(self._width, int(self._max_bytes // (nbytes * len(self._video)))))


def _timed(compute: Callable[[], T]) -> tuple[T, float]:
    """A value, and the seconds until it is there, also on a GPU."""
    began = time.perf_counter()
    value = compute()
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
    return value, time.perf_counter() - began


def grow(frame: EncodedFrame, branch: Branch[M], last: bool) -> Growth[M]:
    """Segment a frame once, and let every member decide about it."""
    (result, memory, state), seconds = _timed(
        lambda: segment(branch.run, frame, branch.state, branch.reading)
    )
    seen = state.previous
    assert seen is not None
    settled = [
        (part, *keep(part.policy, seen, memory, bank))
        for member, bank in branch.members
        for part in member.split(lambda policy, bank=bank: decision(policy, seen, memory, bank))  # type: ignore[misc]
    ]
    after = () if last else fork(branch.run, state, [(part, bank) for part, bank, _ in settled])
    kept = [(part, shelves) for part, _, shelves in settled]
    nbytes = sum(tensor.nbytes for tensor in memory.tensors)
    return Growth(branch, result, kept, after, nbytes, seconds)


def decision(policy: MemoryPolicy, frame: FrameState, memory: FrameMemory, bank: Bank) -> Hashable:
    """All that a policy decides after a frame, in a form that can be compared: its bank, and its next prior."""
    after, kept = keep(policy, frame, memory, bank)
    tracks = tuple(
        (where, track.last, track.count, tuple(entry.state.index for entry in track.entries))
        for where, track in after.tracks.items()
    )
    return tracks, tuple(kept.items()), policy.prior(frame)


def fork(run: Run, state: LoopState, members: Iterable[tuple[M, Bank]]) -> tuple[Branch[M], ...]:
    """One branch for each thing that members read next."""
    branches: dict[Hashable, tuple[Reading, list[tuple[M, Bank]]]] = {}
    for member, bank in members:
        reading = choose(member.policy, replace(state, bank=bank))
        branches.setdefault(reading.key, (reading, []))[1].append((member, bank))
    return tuple(
        Branch(run, together, replace(state, bank=together[0][1]), reading)
        for reading, together in branches.values()
    )
