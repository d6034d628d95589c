"""The training loop: clips in, weights out, resumable at any checkpoint."""

import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from lightning_fabric import Fabric
from torch.utils.data import DataLoader, Dataset

from qpm.frames import normalise
from qpm.model import Network, build, load_network, save_network
from qpm.training.checkpoint import load_state, save_state
from qpm.training.clip_model import ClipModel
from qpm.training.config import TrainConfig
from qpm.training.initialise import initialise
from qpm.training.log import TrainLog
from qpm.training.mixture import ClipMixture
from qpm.training.optimiser import optimiser, rate_share, set_rate, trainable

logger = logging.getLogger(__name__)
WEIGHTS = "weights.safetensors"
PROBED = 32  # batches whose first frames give the keys their principal directions
Progress = Callable[[int, int, dict[str, float]], None]  # iterations done, of, the latest measures


def train(config: TrainConfig, folder: Path, progress: Progress | None = None) -> Path:
    """Train a network, or continue a training that stopped, and write its weights.

    Parameters
    ----------
    config : TrainConfig
    folder : where `checkpoint.pt`, `metrics.parquet` and at the end `weights.safetensors` go
    progress : called every `log_every` iterations

    Returns
    -------
    Path of the weights file (float32).

    Raises
    ------
    FloatingPointError
        If the loss is not finite; the offending batch is saved beside the checkpoint.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if config.threads:
        torch.set_num_threads(config.threads)
    mixture = ClipMixture(config.sources, config.shapes, config.size, config.length, config.iterations, config.seed)
    state = load_state(folder)
    network = build(config.network) if state else _start(config, mixture)
    fabric = Fabric(accelerator="auto", devices=1, precision=_precision(config.precision))
    optimizer = optimiser(network, config.optimiser)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    model, optimizer = fabric.setup(ClipModel(network, config.loss), optimizer)
    begin, log = 0, TrainLog(folder)
    if state:
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        begin = state["iteration"]
    log.start(begin)
    logger.info("training %s: iterations %d to %d on %s", config.network, begin, config.iterations, fabric.device)

    model.train()
    clock, waited = time.perf_counter(), 0.0
    for iteration, (frames, labels, objects) in zip(
        range(begin, config.iterations), _loader(mixture, begin, config), strict=True
    ):
        waited += time.perf_counter() - clock
        share = iteration / config.iterations
        set_rate(optimizer, rate_share(iteration, config.iterations, config.optimiser))
        generator = torch.Generator().manual_seed(config.seed * 1_000_003 + iteration)
        measures = model(*_tensors(frames, labels, objects, fabric.device), share, generator)
        if not measures["loss"].isfinite():
            np.savez(folder / "bad_batch.npz", frames=frames, labels=labels)
            where = f"iteration {iteration}; batch in {folder}/bad_batch.npz"
            raise FloatingPointError(f"loss is {measures['loss'].item()} at {where}")
        fabric.backward(measures["loss"])
        norm = torch.nn.utils.clip_grad_norm_(list(trainable(network)), config.optimiser.clip_norm)
        optimizer.step()
        optimizer.zero_grad()

        done = iteration + 1
        log.add(iteration, {**{k: float(v.detach()) for k, v in measures.items()}, "gradient_norm": float(norm)})
        if done % config.log_every == 0 or done == config.iterations:
            latest = log.flush(waited)
            if progress is not None:
                progress(done, config.iterations, latest)
        if done % config.checkpoint_every == 0 or done == config.iterations:
            log.write()
            parts = {"network": network.state_dict(), "optimizer": optimizer.state_dict()}
            save_state(folder, {**parts, "iteration": done})
        clock = time.perf_counter()
    facts = {"iterations": config.iterations, "seed": config.seed, "training": config.model_dump(mode="json")}
    return save_network(network, folder / WEIGHTS, facts)


class _Batches(Dataset[tuple[np.ndarray, np.ndarray, int]]):
    """Batches by iteration; a map-style view for the loader's worker processes."""

    def __init__(self, mixture: ClipMixture) -> None:
        self.mixture = mixture

    def __getitem__(self, iteration: int) -> tuple[np.ndarray, np.ndarray, int]:
        return self.mixture.batch(iteration)


def _loader(mixture: ClipMixture, begin: int, config: TrainConfig) -> Iterator[tuple[np.ndarray, np.ndarray, int]]:
    order = range(begin, config.iterations)
    return iter(
        DataLoader(_Batches(mixture), batch_size=None, sampler=order, num_workers=config.workers, collate_fn=_as_is)
    )


def _as_is(batch: Any) -> Any:
    return batch


def _tensors(
    frames: np.ndarray, labels: np.ndarray, objects: int, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Normalised frames (B, T, 3, H, W) and one-hot masks (B, T, O, H, W)."""
    pixels = normalise(torch.from_numpy(frames).to(device).movedim(-1, -3))
    ids = torch.arange(1, objects + 1, device=device).view(-1, 1, 1)
    masks = (torch.from_numpy(labels).to(device).unsqueeze(2) == ids).float()
    return pixels, masks * masks[:, :1].amax(dim=(-2, -1), keepdim=True)  # a slot empty at first stays empty


def _start(config: TrainConfig, mixture: ClipMixture) -> Network:
    torch.manual_seed(config.seed)
    if config.start not in ("initial", "scratch"):
        return load_network(config.start)
    network = build(config.network)
    if config.start == "initial":
        from qpm.weights.initial import fetch_initial

        batches = [_tensors(*mixture.batch(i), torch.device("cpu")) for i in range(PROBED)]
        first = torch.cat([frames[:, 0] for frames, _ in batches])
        frames, masks = max(batches, key=lambda batch: batch[1].shape[2])  # of most objects
        generator = torch.Generator().manual_seed(config.seed)
        file = config.initial_file or fetch_initial()
        initialise(network, file, first, frames[:, 0], masks[:, 0], generator)
    return network


def _precision(name: str) -> Literal["bf16-mixed", "32-true"]:
    """Fabric's name of the precision; `auto` takes bfloat16 where it is native."""
    if name == "auto":
        name = "bf16" if _native_bf16() else "32"
    return "bf16-mixed" if name == "bf16" else "32-true"


def _native_bf16() -> bool:
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported()
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
