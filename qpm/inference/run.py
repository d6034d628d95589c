"""What stays the same during a pass over a video, checked before the first frame."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

import torch

from qpm.datasets.video import Video
from qpm.frames import Canvas
from qpm.inference.ensemble import Ensemble
from qpm.inference.frame import EncodedFrame
from qpm.memory import MemoryPolicy, RandomGate
from qpm.memory.prior import NoPrior
from qpm.memory.read_blocks import ReadBlocks
from qpm.memory.signals import ALWAYS, check_signals
from qpm.model import Network

QUALITY = frozenset({"score", "score_raw"})


@dataclass(frozen=True, eq=False)
class Run:
    """One pass of a policy over a video.

    Parameters
    ----------
    signals : frozenset of str
        Names of all signals that are computed.
    dtype : torch.dtype, optional
        Lower precision of the networks (autocast), such as torch.bfloat16; None leaves them as they are.
    keep_probabilities : bool
        Whether results carry soft masks at the native size.
    blocks : ReadBlocks
        A cache; forks share it.
    """

    network: Ensemble
    policy: MemoryPolicy
    canvas: Canvas
    signals: frozenset[str]
    dtype: torch.dtype | None = None
    keep_probabilities: bool = False
    blocks: ReadBlocks = field(default_factory=ReadBlocks)

    def precision(self) -> AbstractContextManager[object]:
        """The context in which the networks compute."""
        if self.dtype is None:
            return nullcontext()
        return torch.autocast(self.network.device.type, dtype=self.dtype)


def prepare(
    network: Network | Sequence[Network] | Ensemble,
    video: Video,
    policy: MemoryPolicy,
    *,
    max_side: int | None = None,
    keep_probabilities: bool = False,
    dtype: torch.dtype | None = None,
    signals: Iterable[str] = (),
) -> Run:
    """Check that the policy can be followed with these networks on this video, and set the run up.

    Raises
    ------
    ValueError
        If a rule needs a signal or a prior that the networks or the video cannot give, or a matched random
        gate is unresolved.
    """
    ensemble = network if isinstance(network, Ensemble) else Ensemble.of(network)
    asked = check_signals(signals)
    _check_signals_exist(ensemble, video, asked)
    computed = signals_computed(ensemble, video, policy) | asked
    canvas = Canvas.fit(video.size, max_side, ensemble.black_padding)
    if dtype is not None:
        ensemble = ensemble.lowered(dtype)
    return Run(ensemble, policy, canvas, computed, dtype, keep_probabilities)


def signals_computed(ensemble: Ensemble, video: Video, policy: MemoryPolicy) -> frozenset[str]:
    """Names of the signals that a run of the policy computes.

    Raises
    ------
    ValueError
        If the policy cannot be followed, as in `prepare`.
    """
    _check_signals_exist(ensemble, video, policy.needs)
    if not isinstance(policy.prior, NoPrior) and not ensemble.takes_prior:
        raise ValueError(
            f"a network has no prior gate for prior rule '{policy.prior.rule}'; choose a policy without one"
        )
    for shelf in policy.shelves:
        if isinstance(shelf.keep, RandomGate) and shelf.keep.like is not None:
            raise ValueError(
                f"shelf '{shelf.name}': random_gate depends on the video; resolve the policy first"
            )
    return policy.needs | frozenset(ALWAYS)


def frames(video: Video) -> range:
    """Indices of the frames that a run goes through: all from the first given mask on."""
    return range(min(video.first_frames.values(), default=len(video)), len(video))


@torch.inference_mode()
def encode(run: Run, video: Video, index: int) -> EncodedFrame:
    """Read a frame of the video and encode it as a query."""
    pixels = run.canvas.frame(video.read_frame(index)).to(run.network.device)
    with run.precision():
        features = run.network.encode(pixels)
    new = tuple(object_id for object_id in video.object_ids if video.first_frames[object_id] == index)
    return EncodedFrame(
        index,
        video.frame_names[index],
        pixels,
        features,
        new,
        given=video.given(index) if new else None,
        truth=video.read_labels(index) if "iou_true" in run.signals else None,
    )


def _check_signals_exist(ensemble: Ensemble, video: Video, needs: frozenset[str]) -> None:
    unscored = sorted(needs & QUALITY)
    if unscored and not ensemble.scores_quality:
        raise ValueError(
            f"the policy needs {', '.join(unscored)}, but a network has no quality head; gate on 'confidence' instead"
        )
    if "iou_true" in needs and not any(video.has_truth(index) for index in range(len(video))):
        raise ValueError(f"the policy needs iou_true, but {video.dataset}: {video.name} has no truth")
