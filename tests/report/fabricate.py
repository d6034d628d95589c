"""Rows that look like a study's, made from a seed: what a network and seven policies might have measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from qpm.report.thresholds import grid_values
from qpm.rows import check

CHALLENGES = (
    "similar objects",
    "occlusion",
    "fast motion",
    "out of view",
    "deformation",
    "late object",
    "clean",
)
HARM = {
    "similar objects": 0.30,
    "occlusion": 0.22,
    "fast motion": 0.15,
    "out of view": 0.25,
    "deformation": 0.12,
}
RECOVERS = {  # share of a failure that a policy avoids
    "first_only": -0.6, "stm": 0.0, "quality_gated": 0.18, "prior_only": 0.08, "qpm": 0.25,
    "random_gate": -0.03, "oracle_gate": 0.45, "ensemble": 0.35,
}  # fmt: skip
GATED = ("quality_gated", "qpm", "ensemble", "oracle_gate", "random_gate")
PRIOR = ("prior_only", "qpm", "ensemble")


def study_rows(
    cases: Sequence[str] = ("stm", "quality_gated", "prior_only", "qpm"),
    videos: int = 8,
    frames: int = 40,
    seed: int = 0,
    repeats: int = 3,
) -> pd.DataFrame:
    """Return checked rows of some cases, one seed each; `random_gate` has `repeats` of them."""
    runs = [(case, run) for case in cases for run in range(repeats if case == "random_gate" else 1)]
    tables = [video_rows(case, run, video, frames, seed) for case, run in runs for video in range(videos)]
    return check(pd.concat(tables, ignore_index=True))


def video_rows(case: str, run: int, video: int, frames: int, seed: int) -> pd.DataFrame:
    """One video of one to three objects; the failures are the same for every case, their depth is not."""
    world = np.random.default_rng((seed, video))
    policy = case.partition(",")[0]
    sigma = {"sigma_m": 0.7, "sigma_en": 0.65} | grid_values(case)
    own = np.random.default_rng((seed, video, run, *case.encode()))
    challenge = CHALLENGES[video % len(CHALLENGES)]
    objects = [
        object_rows(number, challenge, avoided(policy, sigma), frames, world, own)
        for number in range(1, 2 + video % 3)
    ]
    table = pd.concat(objects, ignore_index=True)
    table = table.assign(study="fabricated", case=case, trial=f"{case}-{run:012d}", seed=run)
    table = table.assign(dataset="synthetic", sequence=f"video{video:02d}", attributes=challenge)
    return memory_columns(table, policy, sigma, own)


def avoided(policy: str, sigma: Mapping[str, float]) -> float:
    """Share of a failure that a policy avoids: most at the paper's thresholds, less far above them."""
    miss = (
        4 * max(0.0, sigma["sigma_m"] - 0.75)
        + 0.4 * abs(sigma["sigma_m"] - 0.7)
        + abs(sigma["sigma_en"] - 0.65) / 3
    )
    return RECOVERS.get(policy, 0.0) - miss


def object_rows(
    number: int,
    challenge: str,
    avoided: float,
    frames: int,
    world: np.random.Generator,
    own: np.random.Generator,
) -> pd.DataFrame:
    """IoU that drifts, fails for a while and recovers as the policy allows; a score that follows it with noise."""
    start, length, level = (
        world.integers(8, max(9, frames // 2)),
        world.integers(6, 16),
        world.uniform(0.8, 0.95),
    )
    depth = HARM.get(challenge, 0.04) * world.uniform(0.5, 2.2) * (1 - avoided)
    time = np.arange(frames)
    failure = depth / (1 + np.exp(-(time - start))) * np.where(time > start + length, 0.5, 1.0)
    iou = np.clip(level - failure - 0.001 * time + own.normal(0, 0.015, frames).cumsum() * 0.2, 0, 1)
    raw = np.clip(0.25 + 0.6 * iou + own.normal(0, 0.06, frames), 0.01, 0.99)
    iou[0], raw[0] = 1.0, 0.86
    annotated = time == 0
    return pd.DataFrame(
        {
            "object_id": number, "category": f"thing{number}", "seen": bool(number % 2),
            "frame": [f"{index:05d}" for index in time], "frame_index": time, "annotated": annotated,
            "scored": ~annotated & (time < frames - 1), "present": True, "j": iou, "f": np.clip(iou + 0.03, 0, 1),
            "score_raw": raw, "score": raw / raw[0], "iou_true": iou, "seconds": 0.1,
        }
    )  # fmt: skip


def memory_columns(
    table: pd.DataFrame, policy: str, sigma: Mapping[str, float], own: np.random.Generator
) -> pd.DataFrame:
    """What the policy would have kept: one decision a frame, at least five frames apart."""
    score = table.groupby("frame_index").score.mean()
    passes = score > sigma["sigma_m"] if policy in GATED else score > -1
    if policy == "random_gate":
        passes = pd.Series(own.uniform(size=len(score)) < 0.8, score.index)
    kept, since, bank = [], 0, []
    for index in score.index:
        long_term = index > 0 and since >= 4 and bool(passes[index]) and policy != "first_only"
        since = 0 if long_term or index == 0 else since + 1
        kept.append("annotated" if index == 0 else ";".join(["previous"] + ["long"] * long_term))
        bank.append(min(index, 2) + sum("long" in shelves for shelves in kept[:-1]))
    prior = [pd.NA] + [int(i) - 1 if score[i - 1] > sigma["sigma_en"] else 0 for i in score.index[1:]]
    frames = pd.DataFrame({"frame_index": score.index, "memorized": kept, "bank_frames": bank})
    frames["prior_frame"] = pd.array(prior if policy in PRIOR else [pd.NA] * len(kept), dtype="Int64")
    if policy == "first_only":
        frames.memorized = frames.memorized.where(frames.frame_index == 0, "")
        frames.bank_frames = 1
    return table.merge(frames, on="frame_index")
