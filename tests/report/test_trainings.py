"""What a study of trainings found."""

import json

import numpy as np
import pandas as pd
import pytest

from qpm.report import trainings
from qpm.report.load import NotMeasuredError, Results, load
from qpm.report.render import make
from qpm.report.training_words import recipe

FOUND = {("plain", 0): 0.50, ("plain", 1): 0.54, ("damaged", 0): 0.60, ("damaged", 1): 0.62}


def logs() -> pd.DataFrame:
    """Two seeds of two cases, 30 iterations each, validated at the end."""
    return pd.DataFrame(
        {"case": case, "seed": seed, "iteration": iteration, "loss": 1 / iteration,
         "val_J_and_F": 0.7 if iteration == 30 else np.nan, "val_score_spearman": found if iteration == 30 else np.nan}
        for (case, seed), found in FOUND.items() for iteration in (10, 20, 30)
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path, study):
    """The same as the finished trainings of a study."""
    check = {"best": "val_score_spearman", "dataset": {"name": "synthetic", "split": "val", "videos": 8}}
    for (case, seed), own in logs().groupby(["case", "seed"], sort=False):
        trial = tmp_path / "lessons/trials" / f"{case}-{seed:012x}"
        trial.mkdir(parents=True)
        own.drop(columns=["case", "seed"]).to_parquet(trial / "metrics.parquet")
        (trial / "weights.safetensors").write_bytes(b"")
        config = {"case": case, "seed": seed, "training": {"validation": check}}
        (trial / "trial.json").write_text(json.dumps({"status": "finished", "config": config, "seconds": 60}))
    return tmp_path / "lessons"


def test_the_last_validation_counts_and_seeds_are_paired():
    table = trainings.prepare(logs(), "plain", "val_score_spearman").set_index("case")
    assert table.index.tolist() == ["plain", "damaged"] and table.n_seeds.tolist() == [2, 2]
    assert table.loc["plain", "val_score_spearman"] == pytest.approx(0.52)
    assert table.loc["damaged", "difference"] == pytest.approx(0.09)
    assert table.loc["damaged", "difference_spread"] == pytest.approx(0.02 / 2**0.5)
    assert table.loc["damaged", "better"] == 2 and pd.isna(table.loc["plain", "difference"])


def test_without_validation_there_is_only_the_course_of_the_loss():
    bare = logs().drop(columns=["val_J_and_F", "val_score_spearman"])
    table = trainings.trainings_table(trainings.prepare(bare, "plain"), "")
    assert table.cells.columns.tolist() == ["Training", "Iterations", "Seeds"]
    assert len(trainings.figure(bare, "val_J_and_F").axes) == 1
    assert len(trainings.figure(logs(), "val_score_spearman").axes) == 2


def test_a_study_of_trainings_alone_has_its_page(folder, study):
    study.report, study.baseline = ("trainings",), "plain"
    rendered = make(folder, study)
    cells = rendered.tables[0].cells
    assert cells["Score ρ"].tolist() == ["0.520 ± 0.028", "0.610 ± 0.014"]
    assert cells["Difference"].tolist() == ["", "+0.090 ± 0.014"] and cells["Better"].tolist() == ["", "2 of 2"]
    caption = rendered.sections[0].caption
    assert "the built-in synthetic videos (val): 8 videos" in caption and "2 seeds: an example" in caption
    text = rendered.page.read_text()
    assert "4 trials" in text and "4.0 min over all trials" in text


def test_the_caption_tells_start_what_learns_and_in_what_the_cases_differ():
    stage = {"optimiser": {"trained": ["quality_head"]}, "loss": {"corrupted_score": 0.0, "bootstrap_final": 0.3}}
    other = stage | {"loss": stage["loss"] | {"corrupted_score": 1.0}}
    trials = [
        {"config": {"case": case, "training": {"start": "half", "seed": seed, "stages": [own]}}}
        for seed, (case, own) in enumerate([("plain", stage), ("and_damaged", other)])
    ]
    assert recipe(trials) == (
        "Each starts from the weights half. Only the quality head learns. The loss rises by itself as fewer, harder "
        "pixels count (bootstrapped cross entropy). They differ in corrupted_score: 0 (plain), 1 (and damaged). So the "
        "levels of their losses do not compare."
    )
    stage["loss"]["bootstrap_final"] = 1.0
    assert recipe(trials[:1]) == "Each starts from the weights half. Only the quality head learns."
    assert recipe([{"config": {"case": "plain", "training": {}}}]) == ""
    more = {"config": {"case": "more", "training": {"start": "half", "seed": 0, "stages": [stage, stage]}}}
    assert recipe([trials[0], more]).endswith("They have 1 (plain), 2 (more) stages.")
    both = stage | {"optimiser": {"trained": ["quality_head", "decoder"]}}
    other = {"config": {"case": "both", "training": {"start": "half", "seed": 0, "stages": [both]}}}
    words = "They differ in trained: quality_head (plain), quality_head decoder (both)."
    assert recipe([trials[0], other]).endswith(words)


def test_a_study_without_a_finished_training_says_so(tmp_path):
    with pytest.raises(NotMeasuredError, match="no training of the study is finished"):
        trainings.report(Results(tmp_path, pd.DataFrame(columns=["case"]), ()), "plain")
    with pytest.raises(FileNotFoundError, match="no finished trial"):
        load(tmp_path)
