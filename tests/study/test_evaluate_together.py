"""Trials that differ only in the policy: one sweep, the same rows."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
import torch

from qpm.images import read_labels
from qpm.model import build, save_network
from qpm.study.config import TrialConfig
from qpm.study.evaluate import evaluate
from qpm.study.evaluate_together import evaluate_together


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    return save_network(build("tiny"), tmp_path_factory.mktemp("weights") / "tiny.safetensors")


def config(file: Path, case: str, policy: object, **more: object) -> TrialConfig:
    settings = {"study": "s", "case": case, "seed": 0, "weights": str(file), "policy": policy}
    settings |= {"dataset": {"name": "synthetic", "videos": 2, "frames": 7}}
    settings |= {"inference": {"max_side": 64, "precision": "32"}}
    return TrialConfig.model_validate(settings | more)


LOT = {"keep": {"rule": "random_gate", "n": 1, "like": {"rule": "every_n", "n": 2}}, "hold_previous": False}
POLICIES: dict[str, tuple[object, int]] = {
    "stm": ("stm", 0),
    "qpm": ({"preset": "qpm", "keep": {"n": 2}}, 0),
    "strict": ({"preset": "qpm", "keep": {"n": 2, "sigma_m": 1.0}}, 0),
    "late": ({"preset": "qpm", "keep": {"n": 2}, "prior": {"sigma_en": 1.0}}, 0),
    "each": ({"keep": {"rule": "quality_gate", "n": 1, "sigma_m": 1.0, "over": "each"}, "capacity": 2}, 0),
    "shelves": ("samurai_gate", 0),  # needs signals that the others do not
    "oracle": ("oracle_gate", 0),
    "lot 0": (LOT, 0),
    "lot 1": (LOT, 1),
}


def test_every_trial_has_the_rows_that_it_has_alone(weights: Path) -> None:
    trials = {f"hash of {case}": config(weights, case.replace(" ", "-"), policy, seed=seed)
              for case, (policy, seed) in POLICIES.items()}  # fmt: skip
    told: list[tuple[int, int]] = []
    together = evaluate_together(trials, lambda done, total, *_: told.append((done, total)))
    assert list(together) == list(trials)
    for key, trial in trials.items():
        alone = evaluate(trial)
        pd.testing.assert_frame_equal(
            together[key].drop(columns="seconds"), alone.drop(columns="seconds"), check_exact=True
        )
        assert (together[key].seconds > 0).all()
    assert told[-1] == (9 * 14, 9 * 14) and told == sorted(told)
    assert together.cost.alone == (9 + 2) * 14  # the gate behind each lot runs too
    assert together.cost.segmented < together.cost.alone
    assert together.cost.encoded == 4 * 7  # each video for the gates, and for all


def test_masks_are_saved_for_the_trials_that_want_them(weights: Path, tmp_path: Path) -> None:
    plain, wanted = config(weights, "a", "stm"), config(weights, "b", "first_only", save_masks=True)
    folders = {name: tmp_path / name for name in ("plain", "wanted", "alone")}
    evaluate_together({"plain": plain, "wanted": wanted}, masks=folders)
    evaluate(wanted, masks=folders["alone"])
    saved = sorted(path.relative_to(folders["alone"]) for path in folders["alone"].rglob("*.png"))
    assert len(saved) == 14 and not folders["plain"].exists()
    for path in saved:
        assert (read_labels(folders["wanted"] / path) == read_labels(folders["alone"] / path)).all()


def test_only_trials_that_differ_in_the_policy_are_taken_together(weights: Path) -> None:
    one, other = config(weights, "a", "stm"), config(weights, "b", "qpm", seed=4)
    smaller = config(weights, "c", "qpm", inference={"max_side": 32})
    assert len(evaluate_together({"1": one, "2": other})) == 2
    with pytest.raises(ValueError, match="cases 'a' and 'c' differ in inference; together they may differ"):
        evaluate_together({"1": one, "2": other, "3": smaller})
    with pytest.raises(ValueError, match="no trial was given"):
        evaluate_together({})
