"""The space-time memory read (Eq. 1): every query location averages the memory values that match its key."""

# B frames, O objects, T memory frames, N = T * h * w memory locations, M = h * w query locations

from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, PositiveFloat, PositiveInt
from torch import Tensor


class ReadConfig(BaseModel):
    """How a query key is compared with the memory keys.

    `dot` is Eq. 1 with the division by sqrt(CK) of the published code; `cosine` compares directions, times a
    learned sharpness, and is a departure from the paper. `top_k` and the kernel act outside of training only, as
    in MiVOS.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    similarity: Literal["dot", "cosine"] = "dot"
    top_k: PositiveInt | None = 50
    initial_sharpness: float = 24.0  # of the cosine, before it is learned
    kernel_sigma: PositiveFloat | None = None  # of KMN's kernel in cells of 16 pixels; MiVOS's scripts offer 5.6


def read_memory(
    query_key: Tensor,
    memory_key: Tensor,
    memory_value: Tensor,
    top_k: int | None = None,
    scale: Tensor | float | None = None,
    kernel_sigma: float | None = None,
) -> Tensor:
    """Average the memory values, weighted by how well their keys match the query: the sum in Eq. 1.

    Parameters
    ----------
    query_key : Tensor, (B, CK, h, w)
        Keys of the current frame, one location per 16 x 16 pixels, shared by its objects.
    memory_key, memory_value : Tensor, (B, O, CK, T, h, w) and (B, O, CV, T, h, w)
        Keys and values of the T frames in memory, per object.
    top_k : int or None
        Keep only the k best matches of each query location (clamped to N); None keeps all.
    scale : scalar, optional
        Multiplies the dot products; 1 / sqrt(CK) by default, as in the published code.
    kernel_sigma : float or None
        Weigh every memory location by a Gaussian around the query location that it matches best, before the k
        best are chosen (kernelized memory network, ECCV 2020); in cells.

    Returns
    -------
    Tensor, (B, O, CV, h, w)
        For every query location the weights over the N memory locations sum to 1.

    Raises
    ------
    ValueError
        If the memory is empty (T = 0): Z in Eq. 1 would be zero.
    """
    if memory_key.shape[3] == 0:
        raise ValueError(f"memory is empty: memory_key has shape {tuple(memory_key.shape)}")
    query = query_key.flatten(2) * (query_key.shape[1] ** -0.5 if scale is None else scale)  # (B, CK, M)
    logits = query.transpose(1, 2).unsqueeze(1) @ memory_key.flatten(3)  # (B, O, M, N)
    if kernel_sigma is not None:
        logits = logits + log_kernel(logits, query_key.shape[-2:], kernel_sigma)
    value = memory_value.flatten(3)  # (B, O, CV, N)
    if top_k is None or top_k >= logits.shape[-1]:
        weights = logits.softmax(dim=-1, dtype=torch.float32).to(value.dtype)
    else:  # chosen before the softmax and widened after: the full table is never copied
        best, where = logits.topk(top_k, dim=-1)
        kept = best.softmax(dim=-1, dtype=torch.float32).to(value.dtype)
        weights = torch.zeros_like(logits, dtype=value.dtype).scatter_(-1, where, kept)
    read = value @ weights.transpose(2, 3)  # (B, O, CV, M)
    return read.unflatten(3, query_key.shape[-2:])


def log_kernel(logits: Tensor, size: tuple[int, ...], sigma: float) -> Tensor:
    """Logarithm of a Gaussian around the query location that each memory location matches best.

    Parameters
    ----------
    logits : Tensor, (B, O, M, N)
        Matches of the M = h * w query locations with the N memory locations.
    size : (h, w)
    sigma : float
        Deviation in cells.

    Returns
    -------
    Tensor, (B, O, M, N)
        0 at the best match, -d^2 / (2 sigma^2) at a distance of d cells.
    """
    places = torch.cartesian_prod(*(torch.arange(side, device=logits.device) for side in size))  # (M, 2)
    squared = (places[:, None] - places).square().sum(dim=-1)  # (M, M)
    around = (squared / (-2 * sigma**2)).to(logits.dtype)
    return around[logits.argmax(dim=2)].transpose(2, 3)
