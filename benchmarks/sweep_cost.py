"""What a study of thresholds costs as one sweep, beside its trials one by one, and whether they agree.

    python benchmarks/sweep_cost.py [--study studies/sweep_2d.yaml] [--videos 4] [--frames 40] [--compare 5]

Counts frames through the network, and seconds. With ``--hardest`` the grid is replaced by 21 x 21 thresholds in the
range of each video's own scores, where nearly every frame parts some of them. ``--compare`` runs some settings, drawn
at random, alone too, tells how long all would have taken so, and ends with an error if one result differs in a bit.
"""

from __future__ import annotations

import argparse
import math
import random
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from qpm.datasets.video import Video
from qpm.inference import Ensemble, FrameResult, propagate
from qpm.inference.sweep import Cost, sweep
from qpm.memory import FrameState, MemoryPolicy
from qpm.model import load_network
from qpm.study.config import TrialConfig
from qpm.study.spec import load_study


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


def measure(
    network: Ensemble, video: Video, policies: Mapping[str, MemoryPolicy], chosen: argparse.Namespace
) -> Cost:
    """Sweep a video, print what it cost, and compare drawn settings with runs of their own."""
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
    print(f"{video.name:<26} {runs:3} different runs; {shared.cost}; {seconds:.0f} s", flush=True)
    began = time.perf_counter()
    for name in names:
        alone = propagate(network, video, policies[name], max_side=chosen.max_side)
        if not all(equal(one, other) for one, other in zip(alone, kept[name], strict=True)):
            raise SystemExit(f"{video.name}: {name} differs from its own run")
    if names:
        each = (time.perf_counter() - began) / len(names)
        print(f"{'':<26} {len(names)} of them alone, every bit the same: {each:.1f} s each,", end=" ")
        print(f"so {each * len(policies):.0f} s for {len(policies)}: {seconds / each / len(policies):.1%}", flush=True)
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
    """Sweep the study's first videos, and print the sum."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--study", type=Path, default=Path("studies/sweep_2d.yaml"))
    parser.add_argument("--videos", type=int, default=4)
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--hardest", action="store_true", help="thresholds within each video's own scores")
    parser.add_argument("--points", type=int, default=21, help="values of each threshold, with --hardest")
    parser.add_argument("--compare", type=int, default=5, help="settings a video that are run alone too")
    parser.add_argument("--max-side", type=int)
    parser.add_argument("--max-branches", type=int, default=64)
    chosen = parser.parse_args()
    trials = [trial for trial in load_study(chosen.study).trials if isinstance(trial, TrialConfig)]
    policies = {trial.case: trial.policy for trial in trials}
    network = Ensemble.of([load_network(name) for name in trials[0].weight_names])
    videos = trials[0].dataset.model_copy(update={"videos": chosen.videos, "frames": chosen.frames}).open()
    cost = Cost()
    for place in range(len(videos)):
        if chosen.hardest:
            policies = grid(*score_range(network, videos[place], chosen.max_side), chosen.points)
        cost += measure(network, videos[place], policies, chosen)
    print(f"{len(videos)} videos of {chosen.frames} frames, {len(policies)} settings: {cost}")


if __name__ == "__main__":
    main()
