"""A published file of weights to a file that `load_network` reads."""

import logging
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from qpm.model.checkpoint import save_network
from qpm.model.memory_read import ReadConfig
from qpm.model.network import Network, NetworkConfig
from qpm.model.presets import PRESETS
from qpm.model.published.layout import Layout
from qpm.model.published.names import MIVOS, QDMN, STM
from qpm.model.published.source import read_tensors, sha256
from qpm.model.published.torchvision import encoder_parameters, write_encoder
from qpm.names import lookup

log = logging.getLogger(__name__)

TORCHVISION = "torchvision-resnet50"
LAYOUTS: dict[str, Layout] = {"mivos": MIVOS, "stm": STM, "qdmn": QDMN}  # by the preset of their network
KINDS = (*LAYOUTS, TORCHVISION)
SIGNS = {  # a name that tells where a file is from; QDMN's comes first, as it has MiVOS's too
    "qdmn": "concat_conv.weight",
    "mivos": "kv_m_f16.key_proj.weight",
    "stm": "KV_M_r4.Key.weight",
    TORCHVISION: "fc.weight",
}


def convert(source: Path, kind: str, out: Path, read: Mapping[str, object] | None = None) -> Path:
    """Write published weights with the config of their network; the source's SHA-256 goes into the header.

    Parameters
    ----------
    source : Path
        A PyTorch file: a state dict, or a checkpoint that holds one.
    kind : str
        `mivos` (also Mask-Propagation), `stm`, `qdmn`; or `torchvision-resnet50`, which becomes a file of
        initial encoder weights for training instead of a network.
    out : Path
        The safetensors file to write.
    read : mapping, optional
        Settings of the memory read other than the publication's, such as ``{"top_k": 20}``.

    Raises
    ------
    FileNotFoundError, ValueError
        If the source is not there, holds anything but tensors, or does not fit the network; the first ten names
        are told.
    """
    lookup("source of weights", kind, dict.fromkeys(KINDS))
    if out.resolve() == source.resolve():
        raise ValueError(f"{out} is the source itself; give another file to write")
    if kind == TORCHVISION and read:
        raise ValueError(f"{', '.join(read)}: an encoder reads no memory; leave it out for {kind}")
    tensors = read_tensors(source)
    origin = {"kind": kind, "file": source.name, "sha256": sha256(source)}
    try:
        if kind == TORCHVISION:
            write_encoder(encoder_parameters(tensors, source), out, origin)
        else:
            save_network(network_of(tensors, kind, source, read or {}), out, {"source": origin})
    except ValueError as error:
        looks_like = next((name for name, sign in SIGNS.items() if sign in tensors), kind)
        if looks_like != kind:
            error.add_note(f"the names are those of {looks_like}: --from {looks_like}")
        raise
    log.info("weights of %s from %s, SHA-256 %s", kind, source.name, origin["sha256"])
    return out


def network_of(tensors: Mapping[str, Tensor], kind: str, source: Path, read: Mapping[str, object]) -> Network:
    """The network of a publication with its tensors, in evaluation mode."""
    config = reading(PRESETS[kind], read)
    with torch.device("meta"):  # shapes only: the tensors take their places
        network = Network(config)
    layout, shapes = LAYOUTS[kind], {name: tuple(value.shape) for name, value in network.state_dict().items()}
    state = layout.translate(tensors, shapes, source)
    if layout.lacks_others(tensors):
        log.warning("%s is of a single-object network: it will not see the other objects' masks", source)
    network.load_state_dict(state, assign=True)
    return network.eval()


def reading(config: NetworkConfig, changes: Mapping[str, object]) -> NetworkConfig:
    """The config with other settings of the memory read."""
    read = ReadConfig.model_validate({**config.read.model_dump(), **changes})
    return config.model_copy(update={"read": read})
