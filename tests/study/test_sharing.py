"""Which trials of a launch share a sweep, and what a study says of it."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from qpm.study import ledger, sharing
from qpm.study.ledger import Planned
from qpm.study.progress import Clock
from qpm.study.progress_file import Progress
from qpm.study.spec import load_study
from qpm.study.sweep_clock import SweepClock
from qpm.study.sweep_store import SweepStore

Make = Callable[..., Path]
SHARES = "rows = evaluate(trial, None, shared=Path(folder))"
POLICIES = {"stm": {"policy": "stm"}, "qpm": {"policy": "qpm"}, "first_only": {"policy": "first_only"}}


@pytest.fixture
def make(make_study: Make, tmp_path: Path) -> Callable[..., list[Planned]]:
    """The trials of a study whose notebook takes part in sweeps."""

    def planned(**content: object) -> list[Planned]:
        path = make_study(**content)
        notebook = path.with_name("fake.ipynb")
        document = json.loads(notebook.read_text())
        document["cells"][1]["source"] = SHARES
        notebook.write_text(json.dumps(document))
        return ledger.plan(load_study(path), tmp_path / "results")

    return planned


def groups(planned: list[Planned], slots: int = 1) -> list[set[str]]:
    shared = sharing.plan(planned[0].folder.parents[1], planned, slots)
    return [{entry.trial.case for entry in entries} for entries in shared.sweeps.values()]


def test_trials_that_differ_only_in_the_policy_or_the_seed_are_one_group(make: Callable[..., list[Planned]]) -> None:
    planned = make(cases=POLICIES, seeds=[0, 1])
    assert groups(planned) == [{"stm", "qpm", "first_only"}]
    store = SweepStore(planned[0].folder.parent / ".shared" / next(iter(sharing.plan(
        planned[0].folder.parents[1], planned, 1).sweeps)))  # fmt: skip
    assert store.trials().keys() == {entry.name for entry in planned}


def test_another_dataset_size_or_network_is_another_group(make: Callable[..., list[Planned]], tmp_path: Path) -> None:
    (tmp_path / "other.safetensors").write_bytes(b"other weights")
    grid = {"inference.max_side": [None, 64], "dataset.frames": [3, 4]}
    assert len(groups(make(cases=POLICIES, grid=grid))) == 4
    weights = [str(tmp_path / name) for name in ("weights.safetensors", "other.safetensors")]
    assert len(groups(make(cases=POLICIES, grid={"weights": weights}))) == 2


def test_one_trial_shares_nothing(make: Callable[..., list[Planned]]) -> None:
    assert groups(make(cases={"stm": {"policy": "stm"}})) == []


def test_the_last_trial_of_a_sweep_that_was_stopped_still_has_its_rows_there(
    make: Callable[..., list[Planned]],
) -> None:
    planned = make(cases=POLICIES)
    (key,) = sharing.plan(planned[0].folder.parents[1], planned, 1).sweeps
    store = planned[0].folder.parent / ".shared" / key
    (store / "00000-rows.parquet").touch()
    (store.parent / "of other code").mkdir()
    assert groups(planned[:1]) == [{"stm"}]
    assert [path.name for path in store.parent.iterdir()] == [key]


def test_few_trials_on_fewer_videos_than_slots_are_quicker_alone(make: Callable[..., list[Planned]]) -> None:
    few = make(cases=POLICIES)  # one video
    assert groups(few, slots=1) == [{"stm", "qpm", "first_only"}] and groups(few, slots=3) == []
    many = make(cases={"qpm": {"policy": "qpm"}}, grid={"policy.keep.sigma_m": [k / 100 for k in range(100)]})
    assert len(groups(many, slots=3)[0]) == 100


def test_a_notebook_that_evaluates_by_itself_is_left_alone(make_study: Make, tmp_path: Path) -> None:
    planned = ledger.plan(load_study(make_study(cases=POLICIES)), tmp_path / "results")
    assert groups(planned) == []


def test_a_study_says_what_it_saved_and_keeps_no_rows_that_all_have_taken(make: Callable[..., list[Planned]]) -> None:
    planned = make(cases=POLICIES)
    shared, told = sharing.plan(planned[0].folder.parents[1], planned, 1), io.StringIO()
    console = Console(file=told, width=200)
    shared.announce(console)
    (key,) = shared.sweeps
    assert shared.facts(planned[0]) == {"shared": {"sweep": f"../.shared/{key}", "trials": 3}}
    assert shared.settle(console) == {"frames_encoded": 0, "frames_segmented": 0, "frames_alone": 0}
    assert told.getvalue().splitlines() == [
        "3 trials differ only in the policy and share a sweep (--no-share: each alone)"
    ]
    line = sharing.told({"encoded": 200, "segmented": 900, "alone": 10000})
    assert line == "segmented 900 of 10000 frames (9.0 %), query encoder 200 (2.0 %)"


def test_the_time_left_of_a_sweep_is_its_own_and_what_it_took_is_no_pace_for_the_rest() -> None:
    clock = Clock(100)
    clock.finished = 2
    sweeping = Progress(5, 100, shared=True)
    assert clock.left({"a": sweeping, "b": None}) is None
    assert clock.left({"a": Progress(5, 100, shared=True, left=60.0), "b": sweeping}) == 60.0
    assert clock.before == 2
    clock.finished = 51
    left = clock.left({})
    assert left is not None and left < 1  # 49 trials in no time


def test_a_sweep_tells_its_time_by_the_videos_that_it_has_done(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("qpm.study.sweep_clock.time.monotonic", lambda: now[0])
    clock = SweepClock([10, 10, 30], trials=4)
    clock.start(0, undone=[0, 1, 2], workers=2)
    assert clock.told([0, 1, 2], 0, share=0.5) == (20, 200) and clock.left(0.5) is None
    now[0] = 20.0
    clock.finish(0)
    clock.start(1, undone=[1, 2], workers=2)
    assert clock.told([1, 2], 1, share=0.5) == (60, 200)
    assert clock.left(0.5) == 10 + 60 / 2  # half a video of ten frames here, thirty frames for two
