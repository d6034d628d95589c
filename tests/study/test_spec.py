"""A study file becomes trials; what is wrong in it is said in its own words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from qpm.study.config import TrialConfig
from qpm.study.layers import overlay, put
from qpm.study.spec import StudyFile, expand, load_study

ROOT = Path(__file__).resolve().parents[2]
STUDIES = sorted((ROOT / "studies").glob("*.yaml"))
Make = Callable[..., Path]


def names(path: Path, *overrides: str) -> list[tuple[str, int]]:
    return [(trial.case, trial.seed) for trial in load_study(path, overrides).trials]


def test_cases_times_grid_times_seeds_in_the_order_of_the_file(make_study: Make) -> None:
    path = make_study("a", "b", grid={"policy.keep.n": [3, 5]}, seeds=[0, 1])
    assert names(path) == [(f"{case},n={n}", seed) for case in "ab" for n in (3, 5) for seed in (0, 1)]
    assert load_study(path).trials[-1].settings()["policy"]["shelves"][1]["keep"] == {
        "rule": "every_n",
        "n": 5,
        "cadence": "since_kept",
    }


def test_a_case_may_have_seeds_of_its_own(make_study: Make) -> None:
    path = make_study("a", cases={"a": None, "b": {"seeds": [3, 4]}})
    assert names(path) == [("a", 0), ("b", 3), ("b", 4)]


def test_axes_with_the_same_last_word_are_told_apart() -> None:
    axes = {"policy.keep.n": [1], "policy.prior.n": [2]}
    file = StudyFile(question="q", paper="p", expect="e", cost="c", grid=axes)
    assert [settings["case"] for settings in expand(file, "s")] == ["keep.n=1,prior.n=2"]


def test_a_mapping_of_another_kind_replaces_and_one_of_the_same_kind_is_merged() -> None:
    base = {"keep": {"rule": "quality_gate", "sigma_m": 0.7, "n": 5}}
    assert overlay(base, {"keep": {"rule": "never"}}) == {"keep": {"rule": "never"}}
    assert overlay(base, {"keep.sigma_m": 0.9})["keep"] == {"rule": "quality_gate", "sigma_m": 0.9, "n": 5}
    assert base["keep"]["sigma_m"] == 0.7  # the base is not changed


def test_a_mapping_from_settings_keeps_its_dotted_keys() -> None:
    case = {"policy": "qpm", "curves": {"keep.sigma_m": [0.1, 1.0]}}
    assert overlay({"weights": "half"}, case) == {"weights": "half"} | case


def test_a_setting_inside_a_preset_keeps_the_rest_of_the_preset() -> None:
    settings = {"policy": "qpm"}
    put(settings, "policy.keep.sigma_m", 0.6)
    assert settings == {"policy": {"preset": "qpm", "keep": {"sigma_m": 0.6}}}


def test_a_place_of_a_list_is_set_by_its_number() -> None:
    settings = {"sources": [{"weight": 1}, {"weight": 2}]}
    put(settings, "sources.1.root", "/data")
    assert settings == {"sources": [{"weight": 1}, {"weight": 2, "root": "/data"}]}
    with pytest.raises(ValueError, match="'2' names no place of a list of 2"):
        put(settings, "sources.2.root", "/data")


def test_an_override_is_one_value_in_the_words_of_the_file(make_study: Make) -> None:
    trial = load_study(make_study("a"), ["base.dataset.videos=7", "seeds=[4]"]).trials[0]
    assert (trial.settings()["dataset"]["videos"], trial.seed) == (7, 4)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("base.dataset.vidoes=2", "dataset: unknown key 'vidoes'; did you mean 'videos'?"),
        ("base.datset.videos=2", "unknown key 'datset'; did you mean 'dataset'?"),
        ("base.dataset.name=dvis", "dataset: unknown name 'dvis'; did you mean 'davis'?"),
        ("base.policy=qpn", "did you mean 'qpm'?"),
        ("base.dataset.videos=two", "dataset.videos: input should be a valid integer"),
        ("bse.policy=qpm", "unknown study key 'bse'; did you mean 'base'?"),
        ("cases.b.policy=qpm", "unknown case 'b'"),
        ("baseline=stn", "unknown baseline 'stn'; did you mean 'stm'?"),
        ("base.policy", "is not key=value"),
        ("base.dataset.videos.first=2", "'videos' is 1 and has no 'first' below it"),
    ],
)
def test_a_wrong_override_is_refused_with_what_would_be_right(make_study: Make, override: str, message: str) -> None:
    with pytest.raises(ValueError) as error:
        load_study(make_study("stm", "other"), [override])
    assert message in str(error.value)


def test_an_override_that_no_trial_would_notice_is_refused(make_study: Make) -> None:
    path = make_study(cases={"a": {"policy": "qpm"}})
    with pytest.raises(ValueError, match="changes no trial"):
        load_study(path, ["base.policy=first_only"])
    assert load_study(path, ["base.policy=stm"]).cases == ("a",)  # what the file says already


def test_a_missing_notebook_or_study_names_where_it_was_looked_for(make_study: Make) -> None:
    path = make_study("a")
    with pytest.raises(FileNotFoundError, match="nowhere.ipynb"):
        load_study(path, ["notebook=nowhere"])
    with pytest.raises(FileNotFoundError, match="did you mean 'fake'"):
        load_study(path.with_name("fakes.yaml"))


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_a_shipped_study_says_what_it_asks_before_any_setting(path: Path) -> None:
    assert list(yaml.safe_load(path.read_text()))[:4] == ["question", "paper", "expect", "cost"]
    study = load_study(path)
    for trial in study.trials:
        assert type(trial).model_validate_json(trial.model_dump_json()) == trial
    assert study.baseline is None or study.baseline in study.cases


def test_a_trial_is_its_configuration() -> None:
    trial = TrialConfig(study="s", case="c", dataset={"name": "synthetic"}, policy="qpm")  # type: ignore[arg-type]
    assert TrialConfig.model_validate_json(trial.model_dump_json()) == trial
