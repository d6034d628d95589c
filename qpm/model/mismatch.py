"""Refuse tensors that do not fit a network, by name."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import Tensor

SHOWN = 10  # faults printed of a long list


def refuse_mismatch(
    expected: Mapping[str, Sequence[int]], tensors: Mapping[str, Tensor], source: Path
) -> None:
    """Check that the tensors have the expected names and shapes.

    Raises
    ------
    ValueError
        With the number of missing, unknown and mis-shaped tensors, and the first ten of them.
    """
    faults = [f"missing {name}" for name in expected if name not in tensors]
    faults += [f"unknown {name}" for name in tensors if name not in expected]
    faults += [
        f"{name} has shape {tuple(tensors[name].shape)}, expected {tuple(shape)}"
        for name, shape in expected.items()
        if name in tensors and tuple(tensors[name].shape) != tuple(shape)
    ]
    if faults:
        more = [f"and {len(faults) - SHOWN} more"] if len(faults) > SHOWN else []
        shown = "\n  ".join(faults[:SHOWN] + more)
        raise ValueError(f"{source}: {len(faults)} tensors do not fit the network:\n  {shown}")
