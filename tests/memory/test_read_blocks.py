"""Stacking what is read: always equal to stacking from nothing."""

from __future__ import annotations

import random

import torch
from torch import Tensor

from qpm.memory import FrameMemory
from qpm.memory.read_blocks import ReadBlocks


def memory(index: int, objects: tuple[int, ...] = (1,), seed: int = 0) -> FrameMemory:
    generator = torch.Generator().manual_seed(100 * seed + index)
    shape = (1, len(objects), 3, 2, 2)
    return FrameMemory(index, objects, tuple(torch.rand(shape, generator=generator) for _ in range(2)))


def from_nothing(objects: tuple[int, ...], memories: list[FrameMemory], which: int) -> Tensor:
    return torch.stack([m.tensors[which][:, [m.objects.index(o) for o in objects]] for m in memories], dim=3)


def test_stacking_equals_stacking_from_nothing_whatever_was_read_before() -> None:
    blocks, choose = ReadBlocks(), random.Random(0)
    frames = [memory(index) for index in range(40)]
    for _ in range(60):
        chosen = sorted(choose.sample(range(40), choose.randint(1, 20)))
        read = [frames[index] for index in chosen]
        for which, stacked in enumerate(blocks.stack((1,), read)):
            assert torch.equal(stacked, from_nothing((1,), read, which))


def test_forks_with_different_memories_of_the_same_frame_do_not_mix() -> None:
    blocks = ReadBlocks()
    first, ours, theirs = memory(0), memory(5, seed=1), memory(5, seed=2)
    for other in (ours, theirs, ours):
        key, _ = blocks.stack((1,), [first, other])
        assert torch.equal(key, from_nothing((1,), [first, other], 0))


def test_only_the_objects_of_the_group_are_taken() -> None:
    late = [memory(0, (2,)), memory(1, (1, 2, 9))]
    key, value = ReadBlocks().stack((2,), late)
    assert key.shape == (1, 1, 3, 2, 2, 2)
    assert torch.equal(value, from_nothing((2,), late, 1))
    pair = late[1:]
    assert torch.equal(ReadBlocks().stack((9, 1), pair)[0], from_nothing((9, 1), pair, 0))


class Counted(list):  # type: ignore[type-arg]
    """A memory's tensors that count how often they are taken."""

    taken = 0

    def __iter__(self):  # type: ignore[no-untyped-def]
        self.taken += 1
        return super().__iter__()


def test_an_unchanged_beginning_is_not_copied_again() -> None:
    blocks = ReadBlocks()
    first = memory(0)
    counted = Counted(first.tensors)
    held = FrameMemory(0, (1,), counted)  # type: ignore[arg-type]
    blocks.stack((1,), [held, memory(1)])
    before = counted.taken
    for index in range(2, 5):
        blocks.stack((1,), [held, memory(index)])
    assert counted.taken == before


def test_groups_that_are_no_longer_read_are_forgotten() -> None:
    blocks = ReadBlocks()
    blocks.stack((1, 2), [memory(0, (1, 2))])
    blocks.stack((1,), [memory(0, (1, 2))])
    blocks.forget_others([(1,)])
    assert set(blocks._blocks) == {(1,)}
