"""Where a network runs, and in which precision."""

from __future__ import annotations

import os

import torch


def choose_device(name: str = "auto") -> torch.device:
    """The device of that name; `auto` takes a GPU where there is one.

    Raises
    ------
    ValueError
        If torch knows no such device, or this machine has none.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"unknown device '{name}'; known: auto, cpu, cuda, cuda:0, ...") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"device '{name}' is not there: torch finds no GPU; known here: auto, cpu")
    return device


def choose_dtype(precision: str, device: torch.device) -> torch.dtype | None:
    """The lower precision to compute in, None for 32 bit; `auto` is bfloat16 where it is native.

    Parameters
    ----------
    precision : {"auto", "32", "bf16"}
    device : torch.device
    """
    if precision == "auto":
        precision = "bf16" if has_native_bfloat16(device) else "32"
    return torch.bfloat16 if precision == "bf16" else None


def has_native_bfloat16(device: torch.device) -> bool:
    """Whether the processor multiplies bfloat16 itself; elsewhere it is emulated, slower than 32 bit."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    limit = os.environ.get("ONEDNN_MAX_CPU_ISA", "ALL").upper()
    if not any(word in limit for word in ("ALL", "DEFAULT", "BF16", "FP16", "AMX", "AVX10")):
        return False  # oneDNN, which does the convolutions, was told not to use these instructions
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
