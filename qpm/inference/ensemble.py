"""One or several networks that segment together: the loop sees them as one."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn

from qpm import masks
from qpm.inference.flipped import Flipped
from qpm.model import Network, Query, QueryFeatures

Member = Network | Flipped
Group = tuple[tuple[int, ...], tuple[Tensor, ...]]  # objects, and the stacked tensors that they read


class Ensemble:
    """The mean of the aggregated soft maps of its members; each member keeps keys and values of its own.

    This is our reading of the last row of Table 2. The raw score is the mean of the members' scores; with one
    member everything is that member's own.

    Parameters
    ----------
    members : sequence of Network, or of Flipped ones
        In evaluation mode, on one device. Their weights are laid out channels last, where they are, which
        halves the time of a frame in bfloat16 on a CPU.

    Raises
    ------
    ValueError
        If there are none, or one is in training mode.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        if not members:
            raise ValueError("an ensemble needs at least one network")
        if any(member.training for member in members):
            raise ValueError(
                "a network is in training mode, where its answers differ: call network.eval() first"
            )
        self.members = tuple(members)
        for member in members:
            member.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @classmethod
    def of(cls, network: Network | Sequence[Network], flip: bool = False) -> Ensemble:
        """The ensemble of one network or of several; with `flip` each also sees the mirrored video."""
        members: list[Member] = [network] if isinstance(network, nn.Module) else list(network)
        return cls([*members, *map(Flipped, members)] if flip else members)  # type: ignore[arg-type]

    def lowered(self, dtype: torch.dtype) -> Ensemble:
        """Copies whose convolutions and linear layers are in a lower precision already.

        Under autocast they answer as before, bit for bit, without rounding every weight again on every frame.
        """
        copies = deepcopy(self.members)  # in one go: a member and its mirror share their weights
        for copy in copies:
            for module in copy.modules():
                if isinstance(module, nn.Conv2d | nn.Linear):
                    module.to(dtype)
        return Ensemble(copies)

    @property
    def device(self) -> torch.device:
        """Where the members' parameters are."""
        return next(self.members[0].parameters()).device

    @property
    def scores_quality(self) -> bool:
        """Whether every member has a quality head (Eq. 2)."""
        return all(member.config.quality is not None for member in self.members)

    @property
    def takes_prior(self) -> bool:
        """Whether every member has a prior gate (Eq. 4)."""
        return all(member.config.prior is not None for member in self.members)

    @property
    def black_padding(self) -> bool:
        """Whether frames are padded with black, as STM's are, or with the mean colour.

        Raises
        ------
        ValueError
            If the members differ in it: they get the same frames.
        """
        paddings = {member.config.padding for member in self.members}
        if len(paddings) > 1:
            raise ValueError(
                "an ensemble of networks that pad frames differently: STM's (black) and others (mean colour)"
            )
        return paddings == {"black"}

    def encode(self, pixels: Tensor) -> tuple[QueryFeatures, ...]:
        """Features of a frame, once per member."""
        return tuple(member.encode_query(pixels) for member in self.members)

    def enhance(self, features: Sequence[QueryFeatures], prior: Tensor | None) -> tuple[Query, ...]:
        """Queries enhanced by the prior mask (Eq. 4), once per member."""
        return tuple(member.enhance(seen, prior) for member, seen in zip(self.members, features, strict=True))

    def segment(self, queries: Sequence[Query], groups: Sequence[Group], objects: Sequence[int]) -> Tensor:
        """Soft masks of all objects.

        Parameters
        ----------
        queries : one per member
        groups : sequence of (objects, tensors)
            Together the groups hold every object once; tensors are key and value of each member in turn,
            (1, O, C, T, h, w).
        objects : sequence of int
            The order of the maps in the answer.

        Returns
        -------
        Tensor, float32 (O + 1, H, W)
            Background first; sums to 1 at every pixel.
        """
        order = [object_id for group, _ in groups for object_id in group]
        where = [order.index(object_id) for object_id in objects]
        total: Tensor | None = None
        for k, (member, query) in enumerate(zip(self.members, queries, strict=True)):
            maps = [member.segment(query, *tensors[2 * k : 2 * k + 2])[0].float() for _, tensors in groups]
            single = maps[0] if len(maps) == 1 else torch.cat(maps)[where]
            aggregated = masks.aggregate(single)
            total = aggregated if total is None else total + aggregated
        assert total is not None
        return total / len(self.members)

    def memorize(self, pixels: Tensor, soft_masks: Tensor) -> tuple[tuple[Tensor, ...], Tensor | None]:
        """Key and value of each member in turn, (1, O, C, h, w), and the mean raw score (O,) if all give one."""
        memories = [member.memorize(pixels, soft_masks) for member in self.members]
        tensors = tuple(tensor for memory in memories for tensor in (memory.key, memory.value))
        scores = [memory.score[0].float() for memory in memories if memory.score is not None]
        return tensors, torch.stack(scores).mean(dim=0) if len(scores) == len(memories) else None
