"""Learning rates: three speeds, one warm-up, one cosine."""

import pytest
import torch

from qpm.model import build
from qpm.training.config import OptimiserConfig
from qpm.training.optimiser import optimiser, rate_share, set_rate, trainable


def test_rate_warms_up_then_falls_along_one_cosine():
    config = OptimiserConfig(warm_up=10, final=0.02)
    assert rate_share(0, 110, config) == pytest.approx(0.1)
    assert rate_share(9, 110, config) == pytest.approx(1.0)
    assert rate_share(60, 110, config) == pytest.approx(0.02 + 0.98 / 2)
    assert rate_share(110, 110, config) == pytest.approx(0.02)


def test_steps_divide_the_rate_by_ten_at_their_iterations():
    config = OptimiserConfig(schedule="steps", warm_up=0, steps=(250_000 / 300_000,))
    assert [rate_share(i, 300_000, config) for i in (0, 249_999, 250_000, 299_999)] == pytest.approx([1, 1, 0.1, 0.1])


def test_encoders_learn_slower_and_frozen_parameters_not_at_all():
    network = build("tiny")
    config = OptimiserConfig()
    optimizer = optimiser(network, config)
    peaks = {id(p): group["peak"] for group in optimizer.param_groups for p in group["params"]}
    rate = {name: peaks.get(id(p)) for name, p in network.named_parameters()}
    assert rate["query_encoder.layer1.0.conv1.weight"] is None
    assert rate["query_encoder.layer3.0.conv1.weight"] == 1e-4
    assert rate["memory_encoder.conv1.weight"] == 2e-4
    assert rate["decoder.pred.weight"] == 1e-3
    assert len(list(trainable(network))) == len(peaks)


def test_set_rate_scales_every_group_from_its_peak():
    optimizer = optimiser(build("tiny"), OptimiserConfig())
    set_rate(optimizer, 0.5)
    set_rate(optimizer, 0.1)
    assert all(group["lr"] == pytest.approx(0.1 * group["peak"]) for group in optimizer.param_groups)


def test_a_prefix_that_names_nothing_is_refused():
    with pytest.raises(ValueError, match="no parameter begins with 'encoder'"):
        optimiser(build("tiny"), OptimiserConfig(frozen=("encoder",)))


def test_only_the_named_parameters_learn():
    network = build("tiny")
    optimiser(network, OptimiserConfig(trained=("quality_head",)))
    assert {name.split(".")[0] for name, p in network.named_parameters() if p.requires_grad} == {"quality_head"}
    with pytest.raises(ValueError, match="leave no parameter to learn"):
        optimiser(network, OptimiserConfig(trained=("quality_head",), frozen=("quality_head",)))


def test_adam_has_the_weight_decay_in_its_gradient():
    settings = OptimiserConfig(algorithm="adam", weight_decay=1e-7)
    assert type(optimiser(build("tiny"), settings)) is torch.optim.Adam
