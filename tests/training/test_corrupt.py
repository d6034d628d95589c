"""Damaged masks stay masks, and are damaged."""

import torch

from qpm.masks import intersection_over_union
from qpm.training.corrupt import corrupt


def disc(size=64):
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    return torch.stack([(y - 24) ** 2 + (x - 24) ** 2 < 150, (y - 44) ** 2 + (x - 40) ** 2 < 120]).float()


def generators(count, seed=0):
    return [torch.Generator().manual_seed(1000 * seed + number) for number in range(count)]


def test_damage_spreads_over_the_whole_range_of_iou():
    truth = disc().expand(200, -1, -1, -1)
    damaged = corrupt(truth, generators(200))
    assert damaged.shape == truth.shape and damaged.min() >= 0 and damaged.max() <= 1
    iou = intersection_over_union(damaged > 0.5, truth > 0.5).flatten()
    counts = torch.histc(iou, 5, 0, 1)
    assert (counts > 0.05 * iou.numel()).all(), counts


def test_same_generators_same_damage():
    one, other = (corrupt(disc()[None], generators(1, 7)) for _ in range(2))
    assert torch.equal(one, other)


def test_a_single_object_has_no_neighbour_to_be_swapped_with_yet_is_damaged():
    alone = disc()[:1].expand(100, -1, -1, -1)
    damaged = corrupt(alone, generators(100, 1))
    unchanged = (damaged == alone).flatten(1).all(1).float().mean()
    assert unchanged < 0.15


def test_a_sample_is_damaged_the_same_whatever_else_is_in_the_batch():
    together = corrupt(disc().expand(4, -1, -1, -1), generators(4))
    apart = [corrupt(disc()[None], [generator])[0] for generator in generators(4)]
    assert torch.equal(together, torch.stack(apart))


def test_only_the_chosen_damages_are_done():
    truth = disc().expand(40, -1, -1, -1)
    grown = corrupt(truth, generators(40), ["grow"])
    assert (grown >= truth).all() and (grown > truth).flatten(1).any(1).all()
    dropped = corrupt(truth, generators(40), ["drop"])
    lost = ~dropped.flatten(2).any(2)
    assert lost.sum(1).tolist() == [1] * 40 and set(lost[:, 0].tolist()) == {False, True}
    assert torch.equal(dropped[~lost], truth[~lost])
    swapped = corrupt(truth, generators(40), ["swap"])
    assert torch.equal(swapped, truth.flip(1))
