"""One page a study, to read and to send: question, tables, figures and provenance in a single HTML file."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from qpm.images import image_size
from qpm.report.load import Results, trial_case
from qpm.report.publish import Section
from qpm.report.write import Table, write_text

SCREEN = 135  # CSS pixels for an inch of a figure, whose PNG has 200

if TYPE_CHECKING:
    from qpm.report.render import StudyLike


def write_page(
    results: Results, study: StudyLike, sections: Sequence[Section], missing: Mapping[str, str]
) -> Path:
    """Write ``index.html``: no server, no script from elsewhere, no request; pictures are inside the file.

    Parameters
    ----------
    results : Results
        For the provenance.
    study : Study
        For the question and what was expected.
    sections : sequence of Section
        The reports that were made, in the order of the page.
    missing : mapping
        Reports that could not be made, and why.
    """
    environment = Environment(
        loader=PackageLoader("qpm.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text = environment.get_template("index.html.j2").render(
        study=study,
        sections=[_section(section) for section in sections],
        missing=missing,
        provenance=provenance(results),
        trials=[_trial(trial) for trial in results.trials],
    )
    path = results.folder / "index.html"
    write_text(path, text)
    return path


def provenance(results: Results) -> dict[str, str]:
    """Return what the numbers depend on, each fact once: commit, versions, machine, data, weights, compute time."""
    facts: dict[str, dict[str, None]] = {}
    for trial in results.trials:
        for name, value in _facts(trial):
            facts.setdefault(name, {})[value] = None
    joined = {name: "; ".join(values) for name, values in facts.items()}
    seconds = sum(float(trial.get("seconds") or 0.0) for trial in results.trials)
    return joined | ({"compute time": f"{seconds / 60:.1f} min over all trials"} if seconds else {})


def _facts(trial: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Facts of one trial's record; what it does not say is left out."""
    origin, identity = trial.get("provenance") or {}, trial.get("identity") or {}
    git, packages = origin.get("git") or {}, origin.get("packages") or {}
    facts = []
    if git.get("commit"):
        facts.append(
            ("commit", git["commit"][:12] + (" with uncommitted changes" if git.get("dirty") else ""))
        )
    if packages:
        facts.append(("packages", ", ".join(f"{name} {packages[name]}" for name in packages)))
    if origin.get("platform"):
        cores = f", {origin['cpus']} CPU cores" if origin.get("cpus") else ""
        facts.append(("machine", f"{origin['platform']}, Python {origin.get('python', '')}{cores}"))
    facts += [
        ("data", f"{name} (fingerprint {digest[:12]})")
        for name, digest in (identity.get("data") or {}).items()
    ]
    facts += [
        ("weights", f"{name} (SHA-256 {digest[:12]})")
        for name, digest in (identity.get("weights") or {}).items()
    ]
    return facts


def _trial(trial: Mapping[str, Any]) -> dict[str, str]:
    seconds = trial.get("seconds")
    return {
        "case": trial_case(trial),
        "seed": str(trial["config"].get("seed", 0)),
        "hash": str(trial.get("hash", ""))[:12],
        "minutes": f"{float(seconds) / 60:.1f}" if seconds else "",
    }


def _section(section: Section) -> dict[str, Any]:
    picture = base64.b64encode(section.figure.read_bytes()).decode() if section.figure else ""
    height, width = (
        (side * SCREEN // 200 for side in image_size(section.figure)) if section.figure else (0, 0)
    )
    names = [path.name for path in section.files if path.suffix != ".txt"]
    table = _table(section.table) if section.table else None
    caption = (
        section.caption
        if picture and not (section.table and section.table.caption == section.caption)
        else ""
    )
    return {
        "name": section.name,
        "title": section.title,
        "table": table,
        "picture": picture,
        "width": width,
        "height": height,
        "alt": section.caption.split(". ")[0],
        "caption": caption,
        "files": names,
    }


def _table(table: Table) -> dict[str, Any]:
    rows = [
        {
            "cells": [str(cell) for cell in row],
            "rule": position in table.rules,
            "bold": position in table.bold,
        }
        for position, row in enumerate(table.cells.itertuples(index=False))
    ]
    columns = [{"name": str(name), "align": table.align(name)} for name in table.cells.columns]
    return {"columns": columns, "rows": rows, "caption": table.caption}
