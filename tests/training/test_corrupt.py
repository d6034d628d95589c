"""Damaged masks stay masks, and are damaged."""

import torch

from qpm.masks import intersection_over_union
from qpm.training.corrupt import corrupt


def disc(size=64):
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    return torch.stack([(y - 24) ** 2 + (x - 24) ** 2 < 150, (y - 44) ** 2 + (x - 40) ** 2 < 120]).float()


def test_damage_spreads_over_the_whole_range_of_iou():
    generator = torch.Generator().manual_seed(0)
    truth = disc().expand(200, -1, -1, -1)
    damaged = corrupt(truth, generator)
    assert damaged.shape == truth.shape and damaged.min() >= 0 and damaged.max() <= 1
    iou = intersection_over_union(damaged > 0.5, truth > 0.5).flatten()
    counts = torch.histc(iou, 5, 0, 1)
    assert (counts > 0.05 * iou.numel()).all(), counts


def test_same_generator_same_damage():
    one, other = (corrupt(disc()[None], torch.Generator().manual_seed(7)) for _ in range(2))
    assert torch.equal(one, other)


def test_a_single_object_has_no_neighbour_to_be_swapped_with_yet_is_damaged():
    alone = disc()[:1].expand(100, -1, -1, -1)
    damaged = corrupt(alone, torch.Generator().manual_seed(1))
    unchanged = (damaged == alone).flatten(1).all(1).float().mean()
    assert unchanged < 0.15
