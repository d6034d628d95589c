"""Trials of a study that differ only in the policy: one sweep, worked on by whoever comes, and nothing done twice."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from qpm.images import read_labels
from qpm.model import build, save_network
from qpm.study import shared_sweep
from qpm.study.config import TrialConfig
from qpm.study.evaluate import evaluate
from qpm.study.sharing import OWN
from qpm.study.sweep_store import SweepStore

VIDEOS, FRAMES = 2, 4
ALL = 4 * VIDEOS * FRAMES  # frames of the four trials
POLICIES: dict[str, Any] = {
    "stm": "stm",
    "qpm": {"preset": "qpm", "keep": {"n": 2}},
    "strict": {"preset": "qpm", "keep": {"n": 2, "sigma_m": 1.0}},
    "shelves": "samurai_gate",  # has a column of its own
}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    return save_network(build("tiny"), tmp_path_factory.mktemp("weights") / "tiny.safetensors")


@pytest.fixture
def trials(weights: Path, tmp_path: Path) -> dict[str, TrialConfig]:
    """Trials by folder, as a launch leaves them at their start: planned, and none has begun."""
    common = {"study": "s", "weights": str(weights), "inference": {"max_side": 32, "precision": "32"}}
    common |= {"dataset": {"name": "synthetic", "videos": VIDEOS, "frames": FRAMES}}
    configs = {
        case: TrialConfig.model_validate(common | {"case": case, "policy": policy, "save_masks": case == "qpm"})
        for case, policy in POLICIES.items()
    }
    plan(tmp_path, configs)
    return configs


def plan(trials_dir: Path, configs: dict[str, TrialConfig]) -> SweepStore:
    store = SweepStore(trials_dir / ".shared" / "key")
    store.plan({name: config.model_dump(mode="json", include=OWN) for name, config in configs.items()})
    for name in configs:
        (trials_dir / name).mkdir(exist_ok=True)
        record = {"shared": {"sweep": "../.shared/key", "trials": len(configs)}}
        (trials_dir / name / "trial.json").write_text(json.dumps(record))
    return store


def shared(trials_dir: Path, name: str, config: TrialConfig, progress: Any = None) -> pd.DataFrame:
    """What the trial's notebook gets."""
    folder = trials_dir / name
    return evaluate(config, progress, masks=folder / "masks", shared=folder)


def same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    blind = ["seconds", "trial"]
    pd.testing.assert_frame_equal(one.drop(columns=blind), other.drop(columns=blind), check_exact=True)


def test_every_trial_takes_the_rows_that_it_has_alone_and_the_first_has_done_the_work(
    trials: dict[str, TrialConfig], tmp_path: Path
) -> None:
    told: list[tuple[Any, ...]] = []
    first, *others = trials
    same(shared(tmp_path, first, trials[first], lambda *said, **_: told.append(said)), evaluate(trials[first]))
    assert told[-1][:2] == (ALL, ALL) and told[0][2].endswith(" for 4 trials")
    store = SweepStore(tmp_path / ".shared" / "key")
    done = store.cost()
    assert done["alone"] == ALL > done["segmented"] and done["encoded"] == VIDEOS * FRAMES
    for name in others:
        same(shared(tmp_path, name, trials[name]), evaluate(trials[name], masks=tmp_path / "alone"))
    assert store.cost() == done
    saved = sorted(path.relative_to(tmp_path / "alone") for path in (tmp_path / "alone").rglob("*.png"))
    assert len(saved) == VIDEOS * FRAMES
    for path in saved:
        assert (read_labels(tmp_path / "qpm" / "masks" / path) == read_labels(tmp_path / "alone" / path)).all()


def test_two_that_come_at_once_share_the_videos_and_do_none_twice(
    trials: dict[str, TrialConfig], tmp_path: Path
) -> None:
    tables: dict[str, pd.DataFrame] = {}
    workers = [
        threading.Thread(target=lambda name=name: tables.update({name: shared(tmp_path, name, trials[name])}))  # type: ignore[misc]
        for name in ("stm", "strict")
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert SweepStore(tmp_path / ".shared" / "key").cost()["encoded"] == VIDEOS * FRAMES
    same(tables["strict"], evaluate(trials["strict"]))


def test_who_dies_leaves_the_videos_that_are_done(trials: dict[str, TrialConfig], tmp_path: Path) -> None:
    def die(done: int, total: int, *_: object, **__: object) -> None:
        if done > total / 2:  # in the second video
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shared(tmp_path, "stm", trials["stm"], die)
    store = plan(tmp_path, trials)  # the next launch
    held = store.cost()
    assert held["encoded"] == FRAMES
    same(shared(tmp_path, "stm", trials["stm"]), evaluate(trials["stm"]))
    assert store.cost()["encoded"] == VIDEOS * FRAMES


def test_a_trial_that_is_new_adds_only_its_own(trials: dict[str, TrialConfig], tmp_path: Path) -> None:
    shared(tmp_path, "stm", trials["stm"])
    new = trials["stm"].model_copy(update={"case": "new", "policy": TrialConfig.model_validate(
        trials["stm"].model_dump() | {"policy": "first_only"}).policy})  # fmt: skip
    store = plan(tmp_path, trials | {"new": new})
    before = store.cost()
    same(shared(tmp_path, "new", new), evaluate(new))
    assert store.cost()["alone"] - before["alone"] == VIDEOS * FRAMES


def test_lost_masks_are_made_again(trials: dict[str, TrialConfig], tmp_path: Path) -> None:
    shared(tmp_path, "stm", trials["stm"])
    (sequence, *_) = sorted((tmp_path / "qpm" / "masks").iterdir())
    for mask in sequence.iterdir():
        mask.unlink()
    sequence.rmdir()
    shared(tmp_path, "qpm", trials["qpm"])
    assert len(list(sequence.iterdir())) == FRAMES


def test_a_policy_that_cannot_be_followed_fails_alone(trials: dict[str, TrialConfig], tmp_path: Path) -> None:
    settings = trials["qpm"].model_dump(mode="json")
    lot = {"keep": {"rule": "random_gate", "like": {"rule": "oracle_gate"}}}
    wrong = TrialConfig.model_validate(settings | {"case": "wrong", "policy": lot})
    store = plan(tmp_path, trials | {"wrong": wrong})

    def refuse(network: object, video: object, policy: Any) -> None:
        if "iou_true" in policy.needs:
            raise ValueError("no truth here")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shared_sweep, "signals_computed", refuse)
        same(shared(tmp_path, "stm", trials["stm"]), evaluate(trials["stm"]))
    assert "wrong" in store.holds(0) and store.rows(0, "wrong") is None
    before = store.cost()
    shared(tmp_path, "wrong", wrong)  # by itself
    assert store.cost() == before


def test_where_a_sweep_fails_or_dies_twice_each_runs_alone(
    trials: dict[str, TrialConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def out_of_luck(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(shared_sweep, "video_together", out_of_luck)
    same(shared(tmp_path, "qpm", trials["qpm"]), evaluate(trials["qpm"]))
    store = plan(tmp_path, trials)
    assert store.may_try(1)
    store.begin(1), store.begin(1)  # two kernels that were killed there
    assert not store.may_try(1)


def test_a_trial_without_a_record_runs_alone(trials: dict[str, TrialConfig], tmp_path: Path) -> None:
    same(evaluate(trials["stm"], shared=tmp_path / "elsewhere"), evaluate(trials["stm"]))
