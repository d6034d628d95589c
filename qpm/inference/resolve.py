"""Turn what a policy leaves to the video into plain rules, before the run."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch

from qpm.datasets.video import Video
from qpm.inference.ensemble import Ensemble
from qpm.inference.frame import FrameResult
from qpm.inference.propagate import propagate
from qpm.memory import KeepRule, MemoryPolicy, RandomGate, Shelf
from qpm.model import Network

log = logging.getLogger(__name__)


def resolve(
    policy: MemoryPolicy,
    network: Network | Sequence[Network] | Ensemble,
    video: Video,
    *,
    max_side: int | None = None,
    dtype: torch.dtype | None = None,
    seed: int = 0,
) -> MemoryPolicy:
    """Replace every matched random gate by a drawn list with as many frames as the gate it controls keeps.

    The gate is run over the video first, with everything else of the policy as it is; a policy without matched
    random gates is returned at once.

    Parameters
    ----------
    max_side, dtype
        As for `propagate`, so that the gate decides as it would in the trial.
    seed : int
        Of the trial. The draw depends on it, on the rule's own seed, and on the names of video and shelf.
    """
    gated = controlled(policy)
    if gated is policy:
        return policy
    tally = Tally()
    for result in propagate(network, video, gated, max_side=max_side, dtype=dtype):
        tally.add(result)
    return draw(policy, tally, video.name, seed)


@dataclass
class Tally:
    """What a draw needs to know of the run of a gate.

    Parameters
    ----------
    kept : Counter
        Shelf -> how many frames it kept.
    annotated_index : dict
        For every frame that is not annotated, the latest annotated frame before it.
    """

    kept: Counter[str] = field(default_factory=Counter)
    annotated_index: dict[int, int] = field(default_factory=dict)
    latest: int = 0

    def add(self, result: FrameResult) -> None:
        """Count a frame."""
        self.kept.update(result.memorized)
        if result.annotated:
            self.latest = result.index
        else:
            self.annotated_index[result.index] = self.latest


def controlled(policy: MemoryPolicy) -> MemoryPolicy:
    """The policy with every matched random gate replaced by the gate that it controls; itself if there is none."""
    gates = _matched_gates(policy)
    likes = {name: gate.like for name, gate in gates.items() if gate.like is not None}
    return _replace_keep(policy, likes) if gates else policy


def draw(policy: MemoryPolicy, tally: Tally, video: str, seed: int) -> MemoryPolicy:
    """The policy with every matched random gate replaced by a drawn list as long as the tally of its gate."""
    gates, frames = _matched_gates(policy), tally.annotated_index
    counts = {name: tally.kept[name] for name in gates}
    log.info("%s: random_gate draws %s of %d frames", video, counts, len(frames))
    drawn = {name: gate.drawn(counts[name], frames, seed, video, name) for name, gate in gates.items()}
    return _replace_keep(policy, drawn)


def matched_gate(shelf: Shelf) -> RandomGate | None:
    """The shelf's random gate if it is to keep as many frames as another gate."""
    return shelf.keep if isinstance(shelf.keep, RandomGate) and shelf.keep.like is not None else None


def _matched_gates(policy: MemoryPolicy) -> dict[str, RandomGate]:
    return {shelf.name: gate for shelf in policy.shelves if (gate := matched_gate(shelf)) is not None}


def _replace_keep(policy: MemoryPolicy, rules: Mapping[str, KeepRule]) -> MemoryPolicy:
    """The policy with other keep rules on the named shelves."""
    shelves = (
        shelf.model_copy(update={"keep": rules.get(shelf.name, shelf.keep)}) for shelf in policy.shelves
    )
    return policy.model_copy(update={"shelves": tuple(shelves)})
