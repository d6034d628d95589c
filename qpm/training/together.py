"""What processes that train together tell each other besides gradients; every one of them must make each call."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, TypeVar

import torch
from lightning_fabric import Fabric
from torch import Tensor

Told = TypeVar("Told")


def gathered(fabric: Fabric, told: Told) -> list[Told]:
    """What every process tells, in the order of their numbers; on a GPU there is little room for it."""
    everyone: list[Any] = [told] * fabric.world_size
    if fabric.world_size > 1:
        torch.distributed.all_gather_object(everyone, told)
    return everyone


def agree(fabric: Fabric, what: str, told: Hashable) -> None:
    """Refuse to go on where processes differ: sooner or later they would wait for each other without end.

    Raises
    ------
    ValueError
        With what each of them told.
    """
    found = gathered(fabric, told)
    if len(set(found)) > 1:
        told_by_each = ", ".join(map(str, found))
        raise ValueError(f"the processes, which need the same files, find different {what}: {told_by_each}")


def largest(fabric: Fabric, numbers: Tensor) -> list[int]:
    """The largest of the processes' numbers, place by place."""
    everywhere: Any = fabric.all_reduce(numbers, reduce_op="max") if fabric.world_size > 1 else numbers
    found: list[int] = everywhere.tolist()
    return found


def speaker(fabric: Fabric) -> str:
    """What a line begins with that one of several processes tells, such as `process 1: `."""
    return f"process {fabric.global_rank}: " if fabric.world_size > 1 else ""
