"""Which trials of a launch share a sweep: those that differ only in the memory policy.

Their rows are the same as alone, and cost far fewer frames through the network. The host only plans here and tells
what was saved; the trials do the work (`qpm.study.shared_sweep`), each in its notebook and with its own record.
"""

from __future__ import annotations

import ast
import hashlib
import json
import shutil
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from qpm.study.config import TrialConfig
from qpm.study.identity import LENGTH
from qpm.study.ledger import Planned, is_finished
from qpm.study.notebook import text

OWN = {"study", "case", "seed", "policy", "save_masks"}  # in these, trials of one sweep may differ
FOLDER = ".shared"  # in the trials' folder


class Sharing:
    """The sweeps of one launch.

    Parameters
    ----------
    study_dir : Path
        ``results/<study>``.
    sweeps : mapping
        Key -> the trials that share it; see `plan`.
    """

    def __init__(self, study_dir: Path, sweeps: Mapping[str, Sequence[Planned]]) -> None:
        self.study_dir, self.sweeps = study_dir, dict(sweeps)
        self._keys = {entry.name: key for key, entries in sweeps.items() for entry in entries}

    def announce(self, console: Console) -> None:
        """Say what will be shared."""
        for entries in self.sweeps.values():
            line = f"{len(entries)} trials differ only in the policy and share a sweep (--no-share: each alone)"
            console.print(line, highlight=False, markup=False, soft_wrap=True)

    def facts(self, planned: Planned) -> dict[str, Any]:
        """What a trial's record says about its sweep; nothing if it has none."""
        key = self._keys.get(planned.name)
        return {} if key is None else {"shared": {"sweep": f"../{FOLDER}/{key}", "trials": len(self.sweeps[key])}}

    def settle(self, console: Console) -> dict[str, float]:
        """Say what was saved, and give it as numbers for MLflow; rows that every trial has taken are removed."""
        from qpm.study.sweep_store import SweepStore

        costs = []
        for key, entries in self.sweeps.items():
            store = SweepStore(self.study_dir / "trials" / FOLDER / key)
            costs.append(store.cost())
            if costs[-1]["alone"]:
                line = f"{len(entries)} trials shared a sweep: {told(costs[-1])}"
                console.print(line, highlight=False, markup=False, soft_wrap=True)
            if all(map(is_finished, entries)):
                store.clear()
        names = costs[0] if costs else ()
        return {f"frames_{name}": float(sum(cost[name] for cost in costs)) for name in names}


def plan(study_dir: Path, pending: Iterable[Planned], slots: int) -> Sharing:
    """Group the trials, and write down who shares what.

    Parameters
    ----------
    pending : iterable of Planned
        The trials of this launch; finished ones are not computed again for the others' sake. Only those take part
        whose notebook hands its folder to `evaluate`: ``evaluate(trial, ..., shared=Path(folder))``.
    slots : int
        Trials at a time.
    """
    from qpm.study.sweep_store import SweepStore

    pending, groups = list(pending), dict[str, list[Planned]]()
    sharing = {notebook for notebook in {entry.notebook for entry in pending} if takes_part(notebook)}
    for entry in pending:
        if isinstance(entry.trial, TrialConfig) and entry.notebook in sharing:
            groups.setdefault(_key(entry, entry.trial), []).append(entry)
    stores = {key: SweepStore(study_dir / "trials" / FOLDER / key) for key in groups}
    sweeps = {
        key: entries for key, entries in groups.items() if stores[key].is_begun or _is_worth_it(entries, slots)
    }
    if pending:
        _remove_others(study_dir / "trials" / FOLDER, sweeps)
    for key, entries in sweeps.items():
        store = stores[key]
        own = {entry.name: entry.trial.settings() for entry in entries}
        store.plan({name: {field: settings[field] for field in sorted(OWN)} for name, settings in own.items()})
        if not all(entry.is_ready for entry in entries):  # the weights will be trained anew
            store.clear()
    return Sharing(study_dir, sweeps)


def takes_part(notebook: Path) -> bool:
    """Whether the notebook calls `evaluate` with ``shared``."""
    calls = (node for node in ast.walk(ast.parse(text(notebook))) if isinstance(node, ast.Call))
    return any(
        isinstance(call.func, ast.Name)
        and call.func.id == "evaluate"
        and any(keyword.arg == "shared" for keyword in call.keywords)
        for call in calls
    )


def told(cost: Mapping[str, int]) -> str:
    """``segmented 900 of 10000 frames (9.0 %), query encoder 200 (2.0 %)``: against independent trials."""
    alone = max(cost["alone"], 1)
    segmented, encoded = (f"{100 * cost[name] / alone:.1f} %" for name in ("segmented", "encoded"))
    return f"segmented {cost['segmented']} of {cost['alone']} frames ({segmented}), query encoder " + (
        f"{cost['encoded']} ({encoded})"
    )


def _key(entry: Planned, trial: TrialConfig) -> str:
    """Equal for trials that agree in all but `OWN`: in settings, code, data and weights."""
    identity = entry.identity
    facts = [trial.model_dump(mode="json", exclude=OWN), identity.notebook, identity.data, identity.weights]
    code = {name: digest for name, digest in identity.code.items() if ":" not in name}  # rules of policies
    return hashlib.sha256(json.dumps([*facts, code], sort_keys=True).encode()).hexdigest()[:LENGTH]


def _remove_others(folder: Path, keys: Collection[str]) -> None:
    """Remove what sweeps have left that no trial will ask for: of other code, data or weights."""
    for path in folder.glob("*"):
        if path.name not in keys:
            shutil.rmtree(path)


def _is_worth_it(entries: Sequence[Planned], slots: int) -> bool:
    """Whether a sweep will end sooner than the trials alone: videos are done side by side in it, else trials.

    A sweep of T trials is taken to cost T^(-1/3) of what they cost alone.
    """
    trials, videos = len(entries), len(entries[0].trial.dataset.open())  # type: ignore[attr-defined]
    return trials > 1 and trials ** (-1 / 3) / min(slots, videos) <= 1 / min(slots, trials)
