"""An evaluation's rows, with a small network of random weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from qpm.images import read_labels
from qpm.inference import propagate
from qpm.metrics.region import jaccard
from qpm.model import build, load_network, save_network
from qpm.study.config import TrialConfig
from qpm.study.evaluate import evaluate


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    return save_network(build("tiny"), tmp_path_factory.mktemp("weights") / "tiny.safetensors")


def config(file: Path, policy: object, **more: object) -> TrialConfig:
    settings = {"study": "s", "case": "c", "seed": 3, "dataset": {"name": "synthetic", "videos": 1, "frames": 6}}
    settings |= {"weights": str(file), "policy": policy, "inference": {"max_side": 96, "precision": "32"}}
    return TrialConfig.model_validate(settings | more)


def test_rows_hold_what_the_loop_says_and_the_metrics_of_its_masks(weights: Path, tmp_path: Path) -> None:
    trial, told = config(weights, "qpm", save_masks=True), list[tuple[int, int]]()
    rows = evaluate(trial, lambda done, total, *_: told.append((done, total)), masks=tmp_path)
    (video,) = trial.dataset.open()
    assert told == [(frame, 6) for frame in range(1, 7)]
    results = list(propagate(load_network(weights), video, trial.policy, max_side=96))
    assert len(rows) == sum(len(result.object_ids) for result in results)
    assert set(rows.case) == {"c"} and set(rows.seed) == {3}
    for row in rows.itertuples():
        result, truth = results[row.frame_index], video.read_labels(row.frame_index)
        assert row.j == jaccard(truth == row.object_id, result.labels == row.object_id)
        assert row.score == result.signals["score"][result.object_ids.index(row.object_id)]
        assert row.bank_frames == result.bank_frames
        assert row.area == (truth == row.object_id).sum() / truth.size
    for result in results:
        assert np.array_equal(read_labels(tmp_path / video.name / f"{result.name}.png"), result.labels)


def test_given_frames_and_under_davis_the_last_frame_do_not_count(weights: Path) -> None:
    trial = config(weights, "first_only")
    rows = evaluate(trial)
    last = {"davis2017": [], "youtube-vos": [5]}[trial.dataset.open().protocol]
    one = rows[rows.object_id == rows.object_id.iloc[0]]
    assert one.frame_index[one.scored].tolist() == [1, 2, 3, 4, *last]
    assert one.memorized.tolist() == ["annotated", "", "", "", "", ""]


def test_several_weights_are_an_ensemble_and_one_twice_is_that_one(weights: Path) -> None:
    one = evaluate(config(weights, "stm"))
    twice = evaluate(config(weights, "stm", weights=[str(weights)] * 2))
    cost = ["seconds", "bank_bytes"]
    pd.testing.assert_frame_equal(one.drop(columns=cost), twice.drop(columns=cost), rtol=1e-4)
    assert twice.bank_bytes.tolist() == [2 * size for size in one.bank_bytes]


def test_the_bank_is_as_large_as_the_keys_and_values_of_its_frames(weights: Path) -> None:
    rows = evaluate(config(weights, "every_frame"))
    one = rows[rows.object_id == rows.object_id.iloc[0]]
    height, width = 4, 6  # 54 x 96 pixels, padded to 64 x 96, at 1/16
    keys_and_values = (16 + 32) * height * width * 4 * rows.object_id.nunique()  # channels of the network, float32
    assert one.bank_bytes.tolist() == [index * keys_and_values for index in range(6)]
    assert rows.peak_bytes.isna().all()  # measured on a GPU only


def test_a_random_gate_draws_by_the_trials_seed(weights: Path) -> None:
    policy = {"keep": {"rule": "random_gate", "like": {"rule": "every_n", "n": 3}, "n": 1}, "hold_previous": False}
    kept = {seed: evaluate(config(weights, policy, seed=seed)).memorized.tolist() for seed in range(6)}
    counts = {seed: sum(shelf == "long" for shelf in shelves) for seed, shelves in kept.items()}
    assert len(set(counts.values())) == 1  # as many as the gate it controls
    assert len({tuple(shelves) for shelves in kept.values()}) > 1
