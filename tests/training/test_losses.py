"""Losses at values that can be computed by hand."""

import math

import pytest
import torch

from qpm.training.losses import bootstrapped_cross_entropy, dice_loss, kept_share, masked_mean, score_loss

PRESENT = torch.tensor([[True, False]])


def test_cross_entropy_of_equal_logits_is_log_of_their_number():
    logits, target = torch.zeros(2, 3, 4, 4), torch.zeros(2, 4, 4, dtype=torch.long)
    assert bootstrapped_cross_entropy(logits, target, 1.0).item() == pytest.approx(math.log(3))


def test_bootstrapping_keeps_the_hardest_pixels_of_each_sample():
    logits = torch.zeros(1, 2, 1, 4)
    logits[0, 0, 0] = torch.tensor([5.0, 1.0, -2.0, 9.0])  # target is background: loss falls with this logit
    target = torch.zeros(1, 1, 4, dtype=torch.long)
    hardest = math.log(1 + math.exp(2.0))
    assert bootstrapped_cross_entropy(logits, target, 0.25).item() == pytest.approx(hardest, rel=1e-5)


def test_kept_share_falls_linearly_between_its_ends():
    assert [kept_share(p, 0.2, 0.6, 0.3) for p in (0.0, 0.2, 0.4, 0.6, 1.0)] == pytest.approx([1, 1, 0.65, 0.3, 0.3])


def test_dice_of_a_perfect_mask_is_zero_and_absent_objects_do_not_count():
    masks = torch.zeros(1, 2, 4, 4)
    masks[0, 0, :2] = 1
    wrong = masks.clone()
    wrong[0, 1] = 1  # in the absent slot
    assert dice_loss(wrong, masks, PRESENT).item() == pytest.approx(0, abs=1e-6)
    assert dice_loss(1 - masks, masks, PRESENT).item() == pytest.approx(1 - 1 / 17)


def test_score_loss_leaves_out_absent_objects_and_undefined_ious():
    score = torch.tensor([[0.9, 0.1]])
    assert score_loss(score, torch.tensor([[0.5, 1.0]]), PRESENT).item() == pytest.approx(0.16)
    assert score_loss(score, torch.tensor([[math.nan, 1.0]]), PRESENT).item() == 0


def test_score_loss_passes_no_nan_gradient_where_the_iou_is_undefined():
    score = torch.tensor([[0.9, 0.1]], requires_grad=True)
    score_loss(score, torch.tensor([[math.nan, 0.4]]), torch.tensor([[True, True]])).backward()
    assert score.grad is not None and score.grad.isfinite().all()


def test_a_clip_counts_the_same_whatever_the_other_clips_hold():
    values, present = torch.tensor([[0.2, 0.4], [0.9, 0.0]]), torch.tensor([[True, True], [True, False]])
    assert masked_mean(values, present).item() == pytest.approx((0.3 + 0.9) / 2)
