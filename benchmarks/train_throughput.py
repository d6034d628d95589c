"""How fast training is: the engine's step beside a plain float32 loop, and how long it waits for clips.

    python benchmarks/train_throughput.py [--network half] [--size 192] [--clips 4] [--workers 1 2] [--root DAVIS]

Both loops train the same network on the same batch and take turns, so that a busy machine slows both; the ratio is of
their medians. The loader is measured in a real training on built-in videos, or on DAVIS train below ``--root``.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd
import torch

from qpm.model import build
from qpm.training.batches import tensors
from qpm.training.clip_model import ClipModel
from qpm.training.config import TrainConfig
from qpm.training.draws import Draws
from qpm.training.engine import arrange, open_fabric
from qpm.training.loop import train
from qpm.training.mixture import Batch, ClipMixture
from qpm.training.optimiser import optimiser, trainable

Step = Callable[[], None]


def settings(chosen: argparse.Namespace, **changes: Any) -> TrainConfig:
    """A training of one stage on built-in videos, or on DAVIS."""
    source: dict[str, Any] = {"source": "synthetic", "videos": 20}
    if chosen.root is not None:
        source = {"source": "davis", "root": str(chosen.root), "resolution": chosen.resolution}
    stage = {"sources": [source], "size": chosen.size, "shapes": [[chosen.clips, 1]], "iterations": chosen.iterations}
    common = {"network": chosen.network, "start": "scratch", "compile": chosen.compile, "checkpoint_every": 10**6}
    return TrainConfig.model_validate({**common, "stages": [stage], **changes})


def plain_step(config: TrainConfig, batch: Batch, device: torch.device) -> Step:
    """The eager float32 loop that one writes first."""
    stage = config.stages[0]
    model = ClipModel(build(config.network), stage.loss).to(device).train()
    adam = optimiser(model.network, stage.optimiser, fused=False)

    def step() -> None:
        frames, masks = tensors(batch, device)
        model(frames, masks, 0.5, Draws(0, 0, 0, batch.numbers))["loss"].backward()
        torch.nn.utils.clip_grad_norm_(list(trainable(model.network)), stage.optimiser.clip_norm or 1e9)
        adam.step()
        adam.zero_grad()

    return step


def engine_step(config: TrainConfig, batch: Batch) -> tuple[Step, torch.device, str]:
    """The step of `qpm.training.stage`, its device and its precision."""
    stage, fabric = config.stages[0], open_fabric(config)
    network = build(config.network)
    arrange(network, config)
    model, adam = fabric.setup(ClipModel(network, stage.loss), optimiser(network, stage.optimiser))
    model.train()

    def step() -> None:
        frames, masks = tensors(batch, fabric.device)
        fabric.backward(model(frames, masks, 0.5, Draws(0, 0, 0, batch.numbers))["loss"])
        fabric.clip_gradients(model, adam, max_norm=stage.optimiser.clip_norm, error_if_nonfinite=False)
        adam.step()
        adam.zero_grad()

    return step, fabric.device, fabric.strategy.precision.precision


def seconds(step: Step, device: torch.device) -> float:
    """Time of one step."""
    began = time.perf_counter()
    step()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - began


def compare_steps(chosen: argparse.Namespace) -> None:
    """Print the clips per second of both loops and their ratio."""
    config = settings(chosen)
    batch = ClipMixture(config.stages[0], seed=0).batch(0)
    ours, device, precision = engine_step(config, batch)
    plain = plain_step(config, batch, device)
    for step in (ours, plain, ours, plain):  # the first calls compile, allocate and choose algorithms
        step()
    times = [(seconds(ours, device), seconds(plain, device)) for _ in range(chosen.rounds)]
    engine, eager = (median(column) for column in zip(*times, strict=True))
    print(f"step of {chosen.network}, {chosen.clips} clips of {chosen.size} px on {device.type}")
    print(f"{precision} {chosen.clips / engine:.2f} clips/s, plain float32 {chosen.clips / eager:.2f} clips/s")
    print(f"ratio {eager / engine:.2f} (median of {chosen.rounds} turns)", flush=True)


def measure_loader(chosen: argparse.Namespace, workers: int) -> None:
    """Print which share of a training's time is spent waiting for clips; the first rows fill the queue."""
    config = settings(chosen, workers=workers, log_every=max(1, chosen.iterations // 3))
    with tempfile.TemporaryDirectory() as folder:
        train(config, Path(folder))
        rows = pd.read_parquet(Path(folder) / "metrics.parquet").iloc[1:]
    told = f"{rows['data_wait'].mean():.1%} of the time, {rows['clips_per_second'].mean():.2f} clips/s"
    print(f"data wait with {workers} loader {'process' if workers == 1 else 'processes'}: {told}", flush=True)


def main() -> None:
    """Compare the steps, then measure the loader."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", default="half")
    parser.add_argument("--size", type=int, default=192)
    parser.add_argument("--clips", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5, help="turns of each loop")
    parser.add_argument("--iterations", type=int, default=12, help="of the training that measures the loader")
    parser.add_argument("--workers", type=int, nargs="*", default=(1, 2))
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--root", type=Path, help="DAVIS, in place of built-in videos")
    parser.add_argument("--resolution", default="480p")
    chosen = parser.parse_args()
    compare_steps(chosen)
    for workers in chosen.workers:
        measure_loader(chosen, workers)


if __name__ == "__main__":
    main()
