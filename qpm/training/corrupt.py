"""Damaged masks with a known IoU: they show the quality head what bad masks look like.

Clips of three frames give mostly good predictions; a head trained on those alone never sees failure.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from qpm.training.config import DAMAGES


def corrupt(masks: Tensor, generators: Sequence[torch.Generator], kinds: Sequence[str] = DAMAGES) -> Tensor:
    """Damage every object's mask in one of several ways, drawn anew for each sample.

    Parameters
    ----------
    masks : Tensor, (B, O, H, W) in [0, 1]
        True masks.
    generators : one per sample
    kinds : which ways, by name

    Returns
    -------
    Tensor, (B, O, H, W)
        Shifted, grown, shrunk, swapped between neighbours, half erased, spilled, blended with its shift, empty (three
        times in ten, else half erased), or one of the objects dropped.
    """
    ways = {
        "shift": _shift, "grow": _grow, "shrink": _shrink, "swap": _swap, "erase": _erase_side, "spill": _spill,
        "empty": _empty, "blend": _blend_shift, "drop": _drop,
    }  # fmt: skip
    damages = [ways[kind] for kind in kinds]
    samples = []
    for sample, generator in zip(masks, generators, strict=True):
        damage = damages[int(torch.randint(len(damages), (), generator=generator))]
        samples.append(damage(sample, generator))
    return torch.stack(samples).clamp(0, 1)


def _uniform(low: float, high: float, generator: torch.Generator) -> float:
    return low + (high - low) * float(torch.rand((), generator=generator))


def _shift(masks: Tensor, generator: torch.Generator) -> Tensor:
    height, width = masks.shape[-2:]
    down, right = (int(_uniform(-0.3, 0.3, generator) * side) for side in (height, width))
    padded = F.pad(masks, (width, width, height, height))
    return padded[..., height - down : 2 * height - down, width - right : 2 * width - right]


def _grow(masks: Tensor, generator: torch.Generator) -> Tensor:
    radius = int(_uniform(2, 16, generator))
    return F.max_pool2d(masks, 2 * radius + 1, 1, radius)


def _shrink(masks: Tensor, generator: torch.Generator) -> Tensor:
    return 1 - _grow(1 - masks, generator)


def _swap(masks: Tensor, generator: torch.Generator) -> Tensor:
    return masks.roll(1, dims=0) if masks.shape[0] > 1 and masks[1:].any() else _shift(masks, generator)


def _erase_side(masks: Tensor, generator: torch.Generator) -> Tensor:
    """Erase what lies on one side of a random line through the object's centre."""
    height, width = masks.shape[-2:]
    rows, columns = _coordinates(masks)
    total = masks.sum((1, 2)).clamp(min=1)
    centre_y, centre_x = (masks * rows).sum((1, 2)) / total, (masks * columns).sum((1, 2)) / total
    angle = torch.tensor(_uniform(0, 6.2832, generator))
    offset = _uniform(-0.12, 0.12, generator) * height
    y, x = rows - centre_y.view(-1, 1, 1), columns - centre_x.view(-1, 1, 1)
    return masks * (y * angle.sin() + x * angle.cos() > offset)


def _spill(masks: Tensor, generator: torch.Generator) -> Tensor:
    """Add a random ellipse of background or neighbour."""
    height, width = masks.shape[-2:]
    rows, columns = _coordinates(masks)
    y, x = _uniform(0, 1, generator) * height, _uniform(0, 1, generator) * width
    tall, wide = (_uniform(0.08, 0.3, generator) * side for side in (height, width))
    ellipse = (((rows - y) / tall) ** 2 + ((columns - x) / wide) ** 2 < 1).to(masks.dtype)
    owner = int(torch.randint(masks.shape[0], (), generator=generator))
    spilled = masks * (1 - ellipse)
    spilled[owner] = torch.maximum(masks[owner], ellipse)
    return spilled


def _coordinates(masks: Tensor) -> tuple[Tensor, Tensor]:
    """Row and column of every pixel, two int64 (H, W)."""
    sides = (torch.arange(side, device=masks.device) for side in masks.shape[-2:])
    rows, columns = torch.meshgrid(*sides, indexing="ij")
    return rows, columns


def _empty(masks: Tensor, generator: torch.Generator) -> Tensor:
    return torch.zeros_like(masks) if _uniform(0, 1, generator) < 0.3 else _erase_side(masks, generator)


def _drop(masks: Tensor, generator: torch.Generator) -> Tensor:
    """One of the objects that are there is lost entirely, the others stay."""
    present = masks.flatten(1).any(dim=1).nonzero().flatten().tolist() or [0]
    lost = present[int(torch.randint(len(present), (), generator=generator))]
    kept = torch.arange(masks.shape[0], device=masks.device) != lost
    return masks * kept.view(-1, 1, 1)


def _blend_shift(masks: Tensor, generator: torch.Generator) -> Tensor:
    """An uncertain mask: partly where the object is, partly where it is not."""
    share = _uniform(0.3, 0.7, generator)
    return share * masks + (1 - share) * _shift(masks, generator)
