"""Which networks there are by name, and how large each is."""

import json

import pytest
import torch

from qpm.model import PRESETS, NetworkConfig, build

WRITTEN_EARLIER = """{"query_encoder": {"stem": 64, "width": 32, "blocks": [3, 4, 6], "norm": "none", "bias": false,
"form": "caffe"}, "memory_encoder": {"stem": 64, "width": 32, "blocks": [3, 4, 6], "norm": "none", "bias": false,
"form": "caffe"}, "key_channels": 64, "value_channels": 256, "read": {"similarity": "cosine", "top_k": 32,
"initial_sharpness": 24.0}, "decoder": {"channels": [128, 96, 64], "groups": 8}, "quality": {"channels": 96,
"hidden": 128, "pooling": "average_max", "hidden_activation": "relu", "score_activation": "sigmoid"},
"prior": {"per_channel": false, "initial_bias": 2.0}}"""


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("paper", 95_575_756), ("mivos", 53_685_953), ("stm", 38_925_570), ("qdmn", 104_508_556)],
)
def test_networks_have_the_published_number_of_parameters(name, parameters):
    with torch.device("meta"):
        assert sum(parameter.numel() for parameter in build(name).parameters()) == parameters


def test_a_header_written_before_other_networks_could_be_described_still_means_the_same():
    half = PRESETS["half"]
    without_doubt = half.quality.model_copy(update={"doubt": False})  # came later, too
    meant = half.model_copy(update={"quality": without_doubt})
    assert NetworkConfig.model_validate(json.loads(WRITTEN_EARLIER)) == meant


@pytest.mark.parametrize("name", PRESETS)
def test_a_config_survives_its_way_through_a_header(name):
    written = json.dumps(PRESETS[name].model_dump(mode="json"))
    assert NetworkConfig.model_validate_json(written) == PRESETS[name]


def test_batch_norms_keep_their_statistics_while_training():
    small = PRESETS["qdmn"].query_encoder.model_copy(update={"stem": 8, "width": 4, "blocks": (1, 1, 1)})
    network = build(PRESETS["tiny"].model_copy(update={"query_encoder": small})).train()
    before = network.query_encoder.bn1.running_mean.clone()
    network.encode_query(torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(0)))
    assert network.training
    assert torch.equal(network.query_encoder.bn1.running_mean, before)
