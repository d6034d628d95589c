"""The weights that a training starts from."""

from __future__ import annotations

import logging
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from qpm.model import Network, build
from qpm.model.checkpoint import read_header
from qpm.model.mismatch import refuse_mismatch
from qpm.training.batches import tensors
from qpm.training.config import TrainConfig
from qpm.training.draws import seeded
from qpm.training.initialise import initialise, initialise_head, load_encoders
from qpm.training.mixture import ClipMixture
from qpm.weights import resolve

PROBED = 32  # batches whose first frames give the keys their principal directions
HEADS = ("quality_head", "prior_gate", "aspp")  # parts that other weights may lack, or have in excess
log = logging.getLogger(__name__)


def starting_network(config: TrainConfig, mixture: ClipMixture) -> Network:
    """A network with the weights that `config.start` names; `mixture` gives the clips that scale new layers."""
    torch.manual_seed(config.seed)
    network = build(config.network)
    if config.start == "initial":
        _from_classifier(network, config, mixture)
    elif config.start == "encoders":
        load_encoders(network, _classifier(config), seeded(config.seed, "start"))
    elif config.start != "scratch":
        fresh = load_weights(network, resolve(config.start), config)
        head = {key for key in network.state_dict() if key.startswith("quality_head.")}
        if head and head <= fresh:  # a head that the file has in part goes on from that part
            _, frames, masks = _probes(mixture)
            initialise_head(network, frames, masks, seeded(config.seed, "start"))
    return network


def load_weights(network: Network, file: Path, wanted: TrainConfig) -> set[str]:
    """Load a weights file into a network that may have other heads.

    Heads that the file lacks, and the parts in `wanted.fresh`, stay as they are; returns
    the names of their tensors.

    Raises
    ------
    ValueError
        If the file is of a network that differs in another part, or its tensors do not fit.
    """
    config, _ = read_header(file)
    for key in type(config).model_fields:
        theirs, ours = getattr(config, key), getattr(network.config, key)
        alike = theirs.similarity == ours.similarity if key == "read" else theirs == ours
        if not alike and not key.startswith(("quality", "prior", "aspp")):
            raise ValueError(f"start: {file} has {key} {theirs}; network '{wanted.network}' has {ours}")
    expected = network.state_dict()
    unknown = [part for part in wanted.fresh if not any(key.startswith(part) for key in expected)]
    if unknown:
        raise ValueError(f"fresh: no parameter begins with '{unknown[0]}'")
    found = {key: value for key, value in load_file(str(file)).items() if not key.startswith(wanted.fresh or ("-",))}
    kept = {key: value.float() for key, value in found.items() if key in expected or not key.startswith(HEADS)}
    fresh = [key for key in expected if key not in found and key.startswith((*HEADS, *wanted.fresh))]
    refuse_mismatch({key: value.shape for key, value in expected.items() if key not in fresh}, kept, file)
    if fresh:
        parts = ", ".join(sorted({key.split(".")[0] for key in fresh}))
        log.info("start: weights of %s; new ones for %s", file.name, parts)
    network.load_state_dict({**expected, **kept})
    return set(fresh)


def _from_classifier(network: Network, config: TrainConfig, mixture: ClipMixture) -> None:
    first, frames, masks = _probes(mixture)
    generator = torch.Generator().manual_seed(config.seed)
    initialise(network, _classifier(config), first, frames, masks, generator)


def _probes(mixture: ClipMixture) -> tuple[Tensor, Tensor, Tensor]:
    """First frames of several batches, and those of the batch of most objects with their masks."""
    batches = [tensors(mixture.batch(place), torch.device("cpu")) for place in range(PROBED)]
    frames, masks = max(batches, key=lambda batch: batch[1].shape[2])
    return torch.cat([each[:, 0] for each, _ in batches]), frames[:, 0], masks[:, 0]


def _classifier(config: TrainConfig) -> Path:
    from qpm.weights.initial import fetch_initial

    return config.classifier() or fetch_initial()
