"""Turn what a policy leaves to the video into plain rules, before the run."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence

import torch

from qpm.datasets.video import Video
from qpm.inference.ensemble import Ensemble
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
    gates = {shelf.name: gate for shelf in policy.shelves if (gate := matched_gate(shelf)) is not None}
    if not gates:
        return policy
    controlled = _replace_keep(
        policy, {name: gate.like for name, gate in gates.items() if gate.like is not None}
    )
    kept, annotated_index, latest = Counter[str](), dict[int, int](), 0
    for result in propagate(network, video, controlled, max_side=max_side, dtype=dtype):
        kept.update(result.memorized)
        if result.annotated:
            latest = result.index
        else:
            annotated_index[result.index] = latest
    log.info(
        "%s: random_gate draws %s of %d frames",
        video.name,
        [kept[name] for name in gates],
        len(annotated_index),
    )
    return _replace_keep(
        policy,
        {
            name: gate.drawn(kept[name], annotated_index, seed, video.name, name)
            for name, gate in gates.items()
        },
    )


def matched_gate(shelf: Shelf) -> RandomGate | None:
    """The shelf's random gate if it is to keep as many frames as another gate."""
    return shelf.keep if isinstance(shelf.keep, RandomGate) and shelf.keep.like is not None else None


def _replace_keep(policy: MemoryPolicy, rules: Mapping[str, KeepRule]) -> MemoryPolicy:
    """The policy with other keep rules on the named shelves."""
    shelves = (
        shelf.model_copy(update={"keep": rules.get(shelf.name, shelf.keep)}) for shelf in policy.shelves
    )
    return policy.model_copy(update={"shelves": tuple(shelves)})
