"""From the names in a published file to the names in our network."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from qpm.model.mismatch import refuse_mismatch

COUNTER = ".num_batches_tracked"  # of a batch norm; says nothing about its answers, and old files lack it
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Layout:
    """How one publication names the parameters of its network.

    Parameters
    ----------
    prefixes : tuple of (ours, theirs)
        The first of ours that a name begins with is replaced.
    joined : mapping
        Our name -> their names with input channels; the tensors are concatenated along these.
    constants : mapping
        Their name -> values that are no parameters in our network, but must be these.
    widened : str, optional
        Their stem whose last input channel, the other objects' mask, a single-object file lacks.
    """

    prefixes: tuple[tuple[str, str], ...]
    joined: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    constants: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    widened: str | None = None

    def theirs(self, ours: str) -> str:
        """Their name of a tensor that is not joined."""
        for mine, other in self.prefixes:
            if ours.startswith(mine):
                return other + ours.removeprefix(mine)
        return ours

    def parts(self, ours: str, shape: Shape) -> Iterator[tuple[str, Shape]]:
        """Their names and shapes of what becomes one of our tensors."""
        if ours not in self.joined:
            yield self.theirs(ours), shape
        for name, channels in self.joined.get(ours, {}).items():
            yield name, (shape[0], channels, *shape[2:])

    def expected(self, shapes: Mapping[str, Shape]) -> dict[str, Shape]:
        """Every name and shape that a file must hold, from the names and shapes of our network."""
        found = dict(part for ours, shape in shapes.items() for part in self.parts(ours, shape))
        return found | {name: (1, len(values), 1, 1) for name, values in self.constants.items()}

    def translate(
        self, tensors: Mapping[str, Tensor], shapes: Mapping[str, Shape], source: Path
    ) -> dict[str, Tensor]:
        """Our state dict, float32, from theirs.

        Raises
        ------
        ValueError
            If a name is missing or unknown, or a shape or a constant is another.
        """
        expected = self.expected(shapes)
        complete = self._widen(with_counters(tensors, expected), expected)
        refuse_mismatch(expected, complete, source)
        for name, values in self.constants.items():
            if not torch.allclose(complete[name].flatten().float(), torch.tensor(values)):
                raise ValueError(
                    f"{source}: {name} is {complete[name].flatten().tolist()}, expected {values}"
                )
        return {
            ours: torch.cat([complete[name].float() for name, _ in self.parts(ours, shape)], dim=1)
            if ours in self.joined
            else complete[self.theirs(ours)].float()
            for ours, shape in shapes.items()
        }

    def lacks_others(self, tensors: Mapping[str, Tensor]) -> bool:
        """Whether the file is of a network for a single object, without a channel for the others' masks."""
        stem = tensors.get(self.widened or "")
        return stem is not None and stem.ndim == 4 and stem.shape[1] == 4

    def _widen(self, tensors: Mapping[str, Tensor], expected: Mapping[str, Shape]) -> dict[str, Tensor]:
        """Zeros for the channel of the others, so that a single object is segmented as before."""
        if not self.lacks_others(tensors):
            return dict(tensors)
        assert self.widened is not None
        stem = tensors[self.widened]
        return {**tensors, self.widened: torch.cat([stem, torch.zeros_like(stem[:, :1])], dim=1)}


def with_counters(tensors: Mapping[str, Tensor], expected: Mapping[str, Shape]) -> dict[str, Tensor]:
    """The tensors, and zero for counters of batches that the file does not hold."""
    missing = (name for name in expected if name.endswith(COUNTER) and name not in tensors)
    return {**tensors, **{name: torch.zeros((), dtype=torch.int64) for name in missing}}
