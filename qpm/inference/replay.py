"""A video under a policy, any frame of which can be looked into: what it read, from where, and through which gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from qpm.datasets.video import Video
from qpm.frames import STRIDE
from qpm.inference.ensemble import Ensemble
from qpm.inference.frame import FrameResult
from qpm.inference.propagate import LoopState, advance
from qpm.inference.run import encode, frames, prepare
from qpm.inference.steps import Reading, choose
from qpm.memory import ANNOTATED, MemoryPolicy
from qpm.memory.read_blocks import ReadBlocks
from qpm.model import Network
from qpm.model.memory_read import log_kernel


@dataclass(frozen=True, eq=False)
class Step:
    """A frame of the loop: its result, the state that it met, and what the policy let it read."""

    result: FrameResult
    before: LoopState
    reading: Reading


class Replay:
    """The loop over a video, run as far as somebody looks, with every state on the way kept.

    States share their tensors, so all of them together are as large as the frames that were ever remembered.

    Parameters
    ----------
    network, video, policy, max_side, dtype
        As for `propagate`.
    """

    def __init__(
        self,
        network: Network | Sequence[Network] | Ensemble,
        video: Video,
        policy: MemoryPolicy,
        *,
        max_side: int | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        self.run = prepare(network, video, policy, max_side=max_side, dtype=dtype)
        self.video = video
        self._steps: dict[int, Step] = {}
        self._state = LoopState()
        self._ahead = iter(frames(video))

    @property
    def indices(self) -> range:
        """The frames that can be looked into: all from the first given mask on."""
        return frames(self.video)

    def step(self, index: int) -> Step:
        """Run the loop up to a frame, unless it has been there, and return that frame.

        Raises
        ------
        IndexError
            If the video has no such frame, or no mask was given yet.
        """
        if index not in self.indices:
            raise IndexError(f"{self.video.name} is segmented on frames {self.indices}, not on {index}")
        while index not in self._steps:
            here, before = next(self._ahead), self._state
            reading = choose(self.run.policy, before)
            result, self._state = advance(self.run, encode(self.run, self.video, here), before)
            self._steps[here] = Step(result, before, reading)
        return self._steps[index]

    def shelves(self, index: int) -> dict[int, tuple[str, ...]]:
        """Return the frames in memory when a frame was segmented, each with the shelves that hold it."""
        bank = self.step(index).before.bank
        names = (ANNOTATED, *(shelf.name for shelf in self.run.policy.shelves))
        held = {name: set(bank.shelf(name)) for name in names}
        everything = sorted(set().union(*held.values()))
        return {frame: tuple(name for name in names if frame in held[name]) for frame in everything}

    def gate(self, index: int) -> np.ndarray | None:
        """Return the prior gate of a frame (Eq. 4), float (H, W) in 0..1, mean over channels; None without prior."""
        gate = self.step(index).result.gate
        return None if gate is None else self._on_frame(gate.float().mean(dim=1, keepdim=True))[0]

    @torch.inference_mode()
    def affinity(self, index: int, object_id: int, pixel: tuple[int, int]) -> dict[int, np.ndarray]:
        """Return where a pixel of a frame read the memory of an object: its weights in Eq. 1, by memory frame.

        Parameters
        ----------
        index : int
        object_id : int
        pixel : (row, column)
            In native pixels. Reading goes by cells of 16 x 16 pixels of the network's input.

        Returns
        -------
        dict
            Memory frame -> float (h, w), the weight of each of its cells; all frames together sum to 1. Empty on the
            frame where the object is given. With an ensemble, of its first network.
        """
        step = self.step(index)
        memories = step.before.bank.memories(object_id)
        if not memories:
            return {}
        prior_frame = step.reading.prior_frame
        prior = None if prior_frame is None else step.before.prior_masks[prior_frame]
        with self.run.precision():
            query = self.run.network.enhance(encode(self.run, self.video, index).features, prior)[0]
        keys = ReadBlocks().stack((object_id,), memories)[0]
        network: Network = self.run.network.members[0]  # type: ignore[assignment]
        weights = weights_at(network, query.key.float(), keys.float(), self.cell(pixel))[0]
        return {memory.index: frame.cpu().numpy() for memory, frame in zip(memories, weights, strict=True)}

    def cell(self, pixel: tuple[int, int]) -> tuple[int, int]:
        """Return the cell (row, column) of the network's map that a native pixel lies in."""
        canvas = self.run.canvas
        left, _, top, _ = canvas.padding
        sides = zip(pixel, canvas.resized, canvas.native, strict=True)
        row, column = (int((place + 0.5) * resized / native) for place, resized, native in sides)
        return (row + top) // STRIDE, (column + left) // STRIDE

    def on_frame(self, cells: np.ndarray) -> np.ndarray:
        """Return a map over cells (h, w) at the native size (H, W), each cell as a square."""
        return self._on_frame(torch.from_numpy(cells)[None, None].float())[0]

    def _on_frame(self, cells: Tensor) -> np.ndarray:
        wide = F.interpolate(cells, scale_factor=STRIDE, mode="nearest")
        return self.run.canvas.native_maps(wide).cpu().numpy()


def weights_at(network: Network, query_key: Tensor, memory_key: Tensor, cell: tuple[int, int]) -> Tensor:
    """The weights of Eq. 1 with which one query location averages the memory values, as the network reads.

    Parameters
    ----------
    query_key : Tensor, (1, CK, h, w)
    memory_key : Tensor, (1, O, CK, T, h, w)
    cell : (row, column)

    Returns
    -------
    Tensor, (O, T, h, w)
        Sums to 1 for each object.
    """
    read, (height, width) = network.config.read, query_key.shape[-2:]
    scale = query_key.shape[1] ** -0.5 if network.log_sharpness is None else network.log_sharpness.exp()
    place = cell[0] * width + cell[1]
    query = (query_key * scale).flatten(2).transpose(1, 2).unsqueeze(1)  # (1, 1, h * w, CK)
    if read.kernel_sigma is None:
        logits = (query[:, :, place : place + 1] @ memory_key.flatten(3))[0, :, 0]  # (O, T * h * w)
    else:  # the kernel stands around each memory location's best match, so all locations are needed
        table = query @ memory_key.flatten(3)
        logits = (table + log_kernel(table, (height, width), read.kernel_sigma))[0, :, place]
    best, where = logits.topk(min(read.top_k or logits.shape[-1], logits.shape[-1]), dim=-1)
    weights = torch.zeros_like(logits).scatter_(-1, where, best.softmax(dim=-1))
    return weights.unflatten(1, (-1, height, width))
