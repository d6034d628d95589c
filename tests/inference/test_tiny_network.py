"""The real network (smallest preset, random weights) through the loop, under every preset."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from qpm import masks
from qpm.datasets.video import Video
from qpm.frames import Canvas
from qpm.inference import Ensemble, propagate, resolve
from qpm.memory import PRESETS, MemoryPolicy
from qpm.memory.signals import ALWAYS
from qpm.model import Network, build


@pytest.fixture(scope="module")
def network() -> Network:
    torch.manual_seed(0)
    return build("tiny").eval()


@pytest.fixture(scope="module")
def clip() -> Video:
    """Two squares on noise, the second given in frame 3; 50 x 70 fits no multiple of 16."""
    generator = np.random.default_rng(0)
    frames = generator.integers(0, 256, (13, 50, 70, 3), dtype=np.uint8)

    def labels(index: int) -> np.ndarray:
        answer = np.zeros((50, 70), dtype=np.uint8)
        answer[5:25, 5 + index : 25 + index] = 1
        if index >= 3:
            answer[30:48, 40:60] = 9
        return answer

    names = tuple(f"{index:05d}" for index in range(13))
    return Video("test", "squares", names, (50, 70), (1, 9), {1: 0, 9: 3}, frames.__getitem__, labels)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_runs(preset: str, network: Network, clip: Video) -> None:
    policy = resolve(MemoryPolicy.model_validate(preset), network, clip)
    results = list(propagate(network, clip, policy))
    assert len(results) == 13
    for result in results:
        assert result.labels.shape == (50, 70) and set(np.unique(result.labels)) <= {0, *result.object_ids}
        assert set(ALWAYS) | policy.needs <= set(result.signals)
        assert all(len(values) == len(result.object_ids) for values in result.signals.values())
    assert results[3].signals["score"][1] == 1.0


def test_two_frames_agree_with_the_network_called_by_hand(network: Network, clip: Video) -> None:
    """Frame 2 under stm with a prior: Eq. 4 with frame 1's mask, a read of frames 0 and 1, aggregation."""
    policy = MemoryPolicy.model_validate({"preset": "stm", "prior": "previous"})
    results = propagate(network, clip, policy, keep_probabilities=True)
    third = [next(results) for _ in range(3)][2]
    canvas, given = Canvas.fit((50, 70)), clip.given(0)
    assert given is not None
    with torch.inference_mode():
        frames = [canvas.frame(clip.read_frame(index)) for index in range(3)]
        soft = canvas.masks(masks.onehot(given, (1,)))
        memories = [network.memorize(frames[0], soft)]
        for index in (1, 2):
            query = network.enhance(network.encode_query(frames[index]), soft)
            key = torch.stack([memory.key for memory in memories], dim=3)
            value = torch.stack([memory.value for memory in memories], dim=3)
            probability = masks.aggregate(network.segment(query, key, value))
            soft = probability[:, 1:]
            memories.append(network.memorize(frames[index], soft))
    assert third.probabilities is not None
    assert torch.allclose(third.probabilities, canvas.native_maps(probability), atol=1e-5)
    assert third.signals["score_raw"][0] == pytest.approx(memories[2].score.item(), abs=1e-5)  # type: ignore[union-attr]


def test_a_smaller_canvas_still_answers_at_the_native_size(network: Network, clip: Video) -> None:
    results = list(propagate(network, clip, MemoryPolicy.model_validate("qpm"), max_side=48))
    assert {result.labels.shape for result in results} == {(50, 70)}
    given = clip.given(0)
    assert given is not None and np.array_equal(results[0].labels, given)
    assert np.array_equal(results[3].labels == 9, clip.read_labels(3) == 9)  # type: ignore[operator]


def test_lower_precision_stays_close(network: Network, clip: Video) -> None:
    policy = MemoryPolicy.model_validate("stm")
    full = list(propagate(network, clip, policy, keep_probabilities=True))[1]
    half = list(propagate(network, clip, policy, keep_probabilities=True, dtype=torch.bfloat16))[1]
    assert full.probabilities is not None and half.probabilities is not None
    assert half.probabilities.dtype == torch.float32
    assert (full.probabilities - half.probabilities).abs().max() < 0.05


def test_weights_rounded_once_answer_as_under_autocast_alone(network: Network, clip: Video) -> None:
    frame = Canvas.fit((50, 70)).frame(clip.read_frame(0))
    given = clip.given(0)
    assert given is not None
    soft = Canvas.fit((50, 70)).masks(masks.onehot(given, (1,)))
    plain = Ensemble.of(network)
    rounded = plain.lowered(torch.bfloat16)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        answers = []
        for ensemble in (plain, rounded):
            queries = ensemble.enhance(ensemble.encode(frame), soft)
            tensors, score = ensemble.memorize(frame, soft)
            read = [((1,), tuple(tensor.unsqueeze(3) for tensor in tensors))]
            answers.append((ensemble.segment(queries, read, (1,)), score))
    assert torch.equal(answers[0][0], answers[1][0])
    assert torch.equal(answers[0][1], answers[1][1])
    assert all(parameter.dtype == torch.float32 for parameter in network.parameters())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_the_loop_answers_the_same_on_a_gpu(clip: Video) -> None:
    torch.manual_seed(0)
    host = build("tiny").eval()
    policy = MemoryPolicy.model_validate("qpm")
    on_host = list(propagate(host, clip, policy, keep_probabilities=True))
    on_device = list(propagate(host.to("cuda"), clip, policy, keep_probabilities=True))
    for ours, theirs in zip(on_host[:4], on_device[:4], strict=True):
        assert torch.allclose(ours.probabilities, theirs.probabilities, atol=2e-2)  # type: ignore[arg-type]
        assert ours.memorized == theirs.memorized
