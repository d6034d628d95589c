"""Segmentation loss of MiVOS's recipe, a dice term for short trainings, and the score's squared error."""

import torch
import torch.nn.functional as F
from torch import Tensor


def bootstrapped_cross_entropy(logits: Tensor, target: Tensor, kept: float) -> Tensor:
    """Mean cross entropy of the hardest pixels of each sample: what the MiVOS code calls its BCE loss.

    Parameters
    ----------
    logits : Tensor, (B, O + 1, H, W)
        Of the soft aggregation, background first.
    target : int64 Tensor, (B, H, W)
        Index of the true map, 0 is background.
    kept : float in (0, 1]
        Share of the pixels that count, the largest losses; 1 is the plain mean.
    """
    losses = F.cross_entropy(logits.float(), target, reduction="none").flatten(1)
    if kept >= 1:
        return losses.mean()
    return losses.topk(max(1, int(kept * losses.shape[1])), dim=1).values.mean()


def kept_share(progress: float, start: float, end: float, final: float) -> float:
    """The bootstrapped share at `progress` in [0, 1]: 1 until `start`, linear to `final` at `end`, constant after."""
    if progress <= start:
        return 1.0
    return max(final, 1.0 - (1.0 - final) * (progress - start) / (end - start))


def dice_loss(probability: Tensor, target: Tensor, present: Tensor) -> Tensor:
    """1 - 2 |p t| / (|p| + |t|), averaged over each clip's `present` objects, then over clips.

    Parameters
    ----------
    probability, target : Tensors, (B, O, H, W)
    present : bool Tensor, (B, O)
    """
    overlap = (probability * target).sum((2, 3))
    dice = 1 - (2 * overlap + 1) / (probability.sum((2, 3)) + target.sum((2, 3)) + 1)
    return masked_mean(dice, present)


def score_loss(score: Tensor, iou: Tensor, present: Tensor) -> Tensor:
    """Mean squared error of the predicted mask IoU (section 3.1), over each clip's objects with a defined IoU.

    Parameters
    ----------
    score : Tensor, (B, O), raw scores A(m_t)
    iou : Tensor, (B, O), true IoU, NaN where mask and truth are both empty
    present : bool Tensor, (B, O), False for slots without an object
    """
    defined = present & ~iou.isnan()
    return masked_mean((score - iou.nan_to_num()) ** 2, defined)


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean over clips of each clip's mean where the mask holds, 0 where it holds nowhere.

    A clip counts the same whatever is in the others, so that a batch may be split between processes.

    Parameters
    ----------
    values, mask : Tensors, (B, O)
    """
    kept = torch.where(mask, values, torch.zeros_like(values)).sum(dim=1)
    return (kept / mask.sum(dim=1).clamp(min=1)).mean()
