"""AdamW in three speeds, and the learning rate's course."""

import math
from collections.abc import Iterator

from torch import nn, optim

from qpm.training.config import OptimiserConfig


def optimiser(network: nn.Module, config: OptimiserConfig) -> optim.AdamW:
    """AdamW over the trainable parameters, grouped by learning rate; frozen ones stop requiring gradients.

    Raises
    ------
    ValueError
        If a prefix in `config.frozen` names no parameter.
    """
    rates = {"query_encoder": config.query_encoder_rate, "memory_encoder": config.memory_encoder_rate}
    for prefix in config.frozen:
        names = [name for name, _ in network.named_parameters() if name.startswith(prefix)]
        if not names:
            raise ValueError(f"optimiser.frozen: no parameter begins with {prefix!r}")
    groups: dict[float, list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(not name.startswith(config.frozen) if config.frozen else True)
        if parameter.requires_grad:
            groups.setdefault(rates.get(name.split(".")[0], config.rate), []).append(parameter)
    listed = [{"params": members, "lr": rate, "peak": rate} for rate, members in groups.items()]
    return optim.AdamW(listed, weight_decay=config.weight_decay)


def set_rate(optimizer: optim.Optimizer, share: float) -> None:
    """Set every group's learning rate to `share` of its peak."""
    for group in optimizer.param_groups:
        group["lr"] = share * group["peak"]


def rate_share(iteration: int, iterations: int, config: OptimiserConfig) -> float:
    """Learning rate at an iteration (from 0) over its peak: linear warm-up, then one cosine to `final`."""
    if iteration < config.warm_up:
        return (iteration + 1) / config.warm_up
    course = (iteration - config.warm_up) / max(1, iterations - config.warm_up)
    return config.final + (1 - config.final) * 0.5 * (1 + math.cos(math.pi * course))


def trainable(network: nn.Module) -> Iterator[nn.Parameter]:
    """The parameters that receive gradients."""
    return (parameter for parameter in network.parameters() if parameter.requires_grad)
