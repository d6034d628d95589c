"""A training from its first stage to its last: clips in, weights out, resumable at any checkpoint."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor

from qpm.model import Network, build, save_network
from qpm.training.checkpoint import load_state, room_for, same_training
from qpm.training.config import TrainConfig
from qpm.training.engine import open_fabric
from qpm.training.log import TrainLog
from qpm.training.mixture import ClipMixture
from qpm.training.run import Progress, Training, Validate, deciding
from qpm.training.stage import Stage
from qpm.training.start import starting_network
from qpm.training.stopping import stop_requests
from qpm.training.together import agree

WEIGHTS = "weights.safetensors"


def train(
    config: TrainConfig, folder: Path, progress: Progress | None = None, validate: Validate | None = None
) -> Path:
    """Train a network, or continue a training that stopped, and write its weights.

    Under torchrun or Slurm every process calls this with the same arguments; the first one alone writes.

    Parameters
    ----------
    config : TrainConfig
    folder : where `checkpoints/`, `metrics.parquet`, `pictures/` and at the end `weights.safetensors` go
    progress : told with every row of the log
    validate : answers with the measures of a network in evaluation mode, as `config.validation` asks

    Returns
    -------
    Path of the weights file (float32).

    Raises
    ------
    FloatingPointError
        If the loss is not finite; the offending batch is saved in the folder.
    OSError
        If a checkpoint cannot be written.
    Stopped
        After SIGTERM or SIGINT, when a checkpoint is written.
    ValueError, FileNotFoundError
        If data or weights do not fit, or the folder holds another training.
    """
    folder.mkdir(parents=True, exist_ok=True)
    fabric = open_fabric(config)
    log = TrainLog(folder, fabric)
    state = load_state(folder)
    agree(fabric, f"checkpoints in {folder}", None if state is None else state["done"])
    with stop_requests() as request:
        network = build(config.network)
        run = Training(config, folder, fabric, network, log, request, progress, validate)
        if state is not None:
            same_training(_completed(state["settings"]), run.settings(), folder)
            run.done, run.best = state["done"], state["best"]
            network.load_state_dict(state["network"])
        log.start(run.done, _window(state, fabric.global_rank))
        for place in range(len(config.stages)):
            run_stage(run, place, state)
    path = folder / WEIGHTS
    if fabric.is_global_zero:
        log.write()
        with room_for(path, folder):
            save_network(network, path, run.facts())
    fabric.barrier()
    return path


def run_stage(run: Training, place: int, state: dict[str, Any] | None) -> None:
    """Run what is left of a stage; the first one begins with the starting weights."""
    config = run.config
    end = sum(stage.iterations for stage in config.stages[: place + 1])
    whole = run.folder / f"stage-{place}.safetensors"
    if run.done > end or (run.done == end and whole.is_file()):
        return
    if run.done < end:
        _go_on(run, place, state)
    if run.fabric.is_global_zero and len(config.stages) > 1:
        with room_for(whole, run.folder):
            save_network(run.network, whole, run.facts())


def _go_on(run: Training, place: int, state: dict[str, Any] | None) -> None:
    config = run.config
    mixture = ClipMixture(config.stages[place], config.seed, place, config.strict, config.cache_gb)
    agree(run.fabric, f"numbers of videos and images for stage {place}", len(mixture))
    if state is None and run.done == 0:
        with run.fabric.rank_zero_first():  # who is first may have to download
            _fill(run.network, starting_network(config, mixture))
    Stage(run, place, mixture, state if state is not None and state["stage"] == place else None).run()


def _window(state: dict[str, Any] | None, rank: int) -> list[dict[str, Tensor]]:
    """What a process had measured since the last row."""
    if state is None:
        return []
    window: list[dict[str, Tensor]] = state["windows"][rank] if "windows" in state else state["window"]
    return window


def _completed(settings: dict[str, Any]) -> dict[str, Any]:
    """A checkpoint's settings with the defaults of keys that came later."""
    before = TrainConfig.model_validate({key: value for key, value in settings.items() if key != "processes"})
    return deciding(before) | {"processes": settings["processes"]}


def _fill(network: Network, start: Network) -> None:
    network.load_state_dict(start.state_dict())
