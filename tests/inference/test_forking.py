"""The state of the loop is a value: it can be continued twice."""

from __future__ import annotations

import copy
from dataclasses import replace

import torch

from qpm.inference import FrameResult, LoopState, Run, advance, encode, prepare, propagate
from qpm.memory import MemoryPolicy
from tests.inference.fake_network import FakeNetwork, video

CLIP = video(14, {1: 0, 2: 4})


def start(policy: str = "qpm", frames: int = 9) -> tuple[Run, LoopState]:
    """The state after some frames."""
    run = prepare(FakeNetwork({6: 0.3}, drift=0.02), CLIP, MemoryPolicy.model_validate(policy))
    state = LoopState()
    for index in range(frames):
        _, state = advance(run, encode(run, CLIP, index), state)
    return run, state


def go_on(run: Run, state: LoopState, first: int = 9) -> list[FrameResult]:
    results = []
    for index in range(first, len(CLIP)):
        result, state = advance(run, encode(run, CLIP, index), state)
        results.append(result)
    return results


def facts(results: list[FrameResult]) -> list[object]:
    return [
        (r.index, r.labels.tolist(), r.signals, r.memorized, r.prior_frame, r.bank_frames) for r in results
    ]


def snapshot(state: LoopState) -> object:
    """A deep copy of everything in the state, as plain values."""
    bank = state.bank
    tracks = {key: (t.last, t.count, [e.state for e in t.entries]) for key, t in bank.tracks.items()}
    tensors = [
        m.tensors for m in (*bank.annotated, *(e.memory for t in bank.tracks.values() for e in t.entries))
    ]
    numbers = [[tensor.tolist() for tensor in pair] for pair in tensors]
    priors = {index: mask.tolist() for index, mask in state.prior_masks.items()}
    return copy.deepcopy(
        (state.objects, state.previous, tracks, numbers, priors, state.judgement.first_score)
    )


def test_continuing_twice_gives_the_same_and_leaves_the_state_untouched() -> None:
    run, state = start()
    before = snapshot(state)
    first = go_on(run, state)
    assert facts(go_on(run, state)) == facts(first)
    assert snapshot(state) == before


def test_steps_by_hand_are_the_loop() -> None:
    run, state = start(frames=0)
    policy = MemoryPolicy.model_validate("qpm")
    network = FakeNetwork({6: 0.3}, drift=0.02)
    assert facts(go_on(run, state, first=0)) == facts(list(propagate(network, CLIP, policy)))


def test_forks_under_different_policies_do_not_disturb_each_other() -> None:
    run, state = start()
    other = replace(run, policy=MemoryPolicy.model_validate({"preset": "qpm", "keep": {"sigma_m": 2.0}}))
    alone, alone_other = facts(go_on(run, state)), facts(go_on(other, state))
    assert alone != alone_other
    forks = {"a": (run, state), "b": (other, state)}
    results: dict[str, list[FrameResult]] = {"a": [], "b": []}
    for index in range(9, len(CLIP)):
        frame = encode(run, CLIP, index)  # shared by the forks
        for name, (settings, at) in forks.items():
            result, after = advance(settings, frame, at)
            results[name].append(result)
            forks[name] = (settings, after)
    assert facts(results["a"]) == alone
    assert facts(results["b"]) == alone_other


def test_a_fork_shares_the_tensors_of_the_bank() -> None:
    run, state = start()
    _, after = advance(run, encode(run, CLIP, 9), state)
    assert after.bank.annotated[0] is state.bank.annotated[0]
    assert torch.is_tensor(after.bank.annotated[0].tensors[0])
