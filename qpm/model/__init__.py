"""The network: encoders, memory read (Eq. 1), quality head (Eq. 2), prior gate (Eq. 4), decoder."""

from qpm.model.checkpoint import build, load_network, read_header, save_network
from qpm.model.network import Memory, Network, NetworkConfig, Query, QueryFeatures
from qpm.model.presets import PRESETS

__all__ = [
    "PRESETS",
    "Memory",
    "Network",
    "NetworkConfig",
    "Query",
    "QueryFeatures",
    "build",
    "load_network",
    "read_header",
    "save_network",
]
