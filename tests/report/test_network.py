"""Departures from the paper's network are read from the weights file, without torch."""

import json

import numpy as np
from safetensors.numpy import save_file

from qpm.report.network import departures

HALF = {
    "query_encoder": {"width": 32},
    "key_channels": 64,
    "value_channels": 256,
    "read": {"similarity": "cosine"},
}
PAPER = {
    "query_encoder": {"width": 64},
    "key_channels": 128,
    "value_channels": 512,
    "read": {"similarity": "dot"},
}


def weights(path, config):
    save_file(
        {"x": np.zeros(1, np.float32)}, path, metadata={"qpm": json.dumps({"config": config, "facts": {}})}
    )
    return str(path)


def test_what_differs_is_named_with_the_papers_value(tmp_path):
    said = departures(weights(tmp_path / "half.safetensors", HALF))
    assert said == (
        "ResNet width 32 (paper 64), keys 64 channels (MiVOS 128), values 256 channels (MiVOS 512), "
        "similarity cosine (paper dot)"
    )


def test_the_papers_own_network_departs_in_nothing(tmp_path):
    assert departures(weights(tmp_path / "full.safetensors", PAPER)) == ""


def test_another_file_of_the_same_name_is_not_described(tmp_path):
    assert departures(weights(tmp_path / "half.safetensors", HALF), digest="0" * 64) == ""


def test_weights_that_are_not_here_are_not_described(tmp_path):
    assert departures(str(tmp_path / "gone.safetensors")) == ""
