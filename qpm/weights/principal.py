"""Keys before any training: the principal directions of an encoder's features.

A classifier's features already match across frames; projected to a random key they do so much less.
"""

from __future__ import annotations

import torch
from torch import Tensor


def principal_keys(features: Tensor, channels: int = 64) -> tuple[Tensor, Tensor]:
    """Return the linear map from features to their leading principal components.

    Key = weight @ feature + bias. For a 3x3 key projection, `weight` is its centre tap.

    Parameters
    ----------
    features : Tensor, (N, C)
        Features of N locations of real frames, for instance f16 of a few hundred crops.
    channels : int
        Number of key channels CK.

    Returns
    -------
    weight : Tensor, (CK, C)
        Orthogonal rows of equal length, by falling variance. The largest entry of a row is positive: its sign
        does not depend on the machine's linear algebra.
    bias : Tensor, (CK,)
        ``-weight @ mean``: over the given features the keys have mean 0 and, taken together, mean square 1.

    Raises
    ------
    ValueError
        If `features` are not (N, C), or have no variance in as many directions as there are key channels.
    """
    if features.ndim != 2:
        raise ValueError(f"features have shape {tuple(features.shape)}; expected (N, C), a row per location")
    centred = features.double() - features.double().mean(dim=0)
    variance, directions = torch.linalg.eigh(centred.T @ centred / len(centred))  # ascending
    spread = int((variance > variance[-1] * 1e-12).sum())
    if not channels <= spread:
        raise ValueError(f"{channels} key channels asked of features that vary in {spread} directions")
    weight = directions[:, -channels:].T.flip(0)
    largest = weight.gather(1, weight.abs().argmax(dim=1, keepdim=True))
    weight = weight * largest.sign() / variance[-channels:].mean().sqrt()
    return weight.to(features.dtype), -(weight @ features.double().mean(dim=0)).to(features.dtype)
