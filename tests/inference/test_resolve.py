"""The matched random gate: as many frames as its gate, in this video."""

from __future__ import annotations

import random

import pytest

from qpm.inference import propagate, resolve
from qpm.memory import Frames, MemoryPolicy, RandomGate
from tests.inference.fake_network import FakeNetwork, video

CLIP = video(60, {1: 0, 2: 21})


def network() -> FakeNetwork:
    generator = random.Random(3)
    return FakeNetwork({index: generator.uniform(0.3, 0.9) for index in range(1, 60)})


def kept(policy: MemoryPolicy) -> list[int]:
    return [result.index for result in propagate(network(), CLIP, policy) if "long" in result.memorized]


@pytest.mark.parametrize("seed", range(5))
def test_the_control_keeps_exactly_as_many_frames_as_its_gate(seed: int) -> None:
    control = MemoryPolicy.model_validate({"preset": "random_gate", "keep": {"seed": seed}})
    drawn = resolve(control, network(), CLIP)
    gate = kept(MemoryPolicy.model_validate("quality_gated"))
    assert 3 < len(gate) < 11  # it has rejected some
    assert len(kept(drawn)) == len(gate)
    assert kept(drawn) != gate


def test_the_count_is_that_of_the_whole_policy_around_the_gate() -> None:
    settings = {
        "preset": "qpm",
        "keep": {"rule": "random_gate", "like": {"rule": "quality_gate", "sigma_m": 0.9}},
    }
    drawn = resolve(MemoryPolicy.model_validate(settings), network(), CLIP)
    gate = kept(MemoryPolicy.model_validate({"preset": "qpm", "keep": {"sigma_m": 0.9}}))
    assert len(kept(drawn)) == len(gate)
    assert drawn.prior == MemoryPolicy.model_validate("qpm").prior


def test_the_draw_is_repeated_by_the_trial_s_seed_and_changed_by_another() -> None:
    control = MemoryPolicy.model_validate("random_gate")
    assert resolve(control, network(), CLIP, seed=1) == resolve(control, network(), CLIP, seed=1)
    assert resolve(control, network(), CLIP, seed=1) != resolve(control, network(), CLIP, seed=2)


def test_only_the_matched_gate_is_replaced() -> None:
    control = MemoryPolicy.model_validate("random_gate")
    drawn = resolve(control, network(), CLIP)
    assert isinstance(control.shelves[1].keep, RandomGate)
    assert isinstance(drawn.shelves[1].keep, Frames)
    assert drawn.shelves[0] == control.shelves[0]


@pytest.mark.parametrize("policy", ["qpm", {"keep": {"rule": "random_gate", "share": 0.5}}])
def test_other_policies_are_not_run_twice(policy: object) -> None:
    plain = MemoryPolicy.model_validate(policy)
    fake = network()
    assert resolve(plain, fake, CLIP) is plain
    assert fake.encoded == []
