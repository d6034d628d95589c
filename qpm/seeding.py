"""Random numbers that depend on a seed and on names, never on the order of calls."""

from __future__ import annotations

import hashlib
import os
import random
import sys

import numpy as np


def derive(seed: int, *names: object) -> int:
    """A 63-bit seed for one purpose, such as ``derive(0, "random_gate", video.name)``; the same on every machine."""
    text = "\x1f".join(str(part) for part in (seed, *names))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int, *names: object) -> np.random.Generator:
    """A NumPy generator of its own for one purpose."""
    return np.random.default_rng(derive(seed, *names))


def seed_everything(seed: int, deterministic: bool = False) -> None:
    """Seed Python, NumPy and (where it is loaded) torch, for code that draws from global generators.

    Parameters
    ----------
    seed : int
    deterministic : bool
        Make torch refuse operations whose result may differ from run to run. Slower on GPUs.
    """
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch = sys.modules.get("torch")
    if torch is None:
        return
    torch.manual_seed(seed)
    if deterministic:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS is deterministic only with it
        torch.use_deterministic_algorithms(True)
