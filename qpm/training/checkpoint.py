"""The state of a training on disk: written whole, read back to continue exactly where it stopped."""

from pathlib import Path
from typing import Any

import torch

from qpm.files import write_atomic

STATE = "checkpoint.pt"


def save_state(folder: Path, state: dict[str, Any]) -> None:
    """Write weights, optimiser, iteration and generator state under one name, all or nothing."""
    write_atomic(folder / STATE, lambda temporary: torch.save(state, temporary))


def load_state(folder: Path) -> dict[str, Any] | None:
    """The saved state, or None where the training has not begun; tensors and plain values only."""
    path = folder / STATE
    return torch.load(path, weights_only=True, map_location="cpu") if path.is_file() else None
