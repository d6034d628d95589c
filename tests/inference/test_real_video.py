"""The loop on real video of several objects, sparse truth included; a tiny network of random weights answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from qpm.datasets import FolderConfig, YoutubeVosConfig
from qpm.datasets.video import Video
from qpm.inference import propagate
from qpm.memory import MemoryPolicy
from qpm.model import Network, build


@pytest.fixture(scope="module")
def tiny() -> Network:
    torch.manual_seed(0)
    return build("tiny").eval()


def follow(network: Network, video: Video) -> list[set[int]]:
    """The ids that each result knows; every map holds known ids alone, at the video's size."""
    known = []
    for result in propagate(network, video, MemoryPolicy.model_validate("qpm"), max_side=96):
        assert result.labels.shape == video.size
        assert set(np.unique(result.labels)) <= {0, *result.object_ids}
        known.append(set(result.object_ids))
    return known


def test_seven_schoolgirls_are_followed(tiny: Network, shared_data: Path) -> None:
    video = FolderConfig(root=shared_data / "DAVIS2017-240p", frames=4).open()[0]
    assert follow(tiny, video) == [set(range(1, 8))] * 4


def test_penguins_of_youtube_vos_are_followed_and_scored_where_there_is_truth(
    tiny: Network, shared_data: Path
) -> None:
    video = YoutubeVosConfig(root=shared_data / "YouTubeVOS-sample", split="train").open()[0]
    assert len(video.object_ids) == 5
    first = min(video.first_frames.values())
    assert follow(tiny, video)[-1] == set(video.object_ids)
    assert video.truth_frames is not None and first in video.truth_frames
