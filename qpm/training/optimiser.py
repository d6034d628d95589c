"""Adam or AdamW in three speeds, and the learning rate's course."""

from __future__ import annotations

import math
from collections.abc import Iterator

from torch import nn, optim

from qpm.training.config import OptimiserConfig


def optimiser(network: nn.Module, config: OptimiserConfig, fused: bool = True) -> optim.Optimizer:
    """The optimiser over the trainable parameters, grouped by learning rate; frozen ones stop requiring gradients.

    `fused` updates many parameters in one go; 16-bit floats, whose gradients are scaled, need it off.

    Raises
    ------
    ValueError
        If a prefix in `config.frozen` or `config.trained` names no parameter, or nothing is left to train.
    """
    _mark(network, config)
    rates = {"query_encoder": config.query_encoder_rate, "memory_encoder": config.memory_encoder_rate}
    groups: dict[float, list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            groups.setdefault(rates.get(name.split(".")[0], config.rate), []).append(parameter)
    if not groups:
        told = f"frozen {list(config.frozen)} and trained {list(config.trained)}"
        raise ValueError(f"optimiser: {told} leave no parameter to learn")
    listed = [{"params": members, "lr": rate, "peak": rate} for rate, members in groups.items()]
    kind = optim.AdamW if config.algorithm == "adamw" else optim.Adam
    return kind(listed, weight_decay=config.weight_decay, fused=fused)


def _mark(network: nn.Module, config: OptimiserConfig) -> None:
    """Let the parameters that learn, and no others, require gradients."""
    for key in ("frozen", "trained"):
        for prefix in getattr(config, key):
            if not any(name.startswith(prefix) for name, _ in network.named_parameters()):
                raise ValueError(f"optimiser.{key}: no parameter begins with {prefix!r}")
    for name, parameter in network.named_parameters():
        chosen = not config.trained or name.startswith(config.trained)
        parameter.requires_grad_(chosen and not (config.frozen and name.startswith(config.frozen)))


def set_rate(optimizer: optim.Optimizer, share: float) -> None:
    """Set every group's learning rate to `share` of its peak."""
    for group in optimizer.param_groups:
        group["lr"] = share * group["peak"]


def rate_share(iteration: int, iterations: int, config: OptimiserConfig) -> float:
    """Learning rate at an iteration (from 0) over its peak.

    Linear warm-up, then one cosine to `final`, or a tenth of it after each of `steps`.
    """
    if iteration < config.warm_up:
        return (iteration + 1) / config.warm_up
    if config.schedule == "steps":
        # a share written as 250,000 / 300,000 must meet iteration 250,000 in floating point
        return math.prod(0.1 for step in config.steps if iteration >= round(step * iterations, 6))
    course = (iteration - config.warm_up) / max(1, iterations - config.warm_up)
    return config.final + (1 - config.final) * 0.5 * (1 + math.cos(math.pi * course))


def trainable(network: nn.Module) -> Iterator[nn.Parameter]:
    """The parameters that receive gradients."""
    return (parameter for parameter in network.parameters() if parameter.requires_grad)
