"""Looking into a frame: the same run, and the same read, seen from inside."""

import numpy as np
import pytest
import torch

from qpm.datasets import SyntheticConfig
from qpm.inference import propagate
from qpm.inference.replay import Replay, weights_at
from qpm.memory import MemoryPolicy
from qpm.model import build
from qpm.model.memory_read import ReadConfig, read_memory
from qpm.model.presets import PRESETS

POLICY = MemoryPolicy.model_validate("qpm")
SIDE = 96


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return build("tiny").eval()


@pytest.fixture(scope="module")
def video():
    return SyntheticConfig(videos=1, frames=8).open()[0]


@pytest.fixture(scope="module")
def replay(network, video):
    return Replay(network, video, POLICY, max_side=SIDE)


def test_a_replay_gives_what_the_loop_gives_in_whatever_order_it_is_asked(replay, network, video):
    alone = list(propagate(network, video, POLICY, max_side=SIDE))
    for index in (6, 2, 7, 0):
        seen, expected = replay.step(index).result, alone[index]
        assert np.array_equal(seen.labels, expected.labels) and seen.signals == expected.signals
        assert seen.memorized == expected.memorized


def test_the_memory_of_a_frame_is_what_it_read(replay):
    for index in range(1, 8):
        shelves = replay.shelves(index)
        assert len(shelves) == replay.step(index).result.bank_frames
        assert shelves[0] == ("annotated",) and "previous" in shelves[index - 1] + ("previous",) * (index == 1)


def test_the_weights_of_a_pixel_sum_to_one_over_all_memory_frames(replay, video):
    weights = replay.affinity(6, video.object_ids[0], (video.size[0] // 2, video.size[1] // 2))
    assert sorted(weights) == list(replay.shelves(6))
    assert sum(frame.sum() for frame in weights.values()) == pytest.approx(1, abs=1e-5)


def test_where_the_object_is_given_nothing_is_read(replay, video):
    assert replay.affinity(0, video.object_ids[0], (0, 0)) == {}


@pytest.mark.parametrize("kernel_sigma", [None, 2.0])
@pytest.mark.parametrize("top_k", [None, 5])
def test_values_averaged_with_the_weights_are_the_networks_readout(kernel_sigma, top_k):
    torch.manual_seed(1)
    read = ReadConfig(similarity="dot", top_k=top_k, kernel_sigma=kernel_sigma)
    network = build(PRESETS["tiny"].model_copy(update={"read": read}))
    query, keys, values = torch.randn(1, 16, 3, 4), torch.randn(1, 2, 16, 3, 3, 4), torch.randn(1, 2, 32, 3, 3, 4)
    readout = read_memory(query, keys, values, top_k, None, kernel_sigma)
    weights = weights_at(network, query, keys, (1, 2))
    assert torch.allclose((values[0] * weights[:, None]).sum(dim=(2, 3, 4)), readout[0, :, :, 1, 2], atol=1e-5)


def test_a_pixel_lies_in_the_cell_that_is_drawn_over_it(replay, video):
    for pixel in ((0, 0), (video.size[0] - 1, video.size[1] - 1), (video.size[0] // 3, video.size[1] // 5)):
        cells = np.zeros(tuple(side // 16 for side in replay.run.canvas.padded), np.float32)
        cells[replay.cell(pixel)] = 1
        assert replay.on_frame(cells)[pixel] > 0.5


def test_the_gate_is_a_map_over_the_frame_where_a_prior_was_used(replay, video):
    gate = replay.gate(3)
    assert gate is not None and gate.shape == video.size and 0 < gate.min() <= gate.max() < 1
    assert replay.gate(0) is None


def test_a_frame_that_is_not_there_is_refused(replay):
    with pytest.raises(IndexError, match=r"segmented on frames range\(0, 8\), not on 8"):
        replay.step(8)
