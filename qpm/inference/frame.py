"""A frame on its way through the loop: what goes in and what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

from qpm.model import QueryFeatures


@dataclass(frozen=True, eq=False)
class EncodedFrame:
    """A frame after the query encoder, which depends on neither memory nor prior: forks share it.

    Parameters
    ----------
    pixels : Tensor, (1, 3, Hp, Wp)
        Normalised and padded.
    features : one QueryFeatures per network
    new : tuple of int
        Objects whose masks are given on this frame.
    given : uint8 (H, W), optional
        Those masks at the native size, other pixels 0; None if nothing is given.
    truth : uint8 (H, W), optional
        The true labels, read only if a signal needs them.
    """

    index: int
    name: str
    pixels: Tensor
    features: tuple[QueryFeatures, ...]
    new: tuple[int, ...] = ()
    given: np.ndarray | None = None
    truth: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class FrameResult:
    """What is known about a frame when it is finished.

    Parameters
    ----------
    index, name
        Frame index and file stem.
    labels : uint8 (H, W)
        Object id per pixel at the native size, 0 is background.
    object_ids : tuple of int
        The objects given so far, ascending.
    annotated : bool
        Some object's mask was given on this frame.
    signals : mapping
        Signal name -> one number per object, aligned with object_ids.
    memorized : tuple of str
        The shelves that kept the frame; ("annotated",) on a frame with given masks.
    memorized_objects : mapping
        Shelf -> the objects for which it kept the frame.
    prior_frame : int, optional
        The frame whose mask enhanced this one (Eq. 4); None without enhancement.
    bank_frames : int
        How many frames were read.
    bank_bytes : int
        Size of their keys and values.
    probabilities : Tensor, float32 (O + 1, H, W), optional
        Soft masks at the native size, background first; only if asked for.
    gate : Tensor, (1, 1 or C, h, w), optional
        The prior-enhancement map, mean over networks.
    """

    index: int
    name: str
    labels: np.ndarray
    object_ids: tuple[int, ...]
    annotated: bool
    signals: Mapping[str, tuple[float, ...]]
    memorized: tuple[str, ...] = ()
    memorized_objects: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    prior_frame: int | None = None
    bank_frames: int = 0
    bank_bytes: int = 0
    probabilities: Tensor | None = None
    gate: Tensor | None = None
