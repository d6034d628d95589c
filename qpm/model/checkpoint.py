"""Weights in and out: safetensors whose header tells what network they belong to and how they came to be."""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save

from qpm.files import write_atomic
from qpm.model.mismatch import refuse_mismatch
from qpm.model.network import Network, NetworkConfig
from qpm.model.presets import PRESETS
from qpm.names import lookup
from qpm.weights import resolve

HEADER = "qpm"  # the header key that holds config and facts as JSON


def build(config: NetworkConfig | str) -> Network:
    """A network with fresh weights, from its config or the name of a preset."""
    return Network(lookup("network", config, PRESETS) if isinstance(config, str) else config)


def save_network(network: Network, path: Path, facts: Mapping[str, object] | None = None, half: bool = False) -> Path:
    """Write the weights with their config and any JSON `facts` in the header; `half` stores float16."""
    dtype = torch.float16 if half else torch.float32
    tensors = {name: value.detach().to("cpu", dtype).contiguous() for name, value in network.state_dict().items()}
    # one key: safetensors writes several in random order, and equal weights should be equal bytes
    header = {HEADER: json.dumps({"config": network.config.model_dump(mode="json"), "facts": dict(facts or {})})}
    write_atomic(path, lambda temporary: temporary.write_bytes(save(tensors, metadata=header)))
    return path


def read_header(path: Path) -> tuple[NetworkConfig, dict[str, object]]:
    """The config and facts in a weights file's header, without reading its tensors."""
    if not path.is_file():
        raise FileNotFoundError(f"no weights file {path}")
    try:
        with safe_open(str(path), framework="pt") as file:
            header = file.metadata() or {}
    except SafetensorError as error:
        raise ValueError(f"{path} is not a safetensors file of this package: {error}") from error
    if HEADER not in header:
        raise ValueError(f"{path} holds no network config; it was not written by this package")
    told = json.loads(header[HEADER])
    return NetworkConfig.model_validate_json(json.dumps(told["config"])), told["facts"]


def load_network(weights: str | Path) -> Network:
    """The network of a weights file, or of shipped weights by name, ready for inference (float32, eval mode).

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file or name, or the tensors do not fit the config in the header.
    """
    path = resolve(weights)
    config, _ = read_header(path)
    network = Network(config)
    tensors = {name: value.float() for name, value in load_file(str(path)).items()}
    refuse_mismatch({name: value.shape for name, value in network.state_dict().items()}, tensors, path)
    network.load_state_dict(tensors)
    return network.eval()
