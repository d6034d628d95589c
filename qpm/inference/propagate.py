"""THE loop: for every frame prior, enhance, read, decode, assess, keep, in the order of the paper's section 2."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import torch

from qpm.datasets.video import Video
from qpm.inference.ensemble import Ensemble
from qpm.inference.frame import EncodedFrame, FrameResult
from qpm.inference.run import Run, encode, frames, prepare
from qpm.inference.state import LoopState
from qpm.inference.steps import Reading, assess, choose, finish, keep, native_labels, predict, write_given
from qpm.memory import ANNOTATED, FrameMemory, MemoryPolicy
from qpm.model import Network


def propagate(
    network: Network | Sequence[Network] | Ensemble,
    video: Video,
    policy: MemoryPolicy,
    *,
    max_side: int | None = None,
    keep_probabilities: bool = False,
    dtype: torch.dtype | None = None,
    signals: Iterable[str] = (),
) -> Iterator[FrameResult]:
    """Segment a video from its given masks, frame by frame.

    Frames are read once, in order; frames before the first given mask are skipped. Nothing is held but what
    the policy remembers, the annotated frames' masks and the previous frame.

    Parameters
    ----------
    network : Network, or several, whose soft maps are averaged
        In evaluation mode.
    max_side : int, optional
        Longest side of the network's input in pixels; None is the native size.
    keep_probabilities : bool
        Give soft masks at the native size with every result.
    dtype : torch.dtype, optional
        Lower precision of the networks, such as torch.bfloat16.
    signals : iterable of str
        Signals to compute beside those that the policy needs.

    Yields
    ------
    FrameResult

    Raises
    ------
    ValueError
        Before the first frame, if the policy cannot be followed with this network on this video.
    """
    run = prepare(network, video, policy, max_side=max_side, keep_probabilities=keep_probabilities,
                  dtype=dtype, signals=signals)  # fmt: skip
    return _frames(run, video)


def _frames(run: Run, video: Video) -> Iterator[FrameResult]:
    state = LoopState()
    for index in frames(video):
        result, state = advance(run, encode(run, video, index), state)
        yield result


def advance(run: Run, frame: EncodedFrame, state: LoopState) -> tuple[FrameResult, LoopState]:
    """Segment, judge and perhaps remember one frame; the state that is passed in stays as it was.

    Returns
    -------
    result : FrameResult
    state : LoopState
        For the next frame.
    """
    result, memory, after = segment(run, frame, state, choose(run.policy, state))
    assert after.previous is not None
    bank, kept = keep(run.policy, after.previous, memory, state.bank)
    return replace(result, memorized=tuple(kept), memorized_objects=kept), replace(after, bank=bank)


@torch.inference_mode()
def segment(
    run: Run, frame: EncodedFrame, state: LoopState, reading: Reading
) -> tuple[FrameResult, FrameMemory, LoopState]:
    """The part of the loop that no policy takes part in, once it has chosen what is read.

    Returns
    -------
    result : FrameResult
        Without what is memorized.
    memory : FrameMemory
        The frame, for whoever keeps it.
    state : LoopState
        For the next frame, with the bank as it was.
    """
    with run.precision():
        predicted, gate = predict(run, frame, state, reading)
        objects, maps = write_given(run, frame, state.objects, predicted)
        tensors, raw_score = run.network.memorize(frame.pixels, run.canvas.remembered(maps[None, 1:]))
    labels = native_labels(run, frame, state.objects, predicted)
    judged, judgement = assess(run, frame, objects, maps, raw_score, labels, state.judgement)
    finished = finish(frame, objects, judged, state)
    held = {*state.bank.shelf(ANNOTATED)}
    prior_masks = {index: mask for index, mask in state.prior_masks.items() if index in held}
    prior_masks[frame.index] = maps[None, 1:].amax(dim=1, keepdim=True)
    result = FrameResult(
        index=frame.index,
        name=frame.name,
        labels=labels,
        object_ids=objects,
        annotated=finished.annotated,
        signals=judged,
        prior_frame=reading.prior_frame,
        bank_frames=reading.frames,
        bank_bytes=reading.nbytes,
        probabilities=run.canvas.native_maps(maps[None]).cpu() if run.keep_probabilities else None,
        gate=gate,
    )
    memory = FrameMemory(frame.index, objects, tensors)
    return result, memory, LoopState(objects, state.bank, finished, prior_masks, judgement)
