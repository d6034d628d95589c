"""The drawing of a network says what the network does."""

import pytest
import torch
from matplotlib.patches import FancyBboxPatch

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
    tensors = {"query_encoder": features.f16, "prior_gate": query.gate, "query_projection": query.value,
               "memory_projection": memory.value[0]}  # fmt: skip
    for part, tensor in tensors.items():
        row = table.loc[part]
        size = (row.channels, height // row.stride, width // row.stride)
        assert tensor.shape[-3:] == size, part


def test_the_paper_network_is_a_resnet_50_with_the_widths_of_mivos():
    table = parts("paper")
    assert table.detail["query_encoder"] == "ResNet-50, width 64"
    assert table.detail["query_projection"] == "3×3 convs\nkey: 128 × H/16 × W/16"
    assert (table.channels["query_projection"], table.channels["bank"]) == (512, 512)
    assert table.detail["memory_read"] == "Eq. 1: dot, top 50"
    assert architecture.text_of(table.loc["bank"]) == "values: 512 × T × H/16 × W/16"


def test_the_steps_of_the_quality_head_stand_in_their_order():
    assert parts("paper").detail["quality_head"] == "resized to 24×24\n4 convs, 256 channels"
    assert parts("half").detail["quality_head"] == "4 convs, 96 channels\nmean and maximum"


def test_a_score_that_weighs_in_the_masks_doubt_says_so():
    config = PRESETS["paper"].model_dump(mode="json")
    plain = architecture.prepare(config).set_index("part").tensor["quality_head"]
    config["quality"]["doubt"] = True
    assert plain == "fully connected: 1024, 1"
    assert architecture.prepare(config).set_index("part").tensor["quality_head"] == f"{plain}\nless the doubt of mask t"


def drawn(config):
    with style.theme():
        drawing = architecture.figure(config)
        style.lay_out(drawing)
    return drawing.axes[0]


def test_a_name_and_its_size_stand_on_one_line():
    table = architecture.prepare(PRESETS["paper"].model_dump(mode="json"))
    modules = [row for row in table.to_dict("records") if row["part"] not in architecture.PLAIN]
    lines = [line for row in modules for line in f"{row['detail']}\n{architecture.text_of(row)}".splitlines()]
    names = [line.partition(":")[0] for line in lines if " × H" in line]
    assert set(names) == {"f16", "key", "value", "keys", "values", "gate", "readout", "logit"}
    assert not set(names) & set(lines)


@pytest.mark.parametrize("name", PRESETS)
def test_words_stay_inside_their_boxes(name):
    config = PRESETS[name].model_dump(mode="json")
    if config["quality"]:
        config["quality"]["doubt"] = True
    if config["prior"]:
        config["prior"]["per_channel"] = True
    ax = drawn(config)
    boxes = [patch.get_window_extent() for patch in ax.patches if isinstance(patch, FancyBboxPatch)]
    for text in ax.texts:
        words = text.get_window_extent()
        around = [box for box in boxes if box.contains(*words.get_points().mean(axis=0))]
        for box in around:
            assert box.x0 < words.x0 and words.x1 < box.x1 and box.y0 < words.y0 and words.y1 < box.y1, text


def test_what_enters_the_decoder_beside_the_readout_has_arrows():
    for name in ("paper", "stm"):
        ax = drawn(PRESETS[name].model_dump(mode="json"))
        assert {"f8, f4", "value"} <= {text.get_text() for text in ax.texts}
        left, right = 84, 98  # the decoder's sides
        tips = [line for line in ax.lines if left < line.get_xdata()[-1] < right]
        starts = [architecture.BOX[part][0] for part in ("query_encoder", "query_projection")]
        assert sorted(line.get_xdata()[0] for line in tips) == starts


def test_the_caption_explains_the_signs_of_the_drawing(results):
    caption = architecture.report(results).caption
    for sign in ("f16, f8, f4: ", "⊕: ", "⊗: ", "5 × H × W: ", "The given frame"):
        assert sign in caption


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
