"""Looks at a network while it trains: whole videos that judge it, and a picture of the clips of a batch."""

from __future__ import annotations

from qpm.model import save_network
from qpm.training.batches import tensors
from qpm.training.checkpoint import room_for
from qpm.training.clip_model import ClipModel
from qpm.training.draws import Draws
from qpm.training.engine import uncompiled
from qpm.training.mixture import Batch
from qpm.training.picture import draw_clips
from qpm.training.run import BEST, Training


def validated(training: Training, last: bool) -> dict[str, float]:
    """What a validation finds, where one is due; its best weights are kept.

    The first process validates and the others wait, however long it takes. It leaves the network in evaluation mode.

    Parameters
    ----------
    training : Training
    last : whether the stage ends with this iteration

    Returns
    -------
    dict, empty where none is due; in the other processes with NaN for the measure that decides.

    Raises
    ------
    OSError
        If the best weights cannot be written.
    """
    t, chosen = training, training.config.validation
    end = last and t.done == t.config.iterations
    if chosen is None or t.validate is None or not (end or t.done % chosen.every == 0):
        return {}
    found: dict[str, float] = {}
    with t.fabric.rank_zero_first():
        if t.fabric.is_global_zero:
            t.network.eval()
            with uncompiled(t.config):
                found = t.validate(t.network)
            if found.get(chosen.best, float("nan")) > t.best:
                t.best = found[chosen.best]
                best = t.folder / BEST
                with room_for(best, t.folder):
                    save_network(t.network, best, t.facts() | {"metrics": found})
    return found or {chosen.best: float("nan")}


def pictured(training: Training, model: ClipModel, batch: Batch, draws: Draws) -> None:
    """The first process draws clips of its batch, gone through with the iteration's draws, into `pictures/`.

    Raises
    ------
    OSError
        If the picture cannot be written.
    """
    t = training
    if t.fabric.is_global_zero:
        frames, masks = tensors(batch, t.fabric.device)
        with t.fabric.autocast(), uncompiled(t.config):
            draw_clips(t.folder, t.done, model, frames, masks, draws, batch.names)
