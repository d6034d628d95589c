"""What one frame of the loop hands to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from qpm.inference.assess import Judgement
from qpm.memory import Bank, FrameState


@dataclass(frozen=True, eq=False)
class LoopState:
    """Everything that one frame hands to the next. Nothing in it is ever changed, so a copy is a fork.

    Parameters
    ----------
    objects : tuple of int
        The objects given so far, ascending.
    previous : FrameState, optional
        The frame before; None before the first.
    prior_masks : mapping
        Frame index -> soft mask merged over objects, (1, 1, Hp, Wp), of the previous and the annotated frames.
    """

    objects: tuple[int, ...] = ()
    bank: Bank = field(default_factory=Bank)
    previous: FrameState | None = None
    prior_masks: Mapping[int, Tensor] = field(default_factory=dict)
    judgement: Judgement = field(default_factory=Judgement)
