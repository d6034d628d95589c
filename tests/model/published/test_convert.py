"""`qpm convert`: what is read, what is refused and how it is told."""

import json
import re

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn
from typer.testing import CliRunner

from qpm.cli import app
from qpm.model import PRESETS, build
from qpm.model.backbone import BackboneConfig, ResNet
from qpm.model.published import KINDS, convert
from qpm.model.published.convert import reading
from qpm.model.published.source import read_tensors, sha256
from qpm.training.initialise import initialise


class Surprise:
    """Unpickles by calling a function."""

    def __reduce__(self):
        return print, ("the file ran its code",)


def qpm(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def resnet50(tmp_path):
    """A file like torchvision's, with the parts behind the third stage cut short."""
    torch.manual_seed(0)
    state = ResNet(BackboneConfig()).state_dict()
    state |= {
        "layer4.0.conv1.weight": torch.ones(2, 2, 1, 1),
        "fc.weight": torch.ones(3, 2),
        "fc.bias": torch.ones(3),
    }
    torch.save(state, tmp_path / "resnet50.pth")
    return tmp_path / "resnet50.pth"


@pytest.mark.parametrize("since_2020", [True, False])
def test_names_lose_the_prefix_of_data_parallel_in_files_of_either_format(since_2020, tmp_path):
    state = {"module.a": torch.ones(2), "module.b.module.c": torch.zeros(1)}
    torch.save(state, tmp_path / "w.pth", _use_new_zipfile_serialization=since_2020)
    assert list(read_tensors(tmp_path / "w.pth")) == ["a", "b.module.c"]


@pytest.mark.parametrize("wrapper", ["network", "state_dict"])
def test_a_training_checkpoint_gives_its_weights(wrapper, tmp_path):
    torch.save({"it": 3, wrapper: {"a": torch.ones(2)}, "optimizer": {"lr": 1e-5}}, tmp_path / "w.pth")
    assert list(read_tensors(tmp_path / "w.pth")) == ["a"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"a": torch.ones(1), "epoch": 7}, "'epoch' is a int, not a tensor"),
        ([torch.ones(1)], "holds no state dict but a list"),
        ({}, "holds no state dict but nothing"),
    ],
)
def test_a_file_that_holds_something_else_is_refused(content, told, tmp_path):
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(ValueError, match=re.escape(told)):
        read_tensors(tmp_path / "w.pth")


@pytest.mark.parametrize("content", [b"", b"plain text", b"PK\x03\x04 cut short"])
def test_a_file_that_is_no_pytorch_file_is_refused(content, tmp_path):
    (tmp_path / "w.pth").write_bytes(content)
    with pytest.raises(ValueError, match=r"w\.pth is not a PyTorch file of weights"):
        read_tensors(tmp_path / "w.pth")


def test_code_in_a_file_is_not_run(tmp_path, capsys):
    torch.save({"a": Surprise()}, tmp_path / "w.pth")
    with pytest.raises(ValueError, match=r"asks to load \S*print; only files of tensors"):
        read_tensors(tmp_path / "w.pth")
    assert "ran its code" not in capsys.readouterr().out


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_does_not_fit_is_refused_with_ten_names_and_their_number(kind, tmp_path):
    torch.save({"a.weight": torch.ones(1), "b.weight": torch.ones(1)}, tmp_path / "w.pth")
    result = qpm("convert", tmp_path / "w.pth", "--from", kind, "--out", tmp_path / "o.safetensors")
    assert result.exit_code == 2
    head, *names, more = result.stderr.splitlines()
    count = int(re.search(r"(\d+) tensors do not fit the network", head)[1])
    assert len(names) == 10 and all("missing " in name for name in names)
    assert more == f"  and {count - 10} more"
    assert "Traceback" not in result.output and not (tmp_path / "o.safetensors").exists()


def test_weights_of_another_publication_are_recognised(tmp_path):
    torch.save({"KV_M_r4.Key.weight": torch.ones(1)}, tmp_path / "w.pth")
    result = qpm("convert", tmp_path / "w.pth", "--from", "mivos", "--out", tmp_path / "o.safetensors")
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1] == "the names are those of stm: --from stm"


def test_wrong_requests_are_refused_in_a_line(tmp_path, resnet50):
    out = tmp_path / "o.safetensors"
    requests = [
        ((tmp_path / "none.pth", "--from", "stm", "--out", out), "no weights file"),
        ((resnet50, "--from", "mivso", "--out", out), "did you mean 'mivos'"),
        ((resnet50, "--from", "torchvision-resnet50", "--out", resnet50), "is the source itself"),
        ((resnet50, "--from", "torchvision-resnet50", "--out", out, "--top-k", 20), "reads no memory"),
    ]
    for arguments, told in requests:
        result = qpm("convert", *arguments)
        assert result.exit_code == 2 and told in result.stderr and "Traceback" not in result.output
        assert len(result.stderr.splitlines()) == 1


def test_the_memory_read_can_be_set_on_the_way():
    changed = reading(PRESETS["mivos"], {"top_k": None, "kernel_sigma": 5.6})
    assert (changed.read.top_k, changed.read.kernel_sigma) == (None, 5.6)
    assert reading(PRESETS["mivos"], {}) == PRESETS["mivos"]


def test_torchvision_s_file_starts_the_encoders_with_and_without_biases(resnet50, tmp_path):
    out = tmp_path / "initial.safetensors"
    assert convert(resnet50, "torchvision-resnet50", out) == out
    with safe_open(out, framework="pt") as file:
        assert json.loads(file.metadata()["origin"])["sha256"] == sha256(resnet50)
    changes = {"key_channels": 4, "value_channels": 4, "quality": None, "prior": None}
    decoder = PRESETS["tiny"].decoder
    network = build(PRESETS["paper"].model_copy(update=changes | {"decoder": decoder}))
    generator = torch.Generator().manual_seed(0)
    frames = torch.randn(2, 3, 64, 64, generator=generator)
    masks = (torch.rand(2, 1, 64, 64, generator=generator) > 0.5).float()
    initialise(network.eval(), out, frames, frames, masks, generator)
    source = load_file(out)
    assert torch.equal(network.query_encoder.layer3[5].conv3.weight, source["layer3.5.conv3.weight"])
    assert torch.equal(network.memory_encoder.conv1.weight[:, :3], source["conv1.weight"])
    biases = [module.bias for module in network.memory_encoder.modules() if isinstance(module, nn.Conv2d)]
    assert len(biases) == 43 and not any(bias.any() for bias in biases)
