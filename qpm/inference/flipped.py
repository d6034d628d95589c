"""A network that looks at everything in a mirror: the flips of an ensemble."""

from __future__ import annotations

from torch import Tensor, nn

from qpm.model import Memory, Network, Query, QueryFeatures
from qpm.model.network import NetworkConfig


class Flipped(nn.Module):
    """Answers as its network does for the mirrored video, the answer mirrored back.

    Frames, masks and priors are turned left to right on the way in, soft masks and gate on the way out; features,
    keys and values stay mirrored, since only this member reads them. It has no weights of its own.

    Parameters
    ----------
    network : Network
    """

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network
        self.train(network.training)

    @property
    def config(self) -> NetworkConfig:
        """That of the network."""
        return self.network.config

    def encode_query(self, frame: Tensor) -> QueryFeatures:
        """See `Network.encode_query`."""
        return self.network.encode_query(mirrored(frame))

    def enhance(self, features: QueryFeatures, prior: Tensor | None) -> Query:
        """See `Network.enhance`."""
        query = self.network.enhance(features, None if prior is None else mirrored(prior))
        return query if query.gate is None else query._replace(gate=mirrored(query.gate))

    def memorize(self, frame: Tensor, masks: Tensor) -> Memory:
        """See `Network.memorize`."""
        return self.network.memorize(mirrored(frame), mirrored(masks))

    def segment(self, query: Query, memory_key: Tensor, memory_value: Tensor) -> Tensor:
        """See `Network.segment`."""
        return mirrored(self.network.segment(query, memory_key, memory_value))


def mirrored(maps: Tensor) -> Tensor:
    """Maps (..., H, W) with left and right exchanged."""
    return maps.flip(-1)
