"""What the memory read needs, in one piece: tensors stacked along time and kept between frames."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from qpm.memory.bank import FrameMemory

SPARE = 4  # room for this many frames more than asked for, at least


class ReadBlocks:
    """Stacks the memories of object groups, and copies only what changed since the group was read last.

    A cache: what `stack` returns depends on its arguments alone, so forks of a run may share one. It is not
    safe in two threads at once.
    """

    def __init__(self) -> None:
        self._blocks: dict[tuple[int, ...], _Block] = {}

    def stack(self, objects: tuple[int, ...], memories: Sequence[FrameMemory]) -> tuple[Any, ...]:
        """One array (1, O, C, T, h, w) for each tensor of the memories.

        The arrays are views, valid until the next call for these objects.
        """
        block = self._blocks.get(objects)
        if block is None or block.room < len(memories):
            block = self._blocks[objects] = _Block(objects, memories, block)
        block.write(memories)
        return tuple(array[:, :, :, : len(memories)] for array in block.arrays)

    def forget_others(self, groups: Collection[tuple[int, ...]]) -> None:
        """Drop what belongs to groups that are no longer read."""
        self._blocks = {objects: block for objects, block in self._blocks.items() if objects in groups}


class _Block:
    """Arrays with room for some frames, and the memories that are written in them."""

    def __init__(
        self, objects: tuple[int, ...], memories: Sequence[FrameMemory], smaller: _Block | None
    ) -> None:
        self.objects = objects
        self.room = len(memories) + max(SPARE, len(memories) // 4)
        self.written: list[FrameMemory] = []
        self.arrays = tuple(
            tensor.new_empty((1, len(objects), tensor.shape[2], self.room, *tensor.shape[3:]))
            for tensor in memories[0].tensors
        )
        if smaller is not None:
            for array, old in zip(self.arrays, smaller.arrays, strict=True):
                array[:, :, :, : smaller.room] = old
            self.written = smaller.written

    def write(self, memories: Sequence[FrameMemory]) -> None:
        """Make the arrays hold these memories from the first place on."""
        for place, memory in enumerate(memories):
            if place < len(self.written) and self.written[place] is memory:
                continue
            where = [memory.objects.index(object_id) for object_id in self.objects]
            whole = where == list(range(len(memory.objects)))
            for array, tensor in zip(self.arrays, memory.tensors, strict=True):
                array[:, :, :, place] = tensor if whole else tensor[:, where]
            self.written[place:] = [memory]
