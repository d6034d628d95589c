"""The loop holds what the policy remembers, and nothing else."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import numpy as np
import pytest

from qpm.datasets.video import Video
from qpm.inference import LoopState, advance, encode, prepare, propagate
from qpm.memory import MemoryPolicy
from tests.inference.fake_network import SIZE, FakeNetwork, video


def recorded(frames: int) -> tuple[Video, list[int]]:
    """A video, and the frames that were read from it."""
    read: list[int] = []

    def read_frame(index: int) -> np.ndarray:
        read.append(index)
        return np.full((*SIZE, 3), index, dtype=np.uint8)

    return video(frames, {1: 2, 2: 5}, read_frame=read_frame), read


def test_frames_are_read_once_in_order_and_only_when_they_are_due() -> None:
    clip, read = recorded(9)
    results = propagate(FakeNetwork(), clip, MemoryPolicy.model_validate("qpm"))
    assert read == []
    for index in range(2, 9):
        assert next(results).index == index
        assert read == list(range(2, index + 1))


def test_masks_are_read_only_where_they_are_given_unless_an_oracle_asks() -> None:
    read: list[int] = []
    clip = video(9)
    labels = clip.read_labels
    clip = video(9, read_labels=lambda index: read.append(index) or labels(index))
    list(propagate(FakeNetwork(), clip, MemoryPolicy.model_validate("qpm")))
    assert read == [0]
    list(propagate(FakeNetwork(), clip, MemoryPolicy.model_validate("oracle_gate")))
    assert set(read) == set(range(9))


@pytest.mark.parametrize("preset", ["first_previous", "sam2_fifo", "cutie_fifo"])
def test_a_bounded_policy_holds_a_bounded_number_of_frames(preset: str) -> None:
    """Every frame's pixels and memories are watched; only those of remembered frames may be alive."""
    clip = video(40)
    run = prepare(FakeNetwork(), clip, MemoryPolicy.model_validate(preset))
    state, watched, pixels = LoopState(), [], []  # type: ignore[var-annotated]
    for index in range(40):
        frame = encode(run, clip, index)
        pixels.append(weakref.ref(frame.pixels))
        _, state = advance(run, frame, state)
        watched += [weakref.ref(memory) for memory in state.bank.memories(1) if memory.index == index]
        del frame
    gc.collect()
    alive = sorted(memory.index for reference in watched if (memory := reference()) is not None)
    assert set(alive) <= {
        *state.bank.frames((1,)),
        *(memory.index for memory in run.blocks._blocks[1,].written),
    }
    assert len(alive) <= 9
    assert not any(reference() is not None for reference in pixels[:-1])


def test_the_masks_for_the_prior_are_those_of_annotated_frames_and_the_previous_one() -> None:
    clip, _ = recorded(20)
    run = prepare(FakeNetwork(), clip, MemoryPolicy.model_validate("qpm"))
    state = LoopState()
    for index in range(2, 20):
        _, state = advance(run, encode(run, clip, index), state)
        assert set(state.prior_masks) == {2, index} | ({5} if index >= 5 else set())


def test_a_consumer_that_stops_early_stops_the_loop() -> None:
    clip, read = recorded(9)
    results: Iterator[object] = propagate(FakeNetwork(), clip, MemoryPolicy.model_validate("stm"))
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert read == [2]
