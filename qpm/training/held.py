"""What a stage of single objects must not forget: the weights that see the other objects' masks."""

from __future__ import annotations

import torch

from qpm.model import Network


class HeldOthers:
    """The memory encoder's weights of the sum of the others' masks, as they were.

    Where a clip has one object, that sum is zero and so is its gradient; but Adam divides the weight decay by its own
    size, and the weights would be gone after as many steps as the learning rate takes to undo them. Networks of one
    object (MiVOS's first stage) have no such weights; theirs are new in the next stage.
    """

    def __init__(self, network: Network) -> None:
        self.weights = network.memory_encoder.conv1.weight
        self.before = self.weights.detach()[:, -1].clone()

    @torch.no_grad()
    def put_back(self) -> None:
        """Undo what a step of the optimiser did to them."""
        self.weights[:, -1] = self.before
