"""Bottleneck, quality head and prior gate against their definition, layer by layer."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from qpm.model.backbone import BackboneConfig, Bottleneck
from qpm.model.prior import PriorConfig, PriorGate
from qpm.model.quality import QualityConfig, QualityHead


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(autouse=True)
def weights():
    torch.manual_seed(0)
    with torch.inference_mode():
        yield


def normalised(x, norm):
    """Batch norm with the statistics that it holds."""
    scale = norm.weight / (norm.running_var + 1e-5).sqrt()
    return x * scale[:, None, None] + (norm.bias - norm.running_mean * scale)[:, None, None]


@pytest.mark.parametrize("bias", [False, True])
def test_bottleneck_strides_in_its_3x3_convolution_and_normalises_every_layer(bias):
    block = Bottleneck(BackboneConfig(bias=bias), in_channels=8, width=4, stride=2).eval()
    for module in block.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.copy_(0.1 * random(module.num_features))
            module.running_var.copy_(1 + random(module.num_features, seed=1).abs())
    x = random(2, 8, 6, 10)

    def layer(x, convolution, norm, **options):
        assert (convolution.bias is not None) == bias
        return normalised(F.conv2d(x, convolution.weight, convolution.bias, **options), norm)

    y = layer(x, block.conv1, block.bn1).relu()
    y = layer(y, block.conv2, block.bn2, stride=2, padding=1).relu()
    y = layer(y, block.conv3, block.bn3) + layer(x, *block.downsample, stride=2)
    assert torch.allclose(block(x.clone()), y.relu(), atol=1e-5)


@pytest.mark.parametrize(("hidden", "score"), [("relu", "relu"), ("sigmoid", "sigmoid"), ("relu", "sigmoid")])
def test_quality_head_looks_at_24_by_24_cells_whatever_the_frame(hidden, score):
    config = QualityConfig(channels=2, hidden=8, hidden_activation=hidden, score_activation=score)
    head = QualityHead(config, in_channels=6)
    f16 = random(3, 6, 10, 17)
    activation = {"relu": torch.relu, "sigmoid": torch.sigmoid}
    x = F.interpolate(f16, (24, 24), mode="bilinear", align_corners=False)
    for layer, stride in ((head.conv1, 1), (head.conv2, 1), (head.conv3, 1), (head.conv4, 2)):
        x = F.conv2d(x, layer.weight, layer.bias, stride, 1).relu()
    assert x.shape == (3, 2, 12, 12)
    x = activation[hidden](x.flatten(1) @ head.fc1.weight.T + head.fc1.bias)
    x = activation[score](x @ head.fc2.weight.T + head.fc2.bias)
    assert torch.allclose(head(f16, torch.zeros(3, 160, 272)), x[:, 0], atol=1e-6)


def test_gate_is_a_sigmoid_of_feature_and_small_mask_and_weighs_every_channel_alike():
    gate = PriorGate(PriorConfig(), channels=6)
    f16, mask = random(2, 6, 3, 4), random(2, 1, 48, 64, seed=1).sigmoid()
    small = F.interpolate(mask, (3, 4), mode="bilinear", align_corners=False)
    h = F.conv2d(torch.cat([f16, small], dim=1), gate.conv.weight, gate.conv.bias, padding=1).sigmoid()
    enhanced, shown = gate(f16, mask)
    assert h.shape == (2, 1, 3, 4)
    assert torch.allclose(shown, h, atol=1e-6)
    assert torch.allclose(enhanced, h * f16, atol=1e-6)
