"""Exact curves of a trial: at any value of a threshold, what a trial with that value has."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pandas as pd
import pytest
import torch

from qpm.metrics import summary
from qpm.model import build, save_network
from qpm.report import cases
from qpm.study.config import TrialConfig
from qpm.study.evaluate import evaluate
from qpm.study.evaluate_curves import evaluate_curves, write_curves

GATE, PRIOR = "keep.sigma_m", "prior.sigma_en"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    return save_network(build("tiny"), tmp_path_factory.mktemp("weights") / "tiny.safetensors")


def trial(weights: Path, policy: dict[str, object], curves: dict[str, tuple[float, float]]) -> TrialConfig:
    settings = {"study": "s", "case": "c", "weights": str(weights), "curves": curves}
    settings |= {"policy": {"preset": "qpm", "keep": {"n": 1}} | policy}
    settings |= {"dataset": {"name": "synthetic", "videos": 2, "frames": 6}}
    return TrialConfig.model_validate(settings | {"inference": {"max_side": 48, "precision": "32"}})


@pytest.fixture(scope="module")
def curves(weights: Path) -> pd.DataFrame:
    return evaluate_curves(trial(weights, {}, {GATE: (0.5, 1.5), PRIOR: (0.5, 1.5)}))


def test_steps_tile_the_interval_of_every_object(curves: pd.DataFrame) -> None:
    assert len(curves) > 8  # something jumps
    for _, steps in curves.groupby(["setting", "sequence", "object_id"]):
        ordered = steps.sort_values("low")
        assert (ordered.low.iloc[0], ordered.high.iloc[-1]) == (0.5, 1.5)
        assert ordered.low.tolist()[1:] == ordered.high.tolist()[:-1]


@pytest.mark.parametrize("setting", [GATE, PRIOR])
def test_at_any_value_it_is_the_score_of_a_trial_with_that_value(
    setting: str, curves: pd.DataFrame, weights: Path
) -> None:
    own = curves[curves.setting == setting]
    jump = random.Random(0).choice(sorted({*own.low} - {0.5}))
    for value in (jump, math.nextafter(jump, 0), random.Random(1).uniform(0.5, 1.5)):
        rule = {"keep": {"n": 1, "sigma_m": value}} if setting == GATE else {"prior": {"sigma_en": value}}
        rows = evaluate(trial(weights, rule, {}))
        expected = summary.objects(rows).set_index(["sequence", "object_id"])
        here = own[(own.low <= value) & (value < own.high)].set_index(["sequence", "object_id"]).loc[expected.index]
        assert here.j.tolist() == pytest.approx(expected.j_mean.tolist(), abs=1e-12)
        assert here.f.tolist() == pytest.approx(expected.f_mean.tolist(), abs=1e-12)
        assert here.frames.tolist() == expected.frames.tolist()
        shares = cases.kept(rows.memorized)[rows.scored].groupby([rows.sequence, rows.object_id]).mean()
        assert here.kept.tolist() == pytest.approx(shares.loc[here.index].tolist(), abs=1e-12)


def test_a_jump_is_a_score_to_the_last_bit(curves: pd.DataFrame, weights: Path) -> None:
    """The first frame's decision is the same for all, so its score parts the interval."""
    rows = evaluate(trial(weights, {}, {}))
    frames = rows[rows.frame_index > 0].groupby(["sequence", "frame_index"]).score.mean()
    assert {*curves[curves.setting == GATE].low} & {*frames.xs(1, level="frame_index")}


def test_the_table_is_written_whole_and_what_it_cost_is_known(curves: pd.DataFrame, tmp_path: Path) -> None:
    write_curves(tmp_path / "curves.parquet", curves)
    assert len(pd.read_parquet(tmp_path / "curves.parquet")) == len(curves)
    assert 0 < curves.attrs["cost"]["segmented"] < curves.attrs["cost"]["alone"]


def test_a_threshold_that_the_policy_has_not_is_named(weights: Path) -> None:
    with pytest.raises(ValueError, match="unknown threshold 'keep.sigma'"):
        evaluate_curves(trial(weights, {}, {"keep.sigma": (0.5, 1.0)}))
