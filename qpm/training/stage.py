"""One stage of a training: its iterations, and what is due between them."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

import torch

from qpm.seeding import derive
from qpm.training.batches import batches, tensors
from qpm.training.clip_model import ClipModel
from qpm.training.config import StageConfig
from qpm.training.draws import Draws
from qpm.training.engine import arrange
from qpm.training.held import HeldOthers
from qpm.training.looks import pictured, validated
from qpm.training.mixture import Batch, ClipMixture
from qpm.training.optimiser import optimiser, rate_share, set_rate
from qpm.training.run import Training
from qpm.training.stopping import Stopped
from qpm.training.together import largest
from qpm.training.unchecked import Unchecked

ASKED_EVERY = 5  # iterations after which several GPUs agree on whether to stop: asking makes them wait
log = logging.getLogger(__name__)


class Stage:
    """A stage in progress.

    Parameters
    ----------
    training : Training
    place : int
        Number of the stage.
    mixture : ClipMixture
        Its clips.
    state : mapping, optional
        The checkpoint in this stage to go on from.
    """

    def __init__(
        self, training: Training, place: int, mixture: ClipMixture, state: Mapping[str, Any] | None = None
    ) -> None:
        self.training, self.place, self.mixture = training, place, mixture
        self.config: StageConfig = training.config.stages[place]
        self.before = sum(stage.iterations for stage in training.config.stages[:place])
        fabric, network = training.fabric, training.network
        optimizer = optimiser(network, self.config.optimiser, fused=training.config.precision != "16")
        arrange(network, training.config)
        self.model, self.optimizer = fabric.setup(ClipModel(network, self.config.loss), optimizer)
        if state is not None:
            self.take_up(state)
        self.unchecked = Unchecked(training.folder, f"stage {place}", self.before, fabric)
        self.held = HeldOthers(network) if all(objects == 1 for _, objects in self.config.shapes) else None

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on with a checkpoint's optimiser, and its scale of 16-bit gradients if the precision is the same."""
        fabric = self.training.fabric
        self.optimizer.load_state_dict(state["optimizer"])
        now = fabric.strategy.precision.precision
        if state.get("precision", now) == now:
            fabric.strategy.precision.load_state_dict(state["scaler"])
        else:
            log.warning("the training was begun in %s and goes on in %s", state["precision"], now)

    def run(self) -> None:
        """The iterations that are left.

        Raises
        ------
        FloatingPointError
            If the loss or its gradient is not finite; the offending batch is saved.
        Stopped
            If a signal asked for it, after a checkpoint.
        """
        t, fabric = self.training, self.training.fabric
        begin = t.done - self.before
        pinned = fabric.device.type == "cuda"
        self.tell_start(begin)
        t.log.begin()
        self.model.train(not self.config.loss.read_at_test)
        loaded = batches(self.mixture, begin, fabric.global_rank, fabric.world_size, t.config.workers, pinned)
        with closing(loaded) as arriving:  # however it ends, the loader's processes end with it
            for iteration in range(begin, self.config.iterations):
                set_rate(self.optimizer, rate_share(iteration, self.config.iterations, self.config.optimiser))
                self.step(iteration, arriving)
                t.done = self.before + iteration + 1
                self.count_broken(iteration)
                self.attend(iteration + 1 == self.config.iterations)

    def step(self, iteration: int, arriving: Iterator[Batch]) -> None:
        """One step of the optimiser over `accumulate` batches."""
        t, fabric, each = self.training, self.training.fabric, self.config.accumulate
        torch.manual_seed(derive(t.config.seed, "rank", self.place, iteration, fabric.global_rank))
        waited, clips = 0.0, 0
        for micro in range(each):
            clock = time.perf_counter()
            batch = next(arriving)
            waited += time.perf_counter() - clock
            t.broken.note(batch.broken)
            draws = Draws(t.config.seed, self.place, iteration, batch.numbers)
            frames, masks = tensors(batch, fabric.device)
            with fabric.no_backward_sync(self.model, enabled=micro + 1 < each):
                measures = self.model(frames, masks, iteration / self.config.iterations, draws)
                self.unchecked.check()  # of the batch before: looking at this one would make a GPU wait
                self.unchecked.note(iteration, batch, "loss", measures["loss"].detach())
                fabric.backward(measures["loss"] / each)
            clips += len(batch.names) * fabric.world_size
            t.log.add(measures)
        norm = self.clip()
        if t.config.precision != "16":  # a scaled gradient may overflow: the step is left out then, and the scale falls
            self.unchecked.note(iteration, batch, "gradient norm", norm)
        self.optimizer.step()
        if self.held is not None:
            self.held.put_back()
        self.optimizer.zero_grad()
        t.log.end_iteration(norm, clips, waited)

    def clip(self) -> torch.Tensor:
        """The gradient's norm; where the stage says so it is cut to a length."""
        fabric, longest = self.training.fabric, self.config.optimiser.clip_norm or float("inf")
        norm = fabric.clip_gradients(self.model, self.optimizer, max_norm=longest, error_if_nonfinite=False)
        assert norm is not None, "clipping by norm tells the norm"
        return norm

    def attend(self, last: bool) -> None:
        """What is due after an iteration: a row of the log, a validation, a picture, a checkpoint, the stop."""
        t, c = self.training, self.training.config
        found = validated(t, last)
        if found:
            self.model.train(not self.config.loss.read_at_test)
        if c.picture_every and t.done % c.picture_every == 0:
            iteration, batch = self.unchecked.latest
            pictured(t, self.model.module, batch, Draws(c.seed, self.place, iteration, batch.numbers))
        if t.done % c.log_every == 0 or last or found:
            self.unchecked.check()
            rate = max(group["lr"] for group in self.optimizer.param_groups)
            row = t.log.row(t.done, self.place, rate, found)
            t.log.write(now=False)
            if t.progress is not None and t.fabric.is_global_zero:
                t.progress(t.done, c.iterations, row)
        due, stop = self.agreed(last or t.done % c.checkpoint_every == 0, t.request.number)
        if due or stop:
            self.unchecked.check()
            t.save(self.place, self.optimizer)
        if stop:
            t.fabric.barrier()  # a launcher kills all processes as soon as one has ended, and the first still saves
            raise Stopped(stop, t.done, c.iterations)

    def agreed(self, due: bool, stop: int) -> tuple[bool, int]:
        """Whether a checkpoint is due and which signal has come, the same answer in every process."""
        t = self.training
        minutes = t.config.checkpoint_minutes
        seldom = t.fabric.world_size > 1 and t.fabric.device.type != "cpu"
        if seldom and not due and t.done % ASKED_EVERY:
            return False, 0
        due = due or (minutes is not None and time.monotonic() - t.saved > 60 * minutes)
        if t.fabric.world_size == 1:
            return due, stop
        found = largest(t.fabric, torch.tensor([int(due), stop], device=t.fabric.device))
        return bool(found[0]), found[1]

    def count_broken(self, iteration: int) -> None:
        """At the end of every pass over the data, tell how much of it was passed over."""
        t, clips = self.training, self.config.shapes[0][0] * self.config.accumulate * self.training.fabric.world_size
        passes = [count * clips // len(self.mixture) for count in (iteration, iteration + 1)]
        if passes[0] != passes[1] or iteration + 1 == self.config.iterations:
            t.broken.tell()

    def tell_start(self, begin: int) -> None:
        """One line: what is trained, on what, in which batches and at which rate."""
        t, stage = self.training, self.config
        if not t.fabric.is_global_zero:
            return
        ranks, total = t.fabric.world_size, len(t.config.stages)
        many = "1 process" if ranks == 1 else f"{ranks} processes"
        shapes = [(clips * ranks * stage.accumulate, objects) for clips, objects in stage.shapes]
        sizes = " or ".join(f"{clips} clips of {'1 object' if n == 1 else f'{n} objects'}" for clips, n in shapes)
        log.info(
            "%s, stage %d of %d, iterations %d to %d: %s on %s in %s; global batch %s; rate %g; an epoch is %d clips",
            t.config.network, self.place + 1, total, begin, stage.iterations, many, t.fabric.device.type,
            t.fabric.strategy.precision.precision, sizes, stage.optimiser.rate, len(self.mixture),
        )  # fmt: skip
