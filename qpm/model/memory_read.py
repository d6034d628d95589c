"""The space-time memory read (Eq. 1): every query location averages the memory values that match its key."""

# B frames, O objects, T memory frames, N = T * h * w memory locations, M = h * w query locations

from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict, PositiveInt
from torch import Tensor


class ReadConfig(BaseModel):
    """How a query key is compared with the memory keys.

    `dot` is Eq. 1 with the division by sqrt(CK) of the published code; `cosine` compares directions, times a
    learned sharpness, and is a departure from the paper. `top_k` acts outside of training only, as in MiVOS.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    similarity: Literal["dot", "cosine"] = "dot"
    top_k: PositiveInt | None = 50
    initial_sharpness: float = 24.0  # of the cosine, before it is learned


def read_memory(
    query_key: Tensor,
    memory_key: Tensor,
    memory_value: Tensor,
    top_k: int | None = None,
    scale: Tensor | float | None = None,
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
    value = memory_value.flatten(3)  # (B, O, CV, N)
    if top_k is None or top_k >= logits.shape[-1]:
        weights = logits.softmax(dim=-1, dtype=torch.float32).to(value.dtype)
    else:  # chosen before the softmax and widened after: the full table is never copied
        best, where = logits.topk(top_k, dim=-1)
        kept = best.softmax(dim=-1, dtype=torch.float32).to(value.dtype)
        weights = torch.zeros_like(logits, dtype=value.dtype).scatter_(-1, where, kept)
    read = value @ weights.transpose(2, 3)  # (B, O, CV, M)
    return read.unflatten(3, query_key.shape[-2:])
