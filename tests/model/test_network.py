"""The network's laws: sizes, independence of objects, what the gate and the score see."""

import pytest
import torch

from qpm.model import PRESETS, build, load_network, read_header, save_network


def size(network, *, without=()):
    return sum(p.numel() for name, p in network.named_parameters() if not name.startswith(without))


@pytest.fixture(scope="module")
def tiny():
    torch.manual_seed(0)
    return build("tiny").eval()


@pytest.fixture
def scene():
    generator = torch.Generator().manual_seed(1)
    frame = torch.randn(1, 3, 64, 96, generator=generator)
    masks = (torch.rand(1, 2, 64, 96, generator=generator) > 0.7).float()
    return frame, masks


def segment(network, frame, masks, prior=None):
    memory = network.memorize(frame, masks)
    query = network.enhance(network.encode_query(frame), prior)
    return network.segment(query, memory.key.unsqueeze(3), memory.value.unsqueeze(3))


def test_paper_preset_has_mivos_s_parameters_plus_head_and_gate():
    with torch.device("meta"):
        network = build("paper")
    assert size(network) == 95_575_756
    assert size(network, without=("quality_head", "prior_gate")) == 53_685_953


def test_half_fits_a_small_file_and_tiny_a_test():
    with torch.device("meta"):
        assert size(build("half")) < 12_000_000  # half precision: under 24 MB
        assert size(build("tiny")) < 500_000


def test_probabilities_have_the_frame_s_size_and_scores_one_value_an_object(tiny, scene):
    frame, masks = scene
    with torch.inference_mode():
        probability = segment(tiny, frame, masks)
        score = tiny.memorize(frame, masks).score
    assert probability.shape == (1, 2, 64, 96)
    assert score.shape == (1, 2)
    assert ((probability > 0) & (probability < 1)).all() and ((score > 0) & (score < 1)).all()


def test_objects_are_segmented_alike_in_any_order(tiny, scene):
    frame, masks = scene
    with torch.inference_mode():
        straight, turned = segment(tiny, frame, masks), segment(tiny, frame, masks.flip(1))
    assert torch.allclose(straight, turned.flip(1), atol=1e-5)


def test_a_batch_of_clips_gives_what_each_gives_alone(tiny, scene):
    frame, masks = scene
    other = frame.flip(-1)
    with torch.inference_mode():
        both = segment(tiny, torch.cat([frame, other]), torch.cat([masks, masks]))
        alone = torch.cat([segment(tiny, frame, masks), segment(tiny, other, masks)])
    assert torch.allclose(both, alone, atol=1e-5)


def test_stem_of_the_memory_encoder_equals_one_convolution_over_five_channels(tiny, scene):
    frame, masks = scene
    encoder = tiny.memory_encoder
    pair = torch.stack([masks, masks.flip(1)], dim=2)
    stacked = torch.cat([frame.expand(2, -1, -1, -1), pair[0]], dim=1)
    with torch.inference_mode():
        x = torch.relu(encoder.conv1(stacked))
        expected = encoder.layer1(torch.nn.functional.max_pool2d(x, 3, 2, 1))
        f4, _, _ = encoder(frame, pair)
    assert torch.allclose(f4, expected, atol=1e-5)


def test_gate_weakens_the_feature_and_depends_on_the_prior(tiny, scene):
    frame, masks = scene
    with torch.inference_mode():
        features = tiny.encode_query(frame)
        one, other = (tiny.enhance(features, prior) for prior in (masks[:, :1], 1 - masks[:, :1]))
        plain = tiny.enhance(features, None)
    assert one.gate.shape == (1, 1, 4, 6)
    assert ((one.gate > 0) & (one.gate < 1)).all()
    assert not torch.allclose(one.key, other.key)
    assert plain.gate is None


def test_network_without_a_gate_refuses_a_prior(scene):
    network = build(PRESETS["tiny"].model_copy(update={"prior": None}))
    with pytest.raises(ValueError, match="no prior gate"):
        network.enhance(network.encode_query(scene[0]), scene[1][:, :1])


def test_saved_network_answers_the_same(tiny, scene, tmp_path):
    path = save_network(tiny, tmp_path / "w.safetensors", {"seed": 3})
    with torch.inference_mode():
        assert torch.equal(segment(load_network(path), *scene), segment(tiny, *scene))
    config, facts = read_header(path)
    assert config == tiny.config and facts == {"seed": 3}


def test_weights_that_do_not_fit_are_refused_with_their_names(tiny, tmp_path):
    wrong = PRESETS["tiny"].model_copy(update={"key_channels": 8})
    network = build(wrong)
    network.config = tiny.config
    path = save_network(network, tmp_path / "w.safetensors")
    with pytest.raises(ValueError, match="key_proj.weight has shape"):
        load_network(path)


def test_a_file_that_is_no_safetensors_is_refused(tmp_path):
    path = tmp_path / "w.safetensors"
    path.write_bytes(b"not weights")
    with pytest.raises(ValueError, match="not a safetensors file"):
        load_network(path)
