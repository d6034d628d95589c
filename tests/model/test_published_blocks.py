"""Blocks of the published networks against their definition, written out independently."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from qpm.model import PRESETS, build
from qpm.model.aspp import ASPP, ASPPConfig
from qpm.model.backbone import BackboneConfig, ResNet
from qpm.model.decoder import Decoder, DecoderConfig, UpsampleBlock

SMALL = BackboneConfig(stem=8, width=4, blocks=(1, 1, 1))


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(autouse=True)
def weights():
    torch.manual_seed(0)
    with torch.inference_mode():
        yield


def convolution(x, layer, **options):
    return F.conv2d(x, layer.weight, layer.bias, padding=1, **options)


def residual(x, block):
    """conv(relu(conv(relu(x)))) on a shortcut, which is a convolution of the raw input where the width changes."""
    y = convolution(convolution(x.relu(), block.conv1).relu(), block.conv2)
    return y + (convolution(x, block.downsample) if isinstance(block.downsample, nn.Conv2d) else x)


def doubled(x):
    return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def test_five_channel_stem_equals_stm_s_three_stems_summed():
    frame, own, others = random(1, 3, 32, 48), random(1, 1, 32, 48, seed=1), random(1, 1, 32, 48, seed=2)
    colour, this, rest = (nn.Conv2d(channels, 8, 7, 2, 3, bias=False) for channels in (3, 1, 1))
    encoder = ResNet(SMALL, mask_channels=2).eval()
    encoder.conv1.weight.copy_(torch.cat([colour.weight, this.weight, rest.weight], dim=1))
    seen = []
    encoder.bn1.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].clone()))
    encoder(frame, torch.stack([own, others], dim=2))
    assert torch.allclose(seen[0], colour(frame) + this(own) + rest(others), atol=1e-5)


def test_two_logits_give_the_softmax_s_second_channel():
    config = DecoderConfig(channels=(8, 8, 8), compress="convolution", logits=2)
    decoder = Decoder(config, in_channels=12, skips=(5, 6))
    x, f8, f4 = random(1, 2, 12, 2, 3), random(1, 6, 4, 6, seed=1), random(1, 5, 8, 12, seed=2)
    outputs = []
    decoder.pred.register_forward_hook(lambda _, inputs, output: outputs.append(output))
    probability = decoder(x, f8, f4).sigmoid()
    both = F.interpolate(outputs[0], scale_factor=4, mode="bilinear", align_corners=False)
    assert both.shape == (2, 2, 32, 48)
    assert torch.allclose(probability[0], both.softmax(dim=1)[:, 1], atol=1e-6)


def test_stm_s_decoder_convolves_before_its_first_block():
    decoder = Decoder(DecoderConfig(channels=(8, 8, 8), compress="convolution"), in_channels=12, skips=(5, 6))
    x = random(1, 12, 2, 3)
    first, block = decoder.compress
    assert torch.allclose(decoder.compress(x), residual(convolution(x, first), block), atol=1e-6)


def test_upsample_block_adds_the_refined_skip_to_the_doubled_map_of_each_object():
    block = UpsampleBlock(skip_channels=5, in_channels=8, out_channels=6, groups=0)
    skip, x = random(1, 5, 4, 6), random(1, 2, 8, 2, 3, seed=1)
    refined = residual(convolution(skip, block.skip_conv1), block.skip_conv2)
    expected = [residual(refined + doubled(x[:, o]), block.out_conv) for o in range(2)]
    assert torch.allclose(block(skip, x), torch.stack(expected, dim=1), atol=1e-5)


def test_aspp_keeps_the_shape_and_its_last_branch_sees_the_mean_alone():
    aspp = ASPP(ASPPConfig(channels=4), channels=6).eval()
    x = random(3, 6, 20, 21)
    assert aspp(x).shape == x.shape
    for branch in aspp.local:
        branch[0].weight.zero_()
    elsewhere = x.flip(-1)  # another map of equal mean
    assert torch.allclose(aspp(x), aspp(elsewhere), atol=1e-5)
    assert torch.allclose(aspp(x), aspp(x)[:, :, :1, :1].expand_as(x), atol=1e-5)


def test_aspp_s_branches_look_0_6_12_and_18_cells_far():
    aspp = ASPP(ASPPConfig(channels=1), channels=1).eval()
    point = torch.zeros(1, 1, 41, 41)
    point[0, 0, 20, 20] = 1.0
    reach = []
    for branch in aspp.local:
        branch[0].weight.fill_(1.0)
        rows = branch(point)[0, 0].amax(dim=1).nonzero()
        reach.append([int(row) - 20 for row in rows])
    assert reach == [[0], [-6, 0, 6], [-12, 0, 12], [-18, 0, 18]]


def test_aspp_merges_normalised_branches_in_order():
    aspp = ASPP(ASPPConfig(channels=4, dilations=(2,)), channels=6).eval()
    for module in aspp.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.copy_(0.1 * random(module.num_features))
            module.running_var.copy_(1 + random(module.num_features).abs())
    x = random(2, 6, 5, 7)

    def layer(x, sequence, **options):
        y = F.conv2d(x, sequence[0].weight, **options)
        norm = sequence[1]
        scale = norm.weight / (norm.running_var + 1e-5).sqrt()
        return (y * scale[:, None, None] + (norm.bias - norm.running_mean * scale)[:, None, None]).relu()

    mean = F.interpolate(
        layer(x.mean((2, 3), keepdim=True), aspp.whole), (5, 7), mode="bilinear", align_corners=True
    )
    branches = [layer(x, aspp.local[0]), layer(x, aspp.local[1], dilation=2, padding=2), mean]
    assert torch.allclose(aspp(x), layer(torch.cat(branches, dim=1), aspp.merge), atol=1e-5)


@pytest.mark.parametrize(("clamp", "largest"), [(False, 2.0), (True, 1.0)])
def test_the_sum_of_the_others_is_clamped_where_the_network_asks_for_it(clamp, largest):
    network = build(PRESETS["tiny"].model_copy(update={"clamp_others": clamp})).eval()
    seen = []
    network.memory_encoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[1]))
    network.memorize(random(1, 3, 32, 32), torch.ones(1, 3, 32, 32))
    assert seen[0][:, :, 1].amax() == pytest.approx(largest)


def test_relu_scores_may_exceed_one_and_be_zero():
    quality = PRESETS["tiny"].quality.model_copy(update={"score_activation": "relu"})
    head = build(PRESETS["tiny"].model_copy(update={"quality": quality})).eval().quality_head
    for bias, score in ((7.0, 7.0), (-7.0, 0.0)):
        head.fc2.weight.zero_()
        head.fc2.bias.fill_(bias)
        assert head(random(1, 128, 4, 4), torch.zeros(1, 64, 64)).tolist() == [score]
