"""The drawing of a network says what the network does."""

import pytest
import torch

from qpm.model import build
from qpm.model.presets import PRESETS
from qpm.report import architecture, style
from qpm.report.load import NotMeasuredError


def parts(name: str):
    return architecture.prepare(PRESETS[name].model_dump(mode="json")).set_index("part")


def test_the_sizes_are_those_of_the_tensors():
    network, table = build("tiny").eval(), parts("tiny")
    height, width = 64, 96
    frame, masks = torch.zeros(1, 3, height, width), torch.zeros(1, 2, height, width)
    with torch.no_grad():
        features = network.encode_query(frame)
        query = network.enhance(features, masks[:, :1])
        memory = network.memorize(frame, masks)
    tensors = {"query_encoder": features.f16, "prior_gate": query.gate, "query_projection": query.key,
               "memory_projection": memory.value[0]}  # fmt: skip
    for part, tensor in tensors.items():
        row = table.loc[part]
        size = (row.channels, height // row.stride, width // row.stride)
        assert tensor.shape[-3:] == size, part


def test_the_paper_network_is_a_resnet_50_with_the_widths_of_mivos():
    table = parts("paper")
    assert table.detail["query_encoder"] == "ResNet-50, width 64"
    assert (table.channels["query_projection"], table.channels["bank"]) == (128, 512)
    assert table.detail["memory_read"] == "Eq. 1: dot, top 50"
    assert architecture.text_of(table.loc["bank"]) == "values\n512 × T × H/16 × W/16"


def test_a_score_that_weighs_in_the_masks_doubt_says_so():
    config = PRESETS["paper"].model_dump(mode="json")
    plain = architecture.prepare(config).set_index("part").tensor["quality_head"]
    config["quality"]["doubt"] = True
    assert plain == "2 FC: 1024, 1"
    assert architecture.prepare(config).set_index("part").tensor["quality_head"] == f"{plain}\nless the doubt of mask t"


def test_a_network_without_quality_head_and_prior_gate_lacks_their_parts():
    lacking = {"prior_gate", "prior_mask", "quality_head", "score_encoder", "score"}
    assert set(parts("paper").index) - set(parts("stm").index) == lacking
    with style.theme():
        plain = architecture.figure(PRESETS["stm"].model_dump(mode="json"))
    assert not any("memorise" in text.get_text() for text in plain.axes[0].texts)


def test_the_report_draws_the_weights_that_were_used(results):
    section = architecture.report(results)
    before = {path: path.read_bytes() for path in section.files}
    assert {path.suffix for path in before} == {".png", ".pdf", ".svg", ".txt"}
    assert {path: path.read_bytes() for path in architecture.report(results).files} == before
    config = results.trials[0]["config"] | {"case": "gone", "weights": "/nowhere/w.safetensors"}
    gone = type(results)(results.folder, results.rows, ({"folder": "x", "config": config},))
    with pytest.raises(NotMeasuredError, match="weights of case 'gone'"):
        architecture.report(gone, "gone")
