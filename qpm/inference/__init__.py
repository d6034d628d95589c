"""The one loop over a video's frames, and what goes in and comes out."""

from qpm.inference.ensemble import Ensemble
from qpm.inference.frame import EncodedFrame, FrameResult
from qpm.inference.propagate import LoopState, advance, propagate
from qpm.inference.resolve import resolve
from qpm.inference.run import Run, encode, prepare

__all__ = [
    "EncodedFrame",
    "Ensemble",
    "FrameResult",
    "LoopState",
    "Run",
    "advance",
    "encode",
    "prepare",
    "propagate",
    "resolve",
]
