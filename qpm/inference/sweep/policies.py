"""A sweep over named policies: every frame's result of every policy, as if each had run alone."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from qpm.datasets.video import Video
from qpm.inference.ensemble import Ensemble
from qpm.inference.frame import FrameResult
from qpm.inference.resolve import Tally, controlled, draw
from qpm.inference.run import frames, prepare, signals_computed
from qpm.inference.sweep.cost import Cost
from qpm.inference.sweep.tree import MAX_BRANCHES, MAX_BYTES, Branch, Growth, Tree
from qpm.memory import Bank, MemoryPolicy
from qpm.model import Network


@dataclass(frozen=True, eq=False)
class Named:
    """A member of the tree that is one policy."""

    name: str
    policy: MemoryPolicy

    def split(self, decide: Callable[[MemoryPolicy], Hashable]) -> Iterable[Named]:
        """A single policy always agrees with itself."""
        return (self,)


class Sweep(Iterator[Mapping[str, FrameResult]]):
    """The results of several policies over one video, from `sweep`.

    Each item is one segmented frame: the names of the policies that share it, and their results, which differ
    in what is memorized. For every name the frames come in order; two names may be at different frames.

    Attributes
    ----------
    seconds : float
        What the frame that was given last took to encode and to segment: the time that it takes each policy alone.
    """

    def __init__(self, tree: Tree[Named], alone: int) -> None:
        self.seconds = 0.0
        self._tree, self._alone = tree, alone
        self._growths = iter(tree)

    def __next__(self) -> Mapping[str, FrameResult]:
        growth = next(self._growths)
        self.seconds = growth.seconds
        return _results(growth)

    @property
    def cost(self) -> Cost:
        """What has gone through the network so far; what independent runs need is that of whole runs."""
        return Cost(self._tree.encoded, self._tree.segmented, self._alone)


def sweep(
    network: Network | Sequence[Network] | Ensemble,
    video: Video,
    policies: Mapping[str, MemoryPolicy],
    *,
    max_side: int | None = None,
    dtype: torch.dtype | None = None,
    max_branches: int = MAX_BRANCHES,
    max_bytes: float = MAX_BYTES,
) -> Sweep:
    """Segment a video under every policy, and compute once what several share.

    On a CPU the results are bit for bit those of `propagate` with each policy.

    Parameters
    ----------
    network, max_side, dtype
        As for `propagate`.
    policies : mapping
        Name -> policy, resolved (`resolve_together`).
    max_branches : int
        How many different runs grow side by side. The others wait, and the query features are computed again for
        them: memory is bounded, and the results are the same.
    max_bytes : float
        Fewer grow side by side where their memories could exceed this.

    Returns
    -------
    Sweep
        Iterate over it; `cost` tells what was saved.

    Raises
    ------
    ValueError
        Before the first frame, if a policy cannot be followed with this network on this video.
    """
    if not policies:
        raise ValueError("a sweep needs at least one policy")
    base = prepare(network, video, next(iter(policies.values())), max_side=max_side, dtype=dtype)
    roots: dict[frozenset[str], list[tuple[Named, Bank]]] = {}
    for name, policy in policies.items():
        try:
            computed = signals_computed(base.network, video, policy)
        except ValueError as error:
            raise ValueError(f"policy '{name}': {error}") from error
        roots.setdefault(computed, []).append((Named(name, policy), Bank()))
    branches = [Branch(replace(base, signals=computed), together) for computed, together in roots.items()]
    return Sweep(Tree(video, branches, max_branches, max_bytes), len(policies) * len(frames(video)))


def resolve_together(
    network: Network | Sequence[Network] | Ensemble,
    video: Video,
    policies: Mapping[str, MemoryPolicy],
    seeds: Mapping[str, int],
    *,
    max_side: int | None = None,
    dtype: torch.dtype | None = None,
    max_branches: int = MAX_BRANCHES,
) -> tuple[dict[str, MemoryPolicy], Cost]:
    """`resolve` for several policies, each with its trial's seed; the gates that are controlled share a sweep.

    Returns
    -------
    policies : dict
        In the order given; without matched random gates the same objects.
    cost : Cost
    """
    gates = {name: gated for name, policy in policies.items() if (gated := controlled(policy)) is not policy}
    if not gates:
        return dict(policies), Cost()
    tallies = {name: Tally() for name in gates}
    runs = sweep(network, video, gates, max_side=max_side, dtype=dtype, max_branches=max_branches)
    for results in runs:
        for name, result in results.items():
            tallies[name].add(result)
    drawn = {name: draw(policies[name], tally, video.name, seeds[name]) for name, tally in tallies.items()}
    return {**policies, **drawn}, runs.cost


def _results(growth: Growth[Named]) -> dict[str, FrameResult]:
    """The result of each policy; policies that memorize the same share one."""
    shared: dict[Hashable, FrameResult] = {}
    results = {}
    for member, kept in growth.kept:
        key = tuple(kept.items())
        if key not in shared:
            shared[key] = replace(growth.result, memorized=tuple(kept), memorized_objects=kept)
        results[member.name] = shared[key]
    return results
