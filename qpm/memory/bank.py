"""The bank: which frames are remembered, per shelf and object. Immutable, so that a run can be forked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from qpm.memory.policy import ANNOTATED, MemoryPolicy, Shelf
from qpm.memory.state import EntryState, FrameState

ALL = 0  # stands for all objects together: object ids are not 0


@dataclass(frozen=True, eq=False)
class FrameMemory:
    """The tensors of one remembered frame, shared by every shelf and fork that holds it.

    Parameters
    ----------
    index : int
        Frame index.
    objects : tuple of int
        The objects it knows, in the order of the tensors' second axis.
    tensors : tuple of arrays, (1, O, C, h, w)
        Key and value, once per network of an ensemble.
    """

    index: int
    objects: tuple[int, ...]
    tensors: tuple[Any, ...]


@dataclass(frozen=True, eq=False)
class Entry:
    """A frame on a shelf."""

    state: EntryState
    memory: FrameMemory


@dataclass(frozen=True, eq=False)
class Track:
    """What one shelf holds of all objects together, or of one object if its rule decides per object.

    Parameters
    ----------
    last : int
        The frame kept last; an annotated frame counts.
    count : int
        How many frames were kept so far.
    """

    last: int
    entries: tuple[Entry, ...] = ()
    count: int = 0

    def restart(self, shelf: Shelf, index: int) -> Track:
        """An annotated frame begins a new count, and takes its place in a window of the last frames."""
        return replace(self, last=index, entries=recent(shelf, self.entries, index))

    def offer(self, shelf: Shelf, frame: FrameState, memory: FrameMemory) -> tuple[Track, bool]:
        """Ask the shelf's rules about a frame; return the track afterwards and whether the frame is on it."""
        asked = replace(frame, since_kept=frame.index - self.last, kept_count=self.count)
        if not shelf.keep(asked):
            return self, False
        state = EntryState(frame.objects, frame.signals, frame.index, inserted=self.count)
        entries = recent(shelf, (*self.entries, Entry(state, memory)), frame.index)
        if shelf.capacity is not None and len(entries) > shelf.capacity:
            loser = shelf.evict([entry.state for entry in self.entries], state)
            if not 0 <= loser < len(entries):
                raise ValueError(f"evict rule '{shelf.evict.rule}' chose {loser} of {len(entries)} entries")
            if loser == len(self.entries):
                return self, False
            entries = (*entries[:loser], *entries[loser + 1 :])
        return Track(frame.index, entries, self.count + 1), True


def recent(shelf: Shelf, entries: tuple[Entry, ...], index: int) -> tuple[Entry, ...]:
    """The entries that a window of the last ``capacity`` frames still reaches at a frame; all, on other shelves."""
    if not shelf.is_window or shelf.capacity is None:
        return entries
    return tuple(entry for entry in entries if entry.state.index > index - shelf.capacity)


@dataclass(frozen=True, eq=False)
class Bank:
    """Everything that is remembered at one moment of a run.

    Parameters
    ----------
    annotated : tuple of FrameMemory
        Frames whose masks were given; they never leave.
    tracks : mapping
        (shelf name, object id or 0 for all objects together) -> Track.
    """

    annotated: tuple[FrameMemory, ...] = ()
    tracks: Mapping[tuple[str, int], Track] = field(default_factory=dict)

    def annotate(self, policy: MemoryPolicy, memory: FrameMemory) -> Bank:
        """Remember a frame with given masks, for good and for every object that it knows."""
        tracks = {}
        for shelf in policy.shelves:
            for unit in units(shelf, memory.objects):
                track = self.tracks.get((shelf.name, unit), Track(memory.index))
                tracks[shelf.name, unit] = track.restart(shelf, memory.index)
        return Bank((*self.annotated, memory), tracks)

    def offer(
        self, policy: MemoryPolicy, frame: FrameState, memory: FrameMemory
    ) -> tuple[Bank, dict[str, tuple[int, ...]]]:
        """Ask every shelf about a frame.

        Returns
        -------
        bank : Bank
        kept : dict
            Shelf name -> the objects for which it keeps the frame; shelves that keep it for none are left out.
        """
        tracks, kept = dict(self.tracks), dict[str, tuple[int, ...]]()
        for shelf in policy.shelves:
            for unit in units(shelf, frame.objects):
                asked = frame if unit == ALL else frame.only(unit)
                tracks[shelf.name, unit], on_it = tracks[shelf.name, unit].offer(shelf, asked, memory)
                if on_it:
                    kept[shelf.name] = kept.get(shelf.name, ()) + asked.objects
        return replace(self, tracks=tracks), kept

    def memories(self, object_id: int) -> tuple[FrameMemory, ...]:
        """What is read for an object: the union of the shelves by frame, in the order of time."""
        entries = (
            entry.memory
            for (_, unit), track in self.tracks.items()
            if unit in (ALL, object_id)
            for entry in track.entries
        )
        everything = {memory.index: memory for memory in (*self.annotated, *entries)}
        known = (everything[index] for index in sorted(everything))
        return tuple(memory for memory in known if object_id in memory.objects)

    def groups(self, objects: Sequence[int]) -> list[tuple[tuple[int, ...], tuple[FrameMemory, ...]]]:
        """The objects in groups that read the same frames, which can be segmented together."""
        groups: dict[tuple[int, ...], tuple[tuple[int, ...], tuple[FrameMemory, ...]]] = {}
        for object_id in objects:
            memories = self.memories(object_id)
            frames = tuple(memory.index for memory in memories)
            together = groups.get(frames, ((), memories))[0]
            groups[frames] = ((*together, object_id), memories)
        return list(groups.values())

    def frames(self, objects: Sequence[int]) -> tuple[int, ...]:
        """Indices of the frames that are read for any of the objects."""
        return tuple(sorted({memory.index for object_id in objects for memory in self.memories(object_id)}))

    def shelf(self, name: str) -> tuple[int, ...]:
        """Indices of the frames on one shelf, for any object."""
        if name == ANNOTATED:
            return tuple(memory.index for memory in self.annotated)
        tracks = (track for (shelf, _), track in self.tracks.items() if shelf == name)
        return tuple(sorted({entry.state.index for track in tracks for entry in track.entries}))


def units(shelf: Shelf, objects: Sequence[int]) -> tuple[int, ...]:
    """What a shelf decides about: all objects together, or each."""
    return tuple(objects) if shelf.keep.per_object else (ALL,)
