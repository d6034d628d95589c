"""One page a study, to read and to send: question, tables, figures, videos and provenance in a single HTML file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from qpm.images import image_size
from qpm.report import origin
from qpm.report.data_uri import figure_uri
from qpm.report.load import Results
from qpm.report.publish import Section
from qpm.report.write import Table, write_text

SCREEN = 135  # CSS pixels for an inch of a figure, whose PNG has 200

if TYPE_CHECKING:
    from qpm.report.render import StudyLike


def write_page(
    results: Results,
    study: StudyLike,
    sections: Sequence[Section],
    missing: Mapping[str, str],
    player: Mapping[str, Any] | None = None,
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
    player : mapping, optional
        Videos to leaf through (`qpm.report.player`).
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
        player=player,
        provenance=origin.facts(results),
        trials=_table(origin.trials(results)),
    )
    path = results.folder / "index.html"
    write_text(path, text)
    return path


def _section(section: Section) -> dict[str, Any]:
    height, width = (side * SCREEN // 200 for side in image_size(section.figure)) if section.figure else (0, 0)
    said_already = section.table is not None and section.table.caption == section.caption
    return {
        "name": section.name,
        "title": section.title,
        "table": _table(section.table) if section.table else None,
        "picture": figure_uri(section.figure) if section.figure else "",
        "width": width,
        "height": height,
        "alt": _plain(re.split(r"(?<!Fig)\. (?=[A-Z(])", section.caption)[0]) or section.title,
        "caption": "" if said_already else _plain(section.caption),
        "files": [path.name for path in section.files if path.suffix != ".txt"],
        "parts": [_section(part) for part in section.parts],
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
    return {"columns": columns, "rows": rows, "caption": _plain(table.caption)}


def _plain(text: str) -> str:
    """The words without Markdown's marks of code."""
    return text.replace("`", "")
