"""The steps of the loop for one frame, each from plain arguments to a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from qpm import masks
from qpm.inference.assess import Judgement, mask_signals, quality_signals, true_iou
from qpm.inference.frame import EncodedFrame
from qpm.inference.run import Run
from qpm.inference.state import LoopState
from qpm.memory import ANNOTATED, Bank, FrameMemory, FrameState, MemoryPolicy


@dataclass(frozen=True, eq=False)
class Reading:
    """All that a policy decides about the segmentation of the next frame.

    Parameters
    ----------
    prior_frame : int, optional
        The frame whose mask enhances the query (Eq. 4).
    groups : sequence of (objects, memories)
        The objects that read the same frames, and these (Eq. 1).
    """

    prior_frame: int | None = None
    groups: Sequence[tuple[tuple[int, ...], tuple[FrameMemory, ...]]] = ()

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for readings that give the network the same, if they have seen the same so far."""
        return self.prior_frame, *((objects, _indices(memories)) for objects, memories in self.groups)

    @property
    def frames(self) -> int:
        """How many frames are read."""
        return len({index for _, memories in self.groups for index in _indices(memories)})

    @property
    def nbytes(self) -> int:
        """Size of the keys and values of these frames."""
        once = {memory.index: memory for _, memories in self.groups for memory in memories}
        return sum(tensor.nbytes for memory in once.values() for tensor in memory.tensors)


def choose(policy: MemoryPolicy, state: LoopState) -> Reading:
    """Ask the policy what the network is given at the next frame; nothing before the first."""
    if state.previous is None:
        return Reading()
    prior_frame = policy.prior(state.previous)
    if prior_frame is not None and prior_frame not in state.prior_masks:
        held = ", ".join(map(str, sorted(state.prior_masks)))
        raise ValueError(
            f"prior rule '{policy.prior.rule}' chose frame {prior_frame}; masks are held of {held}"
        )
    return Reading(prior_frame, state.bank.groups(state.objects))


def predict(
    run: Run, frame: EncodedFrame, state: LoopState, reading: Reading
) -> tuple[Tensor, Tensor | None]:
    """Enhance the query, read the memory and decode (Eq. 4 and 1).

    Returns
    -------
    maps : Tensor, (O + 1, Hp, Wp)
        Soft masks of the objects known so far, background first.
    gate : Tensor, optional
        The prior-enhancement map, mean over networks.
    """
    if not state.objects:
        return frame.pixels.new_ones((1, *frame.pixels.shape[-2:])), None  # all is background
    prior = None if reading.prior_frame is None else state.prior_masks[reading.prior_frame]
    queries = run.network.enhance(frame.features, prior)
    stacked = [(objects, run.blocks.stack(objects, memories)) for objects, memories in reading.groups]
    run.blocks.forget_others([objects for objects, _ in reading.groups])
    gates = [query.gate for query in queries if query.gate is not None]
    maps = run.network.segment(queries, stacked, state.objects)
    return maps, torch.stack(gates).mean(dim=0) if gates else None


def write_given(
    run: Run, frame: EncodedFrame, objects: tuple[int, ...], maps: Tensor
) -> tuple[tuple[int, ...], Tensor]:
    """Enter newly given masks: their pixels belong to nobody else, and all objects are aggregated again.

    Returns
    -------
    objects : tuple of int
        Old and new, ascending.
    maps : Tensor, (O + 1, Hp, Wp)
    """
    if frame.given is None:
        return objects, maps
    new = run.canvas.masks(masks.onehot(frame.given, frame.new))[0].to(maps.device)
    elsewhere = 1 - new.amax(dim=0)
    single = dict(zip(objects, maps[1:] * elsewhere, strict=True)) | dict(zip(frame.new, new, strict=True))
    together = tuple(sorted(single))
    return together, masks.aggregate(torch.stack([single[object_id] for object_id in together]))


def native_labels(run: Run, frame: EncodedFrame, objects: tuple[int, ...], predicted: Tensor) -> np.ndarray:
    """The label map at the native size, uint8 (H, W): the prediction, and given masks as they were given."""
    if not objects:
        labels = np.zeros(run.canvas.native, dtype=np.uint8)
    else:
        labels = masks.labels(run.canvas.native_maps(predicted[None]), objects)
    return labels if frame.given is None else np.where(frame.given > 0, frame.given, labels)


def assess(
    run: Run,
    frame: EncodedFrame,
    objects: tuple[int, ...],
    maps: Tensor,
    raw_score: Tensor | None,
    labels: np.ndarray,
    before: Judgement,
) -> tuple[dict[str, tuple[float, ...]], Judgement]:
    """All signals of a frame (Eq. 2 and those that rules need), and what the next frame's need to know."""
    left, _, top, _ = run.canvas.padding
    height, width = run.canvas.resized
    inside = maps[:, top : top + height, left : left + width]
    quality, after = quality_signals(raw_score, objects, frame.new, frame.name, before)
    of_masks, after = mask_signals(inside, objects, frame.index, run.signals, after)
    oracle = true_iou(labels, frame.truth, objects) if "iou_true" in run.signals else {}
    return quality | of_masks | oracle, after


def finish(
    frame: EncodedFrame, objects: tuple[int, ...], signals: Mapping[str, tuple[float, ...]], state: LoopState
) -> FrameState:
    """The frame as the rules of memory and prior see it."""
    annotated = frame.given is not None
    before = state.previous or FrameState(annotated_index=frame.index, first_annotated_index=frame.index)
    return FrameState(
        objects,
        signals,
        frame.index,
        annotated,
        annotated_index=frame.index if annotated else before.annotated_index,
        first_annotated_index=before.first_annotated_index,
    )


def keep(
    policy: MemoryPolicy, frame: FrameState, memory: FrameMemory, bank: Bank
) -> tuple[Bank, dict[str, tuple[int, ...]]]:
    """Put the frame on the shelves that keep it (Eq. 3), and a frame with given masks among the annotated."""
    if frame.annotated:
        return bank.annotate(policy, memory), {ANNOTATED: frame.objects}
    return bank.offer(policy, frame, memory)


def _indices(memories: Sequence[FrameMemory]) -> tuple[int, ...]:
    return tuple(memory.index for memory in memories)
