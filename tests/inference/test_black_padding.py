"""STM's way with frames whose sides are no multiples of 16, written out by hand beside the loop."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from qpm import masks
from qpm.datasets.video import Video
from qpm.frames import normalise
from qpm.inference import propagate
from qpm.memory import MemoryPolicy
from qpm.model import PRESETS, build

SIZE = (40, 52)  # 4 rows above and below, 6 columns on each side


def padded(maps: Tensor) -> Tensor:
    return F.pad(maps, (6, 6, 4, 4))


def cropped(maps: Tensor) -> Tensor:
    return maps[..., 4:-4, 6:-6]


def clip() -> Video:
    frames = np.random.default_rng(0).integers(0, 256, (3, *SIZE, 3), dtype=np.uint8)
    labels = np.zeros(SIZE, dtype=np.uint8)
    labels[:20, :30], labels[25:, 10:] = 1, 2
    names = ("00000", "00001", "00002")
    return Video("test", "odd", names, SIZE, (1, 2), {1: 0, 2: 0}, frames.__getitem__, {0: labels}.get)


def test_every_call_pads_pixels_and_masks_with_zeros_and_crops_its_answer() -> None:
    torch.manual_seed(0)
    changes = {"quality": None, "prior": None, "padding": "black", "clamp_others": True}
    network = build(PRESETS["tiny"].model_copy(update=changes)).eval()
    video = clip()
    results = propagate(network, video, MemoryPolicy.model_validate("stm"), keep_probabilities=True)
    given = video.given(0)
    assert given is not None
    with torch.inference_mode():
        frames = [torch.from_numpy(video.read_frame(k)).permute(2, 0, 1)[None] for k in range(3)]
        pixels = [normalise(padded(frame)) for frame in frames]
        soft = masks.onehot(given, (1, 2))[None]
        memories = []
        for k, result in enumerate(results):
            if k:
                key = torch.stack([memory.key for memory in memories], dim=3)
                value = torch.stack([memory.value for memory in memories], dim=3)
                query = network.enhance(network.encode_query(pixels[k]), None)
                single = cropped(network.segment(query, key, value))
                soft = masks.aggregate(single)[:, 1:]
            memories.append(network.memorize(pixels[k], padded(soft)))
            assert result.probabilities is not None
            assert torch.allclose(result.probabilities[1:], soft[0], atol=1e-5)
