"""Names and shapes of published files, and what becomes of each tensor."""

import re
from pathlib import Path

import pytest
import torch

from qpm.model import PRESETS, NetworkConfig, build
from qpm.model.backbone import BackboneConfig
from qpm.model.decoder import DecoderConfig
from qpm.model.published.convert import LAYOUTS

SOURCE = Path("w.pth")


def shapes_of(network):
    return {name: tuple(value.shape) for name, value in network.state_dict().items()}


def small(kind):
    """The network of a publication with few channels, and its own weights in the publication's names."""
    config: NetworkConfig = PRESETS[kind]
    encoders = {
        name: BackboneConfig(stem=4, width=2, blocks=(1, 1, 1), bias=getattr(config, name).bias)
        for name in ("query_encoder", "memory_encoder")
    }
    decoder = DecoderConfig.model_validate({**config.decoder.model_dump(), "channels": (8, 8, 8)})
    quality = config.quality and config.quality.model_copy(update={"channels": 2, "hidden": 4})
    aspp = config.aspp and config.aspp.model_copy(update={"channels": 4})
    changes = {"key_channels": 4, "value_channels": 8, "decoder": decoder, "quality": quality, "aspp": aspp}
    torch.manual_seed(0)
    network, layout = build(config.model_copy(update=encoders | changes)).eval(), LAYOUTS[kind]
    theirs = {name: torch.tensor(values).view(1, 3, 1, 1) for name, values in layout.constants.items()}
    for ours, value in network.state_dict().items():
        parts = dict(layout.parts(ours, tuple(value.shape)))
        widths = (
            [shape[1] for shape in parts.values()]
            if len(parts) > 1
            else [value.shape[1] if value.ndim > 1 else 0]
        )
        pieces = value.split(widths, dim=1) if len(parts) > 1 else [value]
        theirs |= dict(zip(parts, pieces, strict=True))
    return network, theirs


@pytest.mark.parametrize("kind", LAYOUTS)
def test_every_name_and_shape_is_that_of_the_published_file(kind, listing):
    with torch.device("meta"):
        shapes = shapes_of(build(kind))
    entries = re.findall(r"^(\S+) \[([\d, ]*)\]$", listing(kind).read_text(), flags=re.MULTILINE)
    published = {name: tuple(int(side) for side in re.findall(r"\d+", sides)) for name, sides in entries}
    assert LAYOUTS[kind].expected(shapes) == published


@pytest.mark.parametrize(
    ("kind", "ours", "theirs"),
    [
        ("mivos", "memory_encoder.layer1.0.conv1.bias", "mask_rgb_encoder.layer1.0.conv1.bias"),
        ("mivos", "query_encoder.layer1.2.bn3.weight", "rgb_encoder.res2.2.bn3.weight"),
        ("mivos", "query_encoder.layer2.0.downsample.0.weight", "rgb_encoder.layer2.0.downsample.0.weight"),
        ("mivos", "memory_projection.key_proj.bias", "kv_m_f16.key_proj.bias"),
        ("mivos", "decoder.up_8_4.skip_conv2.conv1.weight", "decoder.up_8_4.skip_conv2.conv1.weight"),
        ("stm", "query_encoder.layer3.5.conv2.weight", "Encoder_Q.res4.5.conv2.weight"),
        ("stm", "memory_encoder.bn1.running_var", "Encoder_M.bn1.running_var"),
        ("stm", "query_projection.val_proj.weight", "KV_Q_r4.Value.weight"),
        ("stm", "decoder.compress.1.conv2.bias", "Decoder.ResMM.conv2.bias"),
        ("stm", "decoder.up_16_8.skip_conv2.conv1.weight", "Decoder.RF3.ResFS.conv1.weight"),
        ("stm", "decoder.up_8_4.out_conv.conv2.weight", "Decoder.RF2.ResMM.conv2.weight"),
        ("qdmn", "quality_head.fc1.weight", "score.fc1.weight"),
        ("qdmn", "prior_gate.conv.bias", "concat_conv.bias"),
        ("qdmn", "aspp.local.3.0.weight", "aspp.aspp4.atrous_conv.weight"),
        ("qdmn", "aspp.whole.1.running_mean", "aspp.global_avg_pool.2.running_mean"),
    ],
)
def test_a_tensor_has_the_published_name(kind, ours, theirs):
    assert LAYOUTS[kind].theirs(ours) == theirs


@pytest.mark.parametrize("kind", LAYOUTS)
def test_translated_tensors_are_those_of_the_network(kind):
    network, theirs = small(kind)
    translated = LAYOUTS[kind].translate(theirs, shapes_of(network), SOURCE)
    expected = network.state_dict()
    assert translated.keys() == expected.keys()
    assert all(torch.equal(value, expected[name].float()) for name, value in translated.items())


def test_stm_s_three_stems_become_one_in_the_order_colour_own_others():
    network, theirs = small("stm")
    stems = {"conv1": 1.0, "conv1_m": 2.0, "conv1_o": 3.0}
    for name, value in stems.items():
        key = f"Encoder_M.{name}.weight"
        theirs[key] = torch.full_like(theirs[key], value)
    stem = LAYOUTS["stm"].translate(theirs, shapes_of(network), SOURCE)["memory_encoder.conv1.weight"]
    assert stem[0, :, 0, 0].tolist() == [1.0, 1.0, 1.0, 2.0, 3.0]


def test_a_stem_for_one_object_is_blind_to_the_others():
    network, theirs = small("mivos")
    stem = theirs["mask_rgb_encoder.conv1.weight"]
    theirs["mask_rgb_encoder.conv1.weight"] = stem[:, :4]
    translated = LAYOUTS["mivos"].translate(theirs, shapes_of(network), SOURCE)
    assert torch.equal(translated["memory_encoder.conv1.weight"][:, :4], stem[:, :4])
    assert not translated["memory_encoder.conv1.weight"][:, 4].any()


def test_counters_that_old_files_lack_are_not_missed():
    network, theirs = small("stm")
    old = {name: value for name, value in theirs.items() if not name.endswith("num_batches_tracked")}
    assert len(old) < len(theirs)
    network.load_state_dict(LAYOUTS["stm"].translate(old, shapes_of(network), SOURCE))


def test_half_precision_becomes_float32():
    network, theirs = small("mivos")
    halves = {name: value.half() for name, value in theirs.items()}
    translated = LAYOUTS["mivos"].translate(halves, shapes_of(network), SOURCE)
    assert {value.dtype for value in translated.values()} == {torch.float32}


def test_missing_unknown_and_mis_shaped_names_are_told_as_the_file_has_them():
    network, theirs = small("stm")
    theirs["Decoder.pred3.bias"] = theirs.pop("Decoder.pred2.bias")
    theirs["KV_M_r4.Key.bias"] = torch.zeros(5)
    with pytest.raises(ValueError) as caught:
        LAYOUTS["stm"].translate(theirs, shapes_of(network), SOURCE)
    assert str(caught.value).splitlines() == [
        "w.pth: 3 tensors do not fit the network:",
        "  missing Decoder.pred2.bias",
        "  unknown Decoder.pred3.bias",
        "  KV_M_r4.Key.bias has shape (5,), expected (4,)",
    ]


def test_a_file_normalised_otherwise_is_refused():
    network, theirs = small("stm")
    theirs["Encoder_Q.std"] = torch.ones(1, 3, 1, 1)
    with pytest.raises(ValueError, match=r"Encoder_Q.std is \[1.0, 1.0, 1.0\], expected \(0.229"):
        LAYOUTS["stm"].translate(theirs, shapes_of(network), SOURCE)
