"""Where a training computes: device, precision and processes, through Lightning Fabric."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies import DDPStrategy
from torch import nn

from qpm.devices import choose_device, has_native_bfloat16
from qpm.model import Network
from qpm.training.config import TrainConfig

Precision = Literal["bf16-mixed", "16-mixed", "32-true"]


def open_fabric(config: TrainConfig) -> Fabric:
    """Fabric on this process's device; under torchrun or Slurm one of several that train together.

    Raises
    ------
    ValueError
        If 16-bit floats are asked for without a GPU.
    """
    # told explicitly even where it stays: only then may MKL not choose fewer at times, which rounds sums otherwise
    torch.set_num_threads(config.threads or torch.get_num_threads())
    device = choose_device()
    here, nodes = launched()
    unused = any(stage.loss.prior_dropped for stage in config.stages)  # a dropped prior's gate has no gradient
    fabric = Fabric(
        accelerator=device.type,
        devices=here,
        num_nodes=nodes,
        strategy=DDPStrategy(find_unused_parameters=unused) if here * nodes > 1 else "auto",
        precision=precision(config.precision, device),
    )
    fabric.launch()
    return fabric


def launched() -> tuple[int, int]:
    """Processes on this node, and nodes, as torchrun or Slurm say; 1 and 1 without them."""
    told = os.environ
    if "TORCHELASTIC_RUN_ID" in told:
        here = int(told["LOCAL_WORLD_SIZE"])
        return here, int(told["WORLD_SIZE"]) // here
    if int(told.get("SLURM_NTASKS", 1)) > 1 and told.get("SLURM_JOB_NAME") not in ("bash", "interactive"):
        nodes = int(told.get("SLURM_NNODES", 1))
        return int(told["SLURM_NTASKS"]) // nodes, nodes
    return 1, 1


def rank() -> int:
    """Number of this process among those that train together, before Fabric is open."""
    here, nodes = launched()
    return 0 if here * nodes == 1 else int(os.environ.get("RANK", os.environ.get("SLURM_PROCID", "0")))


def precision(name: str, device: torch.device) -> Precision:
    """Fabric's name of the precision; `auto` takes bfloat16 where it is native."""
    if name == "auto":
        name = "bf16" if has_native_bfloat16(device) else "32"
    if name == "16" and device.type == "cpu":
        raise ValueError("precision 16 needs a GPU; on this CPU use auto, bf16 or 32")
    names: dict[str, Precision] = {"bf16": "bf16-mixed", "16": "16-mixed", "32": "32-true"}
    return names[name]


def arrange(network: Network, config: TrainConfig) -> None:
    """Memory format and compilation, in place; names of parameters stay."""
    if config.channels_last:
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if config.compile:
        parts: list[nn.Module] = [network.query_encoder, network.memory_encoder, network.decoder]
        for part in parts:
            part.compile(dynamic=False)


def uncompiled(config: TrainConfig) -> AbstractContextManager[Any]:
    """In this context nothing is compiled: each size of a video and each number of objects would take minutes."""
    return torch.compiler.set_stance("force_eager") if config.compile else nullcontext()
