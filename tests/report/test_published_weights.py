"""Weights of others on DAVIS, beside what their authors published."""

from pathlib import Path

import pytest

from qpm.memory import MemoryPolicy
from qpm.metrics import summary
from qpm.report import published_weights
from qpm.report.load import NotMeasuredError, Results, published
from tests.report.fabricate import study_rows

PAPER = published(Path("nowhere"), "davis")
CONFIDENT = {"keep": {"rule": "quality_gate", "signal": "confidence", "sigma_m": 0.9}, "hold_previous": True}
TRIALS = {
    "mivos,year=2017": ("stm", "weights/mivos.safetensors", "stm", 2017),
    "qdmn,year=2016": ("quality_gated", "weights/qdmn.safetensors", "qdmn", 2016),
    "mivos_confidence,year=2017": ("qpm", "weights/mivos.safetensors", CONFIDENT, 2017),
}  # case -> whose fabricated rows it has, weights, policy, year


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Results:
    """Three trials on eight videos each."""
    rows = study_rows([name for name, *_ in TRIALS.values()])
    rows["case"] = rows.case.map({name: case for case, (name, *_) in TRIALS.items()})
    trials = tuple(
        {
            "config": {
                "case": case,
                "dataset": {"name": "davis", "year": year},
                "weights": weights,
                "policy": MemoryPolicy.model_validate(policy).model_dump(mode="json"),
            }
        }
        for case, (_, weights, policy, year) in TRIALS.items()
    )
    return Results(tmp_path_factory.mktemp("davis_published"), rows, trials)


def test_each_published_j_and_f_is_the_mean_of_j_and_f():
    assert ((PAPER.j + PAPER.f) / 2 - PAPER.jf).abs().max() <= 0.0011


def test_a_trial_stands_beside_what_its_authors_published_under_its_policy(results):
    table = published_weights.prepare(results, PAPER)
    assert table[["year", "weights", "policy"]].values.tolist() == [
        [2016, "qdmn", "qdmn"],
        [2017, "mivos", "stm"],
        [2017, "mivos", "mivos_confidence"],
    ]
    assert table.published_jf.tolist()[:2] == [0.920, 0.845] and table.published_jf.isna()[2]
    own = summary.davis(results.rows[results.rows.case == "qdmn,year=2016"])
    assert table.jf[0] == pytest.approx(own["J&F"])


def test_a_part_of_the_sequences_is_not_compared_with_the_published_number(results):
    made = published_weights.table(results)
    assert made.numbers.difference.isna().all()
    assert "not all frames of 20 sequences of 2016 and 30 sequences of 2017" in made.caption
    assert made.rules == (1,)


def test_all_sequences_are_compared(results, monkeypatch):
    monkeypatch.setattr(published_weights, "VALIDATION", {2016: 8, 2017: 8})
    made = published_weights.table(results)
    numeric = made.numbers
    assert numeric.difference[1] == pytest.approx(numeric.jf[1] - 0.845)
    assert "A part was scored" not in made.caption


def test_a_prefix_of_every_sequence_is_a_part_too(results, monkeypatch):
    monkeypatch.setattr(published_weights, "VALIDATION", {2016: 8, 2017: 8})
    short = tuple(
        {"config": {**trial["config"], "dataset": {**trial["config"]["dataset"], "frames": 3}}}
        for trial in results.trials
    )
    table = published_weights.prepare(Results(results.folder, results.rows, short), PAPER)
    assert table.difference.isna().all()


def test_trials_on_other_data_are_no_davis(results):
    others = tuple({"config": {**t["config"], "dataset": {"name": "synthetic"}}} for t in results.trials)
    with pytest.raises(NotMeasuredError, match="dataset 'davis'"):
        published_weights.table(Results(results.folder, results.rows, others))
