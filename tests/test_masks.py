"""Forms of a mask and the soft aggregation."""

import numpy as np
import torch

from qpm.masks import aggregate, aggregation_logits, intersection_over_union, labels, onehot


def test_onehot_and_labels_undo_each_other():
    given = np.array([[0, 3, 7], [7, 0, 3]], dtype=np.uint8)
    maps = onehot(given, (3, 7))
    assert maps.shape == (2, 2, 3)
    assert np.array_equal(labels(aggregate(maps), (3, 7)), given)


def test_aggregation_sums_to_one_and_one_object_is_odds_against_its_absence():
    p = torch.rand(1, 8, 8, generator=torch.Generator().manual_seed(0))
    both = aggregate(p)
    assert torch.allclose(both.sum(0), torch.ones(8, 8))
    odds = (p / (1 - p)) ** 2  # object's odds over the background's, which are their inverse
    assert torch.allclose(both[1], (odds / (1 + odds))[0], atol=1e-5)


def test_absent_object_has_the_clamp_s_logit():
    logits = aggregation_logits(torch.zeros(1, 1, 1))
    assert abs(logits[1].item() + 16.118) < 1e-2
    assert abs(logits[0].item() - 15.942) < 1e-2


def test_order_of_objects_does_not_matter():
    p = torch.rand(3, 4, 4, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(aggregate(p)[1:].flip(0), aggregate(p.flip(0))[1:])


def test_iou_counts_pixels_and_is_undefined_for_two_empty_masks():
    a = torch.tensor([[1, 1, 0, 0]]).bool()
    b = torch.tensor([[0, 1, 1, 0]]).bool()
    assert abs(intersection_over_union(a, b).item() - 1 / 3) < 1e-6
    assert intersection_over_union(a & False, b & False).isnan()
