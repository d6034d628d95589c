"""The recipes as data: what the paper, MiVOS and QDMN say, and how a study names and changes them."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from qpm.study.spec import load_study
from qpm.training.config import TrainConfig
from qpm.training.losses import kept_share
from qpm.training.optimiser import rate_share
from qpm.training.stages import STAGES

STUDY = """
question: q
paper: p
expect: e
cost: c
notebook: train
base: {training: {network: tiny, start: scratch, stages: [paper_static, {preset: paper_bl30k, size: 96}]}}
"""


def test_the_papers_batches_crops_and_losses():
    paper = [STAGES[f"paper_{name}"] for name in ("static", "bl30k", "video")]
    assert [stage.shapes for stage in paper] == [((14, 1),), ((8, 2),), ((8, 2),)]
    assert {(stage.size, stage.length, stage.loss.score, stage.loss.dice) for stage in paper} == {(384, 3, 1, 0)}
    assert [stage.iterations for stage in paper] == [300_000, 500_000, 150_000]


@pytest.mark.parametrize(
    ("name", "rate", "falls"),
    [
        ("paper_static", 1e-5, 250_000), ("paper_bl30k", 1e-5, 450_000), ("paper_video", 1e-5, 125_000),
        ("paper_video_long", 1e-5, 250_000), ("qdmn_static", 2e-5, None), ("qdmn_video", 2e-5, 70_000),
    ],
)  # fmt: skip
def test_the_rate_is_adams_and_falls_to_a_tenth_once(name, rate, falls):
    stage = STAGES[name]
    o, last = stage.optimiser, stage.iterations - 1
    assert (o.rate, o.memory_encoder_rate, o.query_encoder_rate) == (rate, rate, rate)
    assert (o.algorithm, o.weight_decay, o.clip_norm, o.frozen) == ("adam", 1e-7, None, ())
    assert rate_share(0, stage.iterations, o) == 1
    assert rate_share(last, stage.iterations, o) == pytest.approx(1 if falls is None else 0.1)
    if falls is not None:
        assert [rate_share(i, stage.iterations, o) for i in (falls - 1, falls)] == pytest.approx([1, 0.1])


@pytest.mark.parametrize("name", STAGES)
def test_bootstrapping_runs_from_twenty_to_seventy_thousand_iterations(name):
    stage = STAGES[name]
    loss = stage.loss

    def kept(iteration):
        share = iteration / stage.iterations
        return kept_share(share, loss.bootstrap_start, loss.bootstrap_end, loss.bootstrap_final)

    assert [kept(i) for i in (0, 19_999, 45_000, 70_000, 149_000)] == pytest.approx([1, 1, 0.575, 0.15, 0.15])


def test_davis_counts_five_times_and_the_skips_grow():
    davis, youtube = STAGES["paper_video"].sources
    assert davis.weight / youtube.weight == 5 * 60 / 3471
    assert [gap for _, gap in davis.gap_steps] == [6, 11, 16, 21, 26, 6]  # MiVOS's skip m allows m + 1
    assert [gap for _, gap in STAGES["qdmn_video"].sources[0].gap_steps] == [5, 10, 15, 25, 10, 5, 1]


def test_a_study_names_a_stage_and_changes_what_it_likes(tmp_path: Path):
    path = tmp_path / "mine.yaml"
    path.write_text(STUDY, encoding="utf-8")
    changes = ["stages.0.iterations=20", "stages.0.optimiser.rate=0.001", "stages.0.sources.0.root=/data"]
    first, second = load_study(path, changes).trials[0].training.stages
    assert (first.iterations, first.optimiser.rate, first.optimiser.weight_decay) == (20, 0.001, 1e-7)
    assert first.sources[0].root == Path("/data") and first.sources[0].augment.spline == 0.33
    assert (second.size, second.iterations) == (96, 500_000)


def test_the_keys_of_a_single_stage_may_stand_alone(settings):
    stage = settings()["stages"][0]
    short = {**settings(), **stage}
    del short["stages"]
    assert TrainConfig.model_validate(short) == TrainConfig.model_validate(settings())
    assert TrainConfig.model_validate_json(TrainConfig.model_validate(short).model_dump_json()).stages[0].size == 64


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"size": [60, 64]}, "multiples of 16"),
        ({"length": 2}, "greater than or equal to 3"),
        ({"shapes": [[2, 3]]}, r"sources fill \[1\] objects; no entry of shapes \[\[2, 3\]\]"),
        ({"sources": [{"source": "synthetic", "after": 0.5}]}, "no source is drawn from at the start"),
        ({"preset": "paper_statik"}, "unknown stage 'paper_statik'; did you mean 'paper_static'"),
    ],
)
def test_a_stage_that_cannot_be_is_refused(config, change, told):
    with pytest.raises(ValidationError, match=told):
        config(change)


def staged(*iterations):
    stages = [{"sources": [{"source": "synthetic"}], "iterations": count} for count in iterations]
    return TrainConfig.model_validate({"network": "tiny", "stages": stages})


def test_iterations_as_a_share_follow_the_stage_before():
    assert [stage.iterations for stage in staged(2200, 0.091, 1.5).stages] == [2200, 200, 300]
    assert [stage.iterations for stage in staged(20, 2000.0).stages] == [20, 2000]  # a whole number is no share
    short = staged(20, 0.01)
    assert [stage.iterations for stage in short.stages] == [20, 1] and short.iterations == 21
    assert staged(*(stage.iterations for stage in short.stages)) == short


@pytest.mark.parametrize(
    ("iterations", "told"),
    [((0.5, 3), "first stage's iterations are 0.5"), ((20, 0.0), "than 0"), ((20, -1), "than 0")],
)
def test_iterations_that_are_no_number_or_share_are_refused(iterations, told):
    with pytest.raises(ValidationError, match=told):
        staged(*iterations)


def test_a_short_trial_of_the_shipped_recipe_is_one_setting():
    root = Path(__file__).parents[2]
    study = load_study(root / "studies/train_half.yaml", ["stages.0.iterations=20"])
    assert [stage.iterations for stage in study.trials[0].training.stages] == [20, 2]
