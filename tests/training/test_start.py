"""Where a training starts: files of this network, with other heads, of another shape; processes and precision."""

import pytest
import torch
from safetensors.torch import save_file

from qpm.model import Network, build, load_network, save_network
from qpm.training.batches import tensors
from qpm.training.engine import launched, precision, rank
from qpm.training.initialise import load_encoders
from qpm.training.mixture import ClipMixture
from qpm.training.start import load_weights, starting_network


@pytest.fixture
def file(tmp_path):
    torch.manual_seed(1)
    return save_network(build("tiny"), tmp_path / "tiny.safetensors")


def equal_parts(one, other):
    """The parts that are the same in two networks."""
    other = other.state_dict()
    parts: dict[str, bool] = {}
    for name, value in one.state_dict().items():
        part = name.split(".")[0]
        parts[part] = parts.get(part, True) and torch.equal(value, other[name])
    return {part for part, same in parts.items() if same}


def test_fresh_parts_leave_the_rest_to_the_file(config, file):
    torch.manual_seed(2)
    network, before = build("tiny"), build("tiny")
    before.load_state_dict(network.state_dict())
    load_weights(network, file, config(fresh=["quality_head"]))
    assert equal_parts(network, before) == {"quality_head"}
    with pytest.raises(ValueError, match="fresh: no parameter begins with 'head'"):
        load_weights(network, file, config(fresh=["head"]))


def test_a_fresh_head_is_scaled_on_the_features_that_it_will_see(config, file, tmp_path):
    loud = load_network(file)  # trained features may be far larger than a new layer expects
    with torch.no_grad():
        for layer in (loud.memory_encoder.layer3[0].conv3, loud.memory_encoder.layer3[0].downsample[0]):
            layer.weight *= 1e5
    start = str(save_network(loud, tmp_path / "loud.safetensors"))
    spread = {}
    for name, fresh in (("old", []), ("fresh", ["quality_head"])):
        chosen = config(start=start, fresh=fresh)
        mixture = ClipMixture(chosen.stages[0], chosen.seed, 0, chosen.strict, chosen.cache_gb)
        network = starting_network(chosen, mixture)
        assert equal_parts(network, loud) >= {"memory_encoder", "decoder"}
        frames, masks = tensors(mixture.batch(0), torch.device("cpu"))
        seen: list[torch.Tensor] = []
        network.quality_head.fc1.register_forward_hook(lambda layer, inputs, output, seen=seen: seen.append(output))
        with torch.no_grad():
            network.memorize(frames[:, 0], masks[:, 0])
        spread[name] = float(seen[0].abs().mean())
    assert spread["fresh"] < 3 and spread["old"] > 10


def test_a_head_that_is_new_in_part_keeps_the_rest_of_the_file(config, file):
    chosen = config(start=str(file), fresh=["quality_head.fc2"])
    network = starting_network(chosen, ClipMixture(chosen.stages[0], 0, 0, False, 1.0))
    assert torch.equal(network.quality_head.conv1.weight, load_network(file).quality_head.conv1.weight)
    assert not torch.equal(network.quality_head.fc2.weight, load_network(file).quality_head.fc2.weight)


def test_a_head_that_the_file_lacks_is_new_and_one_in_excess_is_left_out(config, tmp_path):
    network = build("tiny")
    bare = Network(network.config.model_copy(update={"quality": None, "prior": None}))
    load_weights(network, save_network(bare, tmp_path / "bare.safetensors"), config())
    assert equal_parts(bare, network) == {name.split(".")[0] for name in bare.state_dict()}
    load_weights(bare, save_network(network, tmp_path / "full.safetensors"), config())


def test_weights_of_another_shape_are_refused(config, file, tmp_path):
    with pytest.raises(ValueError, match=r"start: .*tiny\.safetensors has key_channels 16; network 'half' has 64"):
        load_weights(build(build("tiny").config.model_copy(update={"key_channels": 64})), file, config(network="half"))
    torch.manual_seed(0)
    save_file({"conv1.weight": torch.zeros(5, 3, 7, 7)}, tmp_path / "classifier.safetensors")
    with pytest.raises(ValueError, match="does not fit the encoder: .* of another shape.*torchvision-resnet50"):
        load_encoders(build("tiny"), tmp_path / "classifier.safetensors", torch.Generator())


def test_encoders_take_a_classifier_and_orthogonal_mask_channels(tmp_path):
    network = build("tiny")
    state = {name: torch.randn_like(value) for name, value in network.query_encoder.state_dict().items()}
    save_file(state, tmp_path / "classifier.safetensors")
    load_encoders(network, tmp_path / "classifier.safetensors", torch.Generator().manual_seed(0))
    stem = network.memory_encoder.conv1.weight.detach()
    assert torch.equal(stem[:, :3], state["conv1.weight"])
    rows = stem[:, 3:].flatten(1)
    assert torch.allclose(rows @ rows.T, torch.eye(len(rows)), atol=1e-5)


def test_a_classifier_that_is_not_there_is_told(config, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"initial_file: there is no .*r50\.safetensors; `qpm convert"):
        config(start="encoders", initial_file=str(tmp_path / "r50.safetensors")).classifier()


def test_precision_follows_the_processor():
    cpu = torch.device("cpu")
    assert precision("32", cpu) == "32-true" and precision("bf16", cpu) == "bf16-mixed"
    assert precision("16", torch.device("cuda")) == "16-mixed"
    with pytest.raises(ValueError, match="precision 16 needs a GPU"):
        precision("16", cpu)


def test_fabrics_names_of_the_precisions_are_taken_too(config):
    names = {"bf16-mixed": "bf16", "16-mixed": "16", "32": "32", 32: "32", "auto": "auto"}
    assert {given: config(precision=given).precision for given in names} == names


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, (1, 1, 0)),
        ({"TORCHELASTIC_RUN_ID": "x", "LOCAL_WORLD_SIZE": "4", "WORLD_SIZE": "8", "RANK": "5"}, (4, 2, 5)),
        ({"SLURM_NTASKS": "6", "SLURM_NNODES": "3", "SLURM_JOB_NAME": "train", "SLURM_PROCID": "2"}, (2, 3, 2)),
        ({"SLURM_NTASKS": "6", "SLURM_NNODES": "3", "SLURM_JOB_NAME": "bash", "SLURM_PROCID": "2"}, (1, 1, 0)),
    ],
)
def test_the_launcher_tells_how_many_processes_train_together(monkeypatch, environment, expected):
    for name in ("TORCHELASTIC_RUN_ID", "SLURM_NTASKS", "RANK", "SLURM_PROCID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert (*launched(), rank()) == expected
