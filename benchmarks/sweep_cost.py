"""What a 21 x 21 grid over sigma_m and sigma_en costs as one sweep, beside 441 runs.

    python benchmarks/sweep_cost.py --weights half [--videos 4] [--frames 60] [--points 21] [--compare 5]

Counts frames through the network on the built-in videos. The thresholds lie evenly in ``--range``; with ``--hardest``
in the range of each video's own scores, where nearly every frame parts some of them. ``--compare`` runs some settings,
drawn at random, alone too, and ends with an error if one result differs in a bit.
"""

from __future__ import annotations

import argparse
import math
import random
import time

import numpy as np

from qpm.datasets import SyntheticConfig
from qpm.datasets.video import Video
from qpm.inference import Ensemble, FrameResult, propagate
from qpm.inference.sweep import Cost, sweep
from qpm.memory import FrameState, MemoryPolicy
from qpm.model import load_network


def grid(low: float, high: float, points: int) -> dict[str, MemoryPolicy]:
    """The paper's policy at every pair of thresholds."""
    thresholds = np.linspace(low, high, points).tolist()
    return {
        f"sigma_m={sigma_m},sigma_en={sigma_en}": MemoryPolicy.model_validate(
            {"preset": "qpm", "keep": {"sigma_m": sigma_m}, "prior": {"sigma_en": sigma_en}}
        )
        for sigma_m in thresholds
        for sigma_en in thresholds
    }


def score_range(network: Ensemble, video: Video, max_side: int | None) -> tuple[float, float]:
    """Lowest and highest score of the video under the paper's policy, given frames left out."""
    results = propagate(network, video, MemoryPolicy.model_validate("qpm"), max_side=max_side)
    states = [FrameState(result.object_ids, result.signals) for result in results if not result.annotated]
    scores = [score for state in states if not math.isnan(score := state.value("score"))]
    return min(scores), max(scores)


def measure(network: Ensemble, video: Video, chosen: argparse.Namespace) -> Cost:
    """Sweep a video, print what it cost, and compare drawn settings with runs of their own."""
    low, high = score_range(network, video, chosen.max_side) if chosen.hardest else chosen.range
    policies = grid(low, high, chosen.points)
    names = random.Random(video.name).sample(sorted(policies), chosen.compare)
    kept: dict[str, list[FrameResult]] = {name: [] for name in names}
    began, runs = time.perf_counter(), 0
    shared = sweep(network, video, policies, max_side=chosen.max_side, max_branches=chosen.max_branches)
    for results in shared:
        one = next(iter(results.values()))
        runs += one.index + 1 == len(video)
        for name in kept.keys() & results.keys():
            kept[name].append(results[name])
    seconds = time.perf_counter() - began
    print(
        f"{video.name:<26} {low:.2f}..{high:.2f}: {runs:3} different runs; {shared.cost}; {seconds:.0f} s",
        flush=True,
    )
    for name in names:
        alone = propagate(network, video, policies[name], max_side=chosen.max_side)
        if not all(equal(one, other) for one, other in zip(alone, kept[name], strict=True)):
            raise SystemExit(f"{video.name}: {name} differs from its own run")
    return shared.cost


def equal(one: FrameResult, other: FrameResult) -> bool:
    """Whether two results agree in masks, scores and decisions, bit for bit."""
    decided = all(
        getattr(one, name) == getattr(other, name) for name in ("memorized", "prior_frame", "bank_frames")
    )
    scores = all(
        np.array_equal(one.signals[name], other.signals[name], equal_nan=True) for name in one.signals
    )
    return decided and scores and np.array_equal(one.labels, other.labels)


def main() -> None:
    """Sweep the first built-in videos, and print the sum."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", default="half")
    parser.add_argument("--videos", type=int, default=4)
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--points", type=int, default=21, help="values of each threshold")
    parser.add_argument("--range", type=float, nargs=2, default=(0.0, 1.0), help="of both thresholds")
    parser.add_argument("--hardest", action="store_true", help="thresholds within each video's own scores")
    parser.add_argument("--compare", type=int, default=5, help="settings a video that are run alone too")
    parser.add_argument("--max-side", type=int)
    parser.add_argument("--max-branches", type=int, default=64)
    chosen = parser.parse_args()
    network = Ensemble.of(load_network(chosen.weights))
    videos = SyntheticConfig(videos=chosen.videos, frames=chosen.frames).open()
    costs = [measure(network, videos[place], chosen) for place in range(len(videos))]
    print(f"{len(videos)} videos, {chosen.points**2} settings: {sum(costs, Cost())}")
    print(f"{chosen.compare} settings of each video run alone: every bit the same")


if __name__ == "__main__":
    main()
