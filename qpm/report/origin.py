"""Where a study's numbers come from: commit, versions, machine, data, weights and compute time of its trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from qpm.files import write_json
from qpm.report.load import Results, trial_case
from qpm.report.write import Table


def facts(results: Results) -> dict[str, str]:
    """Return what the numbers depend on, each fact once, in words."""
    found: dict[str, dict[str, None]] = {}
    for trial in results.trials:
        for name, value in _facts(trial):
            found.setdefault(name, {})[value] = None
    joined = {name: "; ".join(values) for name, values in found.items()}
    seconds = [float(trial["seconds"]) for trial in results.trials if trial.get("seconds")]
    shared = any(trial.get("shared") for trial in results.trials)
    sharing = "; the time of a shared run stands with the trials that worked on it" if shared else ""
    told = f"{sum(seconds) / 60:.1f} min over all trials{sharing}"
    return joined | ({"compute time": told} if seconds else {})


def trials(results: Results) -> Table:
    """Return the trials behind the numbers: case, seed, hash and minutes."""
    records = [
        {
            "Case": trial_case(trial),
            "Seed": str(trial["config"].get("seed", 0)),
            "Trial": str(trial.get("hash", ""))[:12],
            "Minutes": f"{float(trial['seconds']) / 60:.1f}" if trial.get("seconds") else "",
        }
        for trial in results.trials
    ]
    cells = pd.DataFrame(records)
    return Table(cells, cells, "", "trials", left=("Case", "Trial"))


def write_provenance(results: Results) -> Path:
    """Write ``provenance.json``: the records of the study's trials, for a program to read.

    ``shared`` holds what all of several trials have in common, each of ``trials`` the rest, under the same keys.
    """
    kept = ("hash", "started", "ended", "seconds", "device", "config", "identity", "provenance")
    records = [{name: trial[name] for name in kept if name in trial} for trial in results.trials]
    common = _shared(records) if len(records) > 1 else {}
    path = results.folder / "provenance.json"
    own = [_without(record, common) for record in records]
    write_json(path, {"facts": facts(results), "shared": common, "trials": own})
    return path


def _shared(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What all records hold with the same value, at any depth."""
    common: dict[str, Any] = {}
    for key in records[0] if records else ():
        if all(key in record for record in records):
            values = [record[key] for record in records]
            if len({repr(value) for value in values}) == 1:  # True is not 1
                common[key] = values[0]
            elif all(isinstance(value, Mapping) for value in values) and (inner := _shared(values)):
                common[key] = inner
    return common


def _without(record: Mapping[str, Any], common: Mapping[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in record.items() if key not in common or repr(value) != repr(common[key])}
    return {
        key: _without(value, common[key]) if key in common and isinstance(value, Mapping) else value
        for key, value in rest.items()
    }


def _facts(trial: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Facts of one trial's record; what it does not say is left out."""
    origin, identity = trial.get("provenance") or {}, trial.get("identity") or {}
    git, packages = origin.get("git") or {}, origin.get("packages") or {}
    found = []
    if git.get("commit"):
        found.append(("commit", git["commit"][:12] + (" with uncommitted changes" if git.get("dirty") else "")))
    if packages:
        found.append(("packages", ", ".join(f"{name} {packages[name]}" for name in packages)))
    if origin.get("platform"):
        cores = f", {origin['cpus']} CPU cores" if origin.get("cpus") else ""
        found.append(("machine", f"{origin['platform']}, Python {origin.get('python', '')}{cores}"))
    for name, what in (("data", "fingerprint"), ("weights", "SHA-256")):
        found += [(name, f"{key} ({what} {digest[:12]})") for key, digest in (identity.get(name) or {}).items()]
    return found
