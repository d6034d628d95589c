"""A sweep gives what independent runs give, bit for bit, and computes once what they share."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import Any

import numpy as np
import pytest
import torch

from qpm.datasets.video import Video
from qpm.inference import Ensemble, resolve
from qpm.inference.sweep import Cost, Sweep, resolve_together, sweep
from qpm.memory import MemoryPolicy
from qpm.model import Network, build
from tests.inference.fake_network import FakeNetwork, video
from tests.inference.sweep.sensitive_network import SensitiveNetwork, alone, facts, history

CLIP = video(18, {1: 0, 2: 0, 3: 6})  # the third object enters late


def collected(results: Sweep) -> dict[str, list[tuple[object, ...]]]:
    answer = defaultdict(list)
    for shared in results:
        for name, result in shared.items():
            answer[name].append(facts(result))
    return dict(answer)


def drawn_policy(choose: random.Random) -> MemoryPolicy:
    """A policy with random thresholds, of random form."""
    gate = {
        "rule": "quality_gate",
        "n": choose.choice([1, 2, 3, 5]),
        "sigma_m": choose.uniform(0, 2),
        "over": choose.choice(["mean", "min", "any", "each"]),
        "cadence": choose.choice(["since_kept", "grid"]),
    }
    either = {"rule": "any_of", "rules": [gate | {"over": "mean"}, {"rule": "frames", "frames": [4, 9]}]}
    prior = {
        "rule": "selective",
        "sigma_en": choose.uniform(0, 2),
        "annotated": choose.choice(["latest", "first"]),
    }
    policy: dict[str, Any] = {
        "keep": choose.choice(
            [gate, gate, either, {"rule": "random_gate", "share": choose.random(), "n": 2}]
        ),
        "hold_previous": choose.random() < 0.6,
        "capacity": choose.choice([None, 1, 2, 3]),
        "evict": {"rule": choose.choice(["oldest", "score_and_recency", "lowest", "random"])},
        "prior": choose.choice([prior, "previous", None]),
    }
    if isinstance(policy["prior"], str):
        policy["prior"] = {"rule": policy["prior"]}
    return MemoryPolicy.model_validate(policy)


@pytest.mark.parametrize("seed", range(4))
def test_every_policy_has_the_results_of_its_independent_run(seed: int) -> None:
    choose = random.Random(seed)
    policies = {str(place): drawn_policy(choose) for place in range(14)}
    policies |= {
        name: MemoryPolicy.model_validate(name) for name in ("dam4sam", "samurai_gate", "oracle_gate")
    }
    together = collected(sweep(SensitiveNetwork(seed), CLIP, policies, max_branches=choose.choice([3, 64])))
    assert together.keys() == policies.keys()
    for name, policy in policies.items():
        assert together[name] == alone(SensitiveNetwork(seed), CLIP, policy), policy


def grid(*thresholds: float) -> dict[str, MemoryPolicy]:
    """The paper's policy at every pair of thresholds."""
    return {
        f"{sigma_m} {sigma_en}": MemoryPolicy.model_validate(
            {"preset": "qpm", "keep": {"n": 2, "sigma_m": sigma_m}, "prior": {"sigma_en": sigma_en}}
        )
        for sigma_m in thresholds
        for sigma_en in thresholds
    }


def test_a_frame_is_segmented_once_for_each_thing_that_the_network_was_given_up_to_it() -> None:
    policies, prefixes = grid(0.3, 0.7, 1.1, 5.0), set()
    for policy in policies.values():
        network = SensitiveNetwork(5)
        alone(network, CLIP, policy)
        given = [str(step) for step in history(network)]
        prefixes |= {tuple(given[: place + 1]) for place in range(len(given))}
    network = SensitiveNetwork(5)
    shared = sweep(network, CLIP, policies)
    assert len(list(shared)) == len(prefixes) < 16 * 18
    assert shared.cost == Cost(encoded=18, segmented=len(prefixes), alone=16 * 18)
    assert network.encoded == list(range(18))
    assert len(network.memorized) == len(prefixes)


def test_a_frame_that_is_also_the_previous_one_does_not_part_those_who_keep_it() -> None:
    """Frame 2 is kept by one of two; both read it at 3 as the previous frame, and part at 4."""
    network = FakeNetwork({2: 0.4, 3: 0.4, 4: 0.4})
    shared = [len(results) for results in sweep(network, video(6), grid(0.4, 0.6) | grid(0.4, 0.6))]
    assert shared[:3] == [4, 4, 4]
    quality = {
        str(sigma_m): MemoryPolicy.model_validate(
            {"keep": {"rule": "quality_gate", "n": 2, "sigma_m": sigma_m}}
        )
        for sigma_m in (0.4, 0.6)
    }
    assert [len(results) for results in sweep(network, video(6), quality)] == [2, 2, 2, 2, 1, 1, 1, 1]


@pytest.mark.parametrize("max_branches", [1, 2, 5])
def test_few_live_branches_give_the_same_results_and_hold_few_memories(max_branches: int) -> None:
    policies = grid(0.2, 0.6, 1.0, 1.4)
    wide, network = sweep(SensitiveNetwork(2), CLIP, policies), SensitiveNetwork(2)
    expected, narrow = collected(wide), sweep(network, CLIP, policies, max_branches=max_branches)
    answer, most = defaultdict(list), 0
    for shared in narrow:
        most = max(most, len(network.living))
        for name, result in shared.items():
            answer[name].append(facts(result))
    assert answer == expected
    assert most <= max_branches * len(CLIP) < wide.cost.segmented
    assert narrow.cost.segmented == wide.cost.segmented
    assert narrow.cost.encoded == len(network.encoded) > wide.cost.encoded == 18


def test_memories_that_would_not_fit_make_fewer_branches_grow_side_by_side() -> None:
    policies = grid(0.2, 0.6, 1.0, 1.4)
    wide, narrow, starved = (sweep(SensitiveNetwork(2), CLIP, policies, max_bytes=most) for most in (1e9, 1e4, 1))
    assert len(list(wide)) == len(list(narrow)) == len(list(starved))
    assert wide.cost.encoded == 18 < narrow.cost.encoded < starved.cost.encoded


def test_every_frame_tells_what_it_took_whoever_shares_it() -> None:
    runs = sweep(FakeNetwork(), CLIP, grid(0.2, 0.6))
    assert all(runs.seconds > 0 for _ in runs)


def test_equal_policies_share_everything_and_unequal_ones_nothing_but_the_query_features() -> None:
    names = {"first_only": "first_only", "again": "first_only"}
    twins = sweep(FakeNetwork(), CLIP, {name: MemoryPolicy.model_validate(of) for name, of in names.items()})
    assert all(set(results) == {"first_only", "again"} for results in twins)
    assert twins.cost == Cost(18, 18, 36) and twins.cost.segmented_share == 0.5
    apart = {name: MemoryPolicy.model_validate(name) for name in ("first_only", "every_frame")}
    lonely = sweep(FakeNetwork(), CLIP, apart)
    assert [len(results) for results in lonely] == [2, 2, *[1] * 32]  # frame 1 reads frame 0 in any case
    assert lonely.cost == Cost(18, 34, 36)


def test_controlled_gates_share_a_sweep_and_the_draws_are_those_of_each_alone() -> None:
    policies = {
        f"{sigma_m} {seed}": MemoryPolicy.model_validate(
            {
                "keep": {
                    "rule": "random_gate",
                    "n": 2,
                    "like": {"rule": "quality_gate", "n": 2, "sigma_m": sigma_m},
                }
            }
        )
        for sigma_m in (0.3, 0.8)
        for seed in range(3)
    } | {"plain": MemoryPolicy.model_validate("stm")}
    seeds = {name: int(name[-1]) if name != "plain" else 0 for name in policies}
    drawn, cost = resolve_together(SensitiveNetwork(1), CLIP, policies, seeds)
    assert drawn["plain"] is policies["plain"]
    for name, policy in policies.items():
        assert drawn[name] == resolve(policy, SensitiveNetwork(1), CLIP, seed=seeds[name])
    assert cost.alone == 6 * 18 and 18 < cost.segmented <= 2 * 18
    assert resolve_together(FakeNetwork(), CLIP, {"plain": policies["plain"]}, seeds)[1] == Cost()


def test_a_policy_that_cannot_be_followed_is_named_before_the_first_frame() -> None:
    network = FakeNetwork()
    network.config.prior = None
    policies = {"fine": MemoryPolicy.model_validate("stm"), "wrong": MemoryPolicy.model_validate("qpm")}
    with pytest.raises(ValueError, match="policy 'wrong': a network has no prior gate"):
        sweep(network, CLIP, policies)
    with pytest.raises(ValueError, match="at least one policy"):
        sweep(network, CLIP, {})
    with pytest.raises(ValueError, match="max_branches is 0"):
        sweep(network, CLIP, {"fine": policies["fine"]}, max_branches=0)
    assert network.encoded == []


def test_costs_add_up_over_videos() -> None:
    both = Cost(10, 20, 100) + Cost(5, 10, 200)
    assert both == Cost(15, 30, 300)
    assert (both.encoded_share, both.segmented_share) == (0.05, 0.1)
    assert str(both) == "segmented 30 of 300 frames (10.0%), query encoder 15 (5.0%)"


@pytest.fixture(scope="module")
def tiny() -> Network:
    torch.manual_seed(0)
    return build("tiny").eval()


@pytest.fixture(scope="module")
def squares() -> Video:
    """Two squares on noise, the second given in frame 3; 50 x 70 fits no multiple of 16."""
    generator = np.random.default_rng(0)
    frames = generator.integers(0, 256, (11, 50, 70, 3), dtype=np.uint8)

    def labels(index: int) -> np.ndarray:
        answer = np.zeros((50, 70), dtype=np.uint8)
        answer[5:25, 5 + index : 25 + index] = 1
        if index >= 3:
            answer[30:48, 40:60] = 9
        return answer

    names = tuple(f"{index:05d}" for index in range(11))
    return Video("test", "squares", names, (50, 70), (1, 9), {1: 0, 9: 3}, frames.__getitem__, labels)


@pytest.mark.parametrize("dtype", [None, torch.bfloat16])
def test_a_real_network_answers_bit_for_bit_as_in_independent_runs(
    tiny: Network, squares: Video, dtype: torch.dtype | None
) -> None:
    """Random thresholds around the scores that the network gives there."""
    ensemble, choose = Ensemble.of(tiny), random.Random(0)
    policies = {
        str(place): MemoryPolicy.model_validate(
            {
                "preset": "qpm",
                "keep": {"n": 2, "sigma_m": choose.gauss(1, 0.01), "over": choose.choice(["mean", "each"])},
                "prior": {"sigma_en": choose.gauss(1, 0.01)},
                "capacity": choose.choice([None, 2]),
            }
        )
        for place in range(8)
    }
    shared = sweep(ensemble, squares, policies, dtype=dtype)
    together = collected(shared)
    for name, policy in policies.items():
        assert together[name] == alone(ensemble, squares, policy, dtype=dtype)
    assert shared.cost.encoded == 11 and 22 < shared.cost.segmented < 0.8 * shared.cost.alone
