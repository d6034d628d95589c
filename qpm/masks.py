"""The forms of a mask: label map, one-hot, soft probabilities of objects, and the aggregation between objects."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

EPSILON = 1e-7  # the clamp of the published aggregation; float32 keeps 1 - 1e-7 as 1 - 2**-23


def onehot(labels: np.ndarray, object_ids: Sequence[int]) -> Tensor:
    """One binary map per object, in the order of `object_ids`.

    Parameters
    ----------
    labels : uint8 (H, W)
        Object id per pixel, 0 is background.

    Returns
    -------
    Tensor, float32 (O, H, W)
    """
    ids = np.asarray(object_ids, dtype=np.int64).reshape(-1, 1, 1)
    return torch.from_numpy((labels[None] == ids).astype(np.float32))


def aggregation_logits(probability: Tensor, dim: int = -3) -> Tensor:
    """Logits over background and objects whose softmax is the soft aggregation (STM, section 3.5).

    The background holds where every object is absent: p_0 = prod(1 - p_k). Each map, clamped to
    [1e-7, 1 - 1e-7], becomes its log odds.

    Parameters
    ----------
    probability : Tensor, (..., O, H, W)
        Independent probabilities of the objects.

    Returns
    -------
    Tensor, float32 (..., O + 1, H, W)
        Background first.
    """
    probability = probability.float()
    background = (1 - probability).prod(dim=dim, keepdim=True)
    every = torch.cat([background, probability], dim=dim).clamp(EPSILON, 1 - EPSILON)
    return torch.log(every) - torch.log1p(-every)


def aggregate(probability: Tensor, dim: int = -3) -> Tensor:
    """Soft aggregation: probabilities over background and objects that sum to 1 at every pixel.

    Parameters
    ----------
    probability : Tensor, (..., O, H, W)

    Returns
    -------
    Tensor, float32 (..., O + 1, H, W)
        Background first.
    """
    return aggregation_logits(probability, dim).softmax(dim=dim)


def labels(probability: Tensor, object_ids: Sequence[int]) -> np.ndarray:
    """The most probable label of every pixel.

    Parameters
    ----------
    probability : Tensor, (O + 1, H, W)
        Background first.
    object_ids : O ids in the order of the maps.

    Returns
    -------
    uint8 (H, W)
    """
    table = np.array([0, *object_ids], dtype=np.uint8)
    return table[probability.argmax(dim=0).cpu().numpy()]


def intersection_over_union(prediction: Tensor, truth: Tensor) -> Tensor:
    """IoU of binary maps over the last two dimensions; NaN where both are empty.

    Parameters
    ----------
    prediction, truth : bool Tensors, (..., H, W)

    Returns
    -------
    Tensor, float32 (...)
    """
    intersection = (prediction & truth).sum(dim=(-2, -1)).float()
    union = (prediction | truth).sum(dim=(-2, -1)).float()
    return intersection / union  # 0 / 0 is NaN: there is nothing to measure
