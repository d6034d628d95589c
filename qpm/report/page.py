"""One page a study, to read and to send: question, tables, figures, videos and provenance in a single HTML file."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from qpm.images import image_size
from qpm.report import once, origin
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
    environment.filters["plain"] = _plain
    about = once.about(results, [text for section in sections for text in _captions(section)])
    said = {sentence for fact in about.values() for sentence in once.sentences(fact)}
    text = environment.get_template("index.html.j2").render(
        study=study,
        about=about,
        sections=[_section(section, said) for section in sections],
        missing=missing,
        player={**player, "caption": once.without(player["caption"], said)} if player else None,
        provenance=origin.facts(results),
        trials=_table(origin.trials(results)),
    )
    path = results.folder / "index.html"
    write_text(path, text)
    return path


def _captions(section: Section) -> list[str]:
    """The captions of a section and of everything below it."""
    return [text for one in section.all() for text in (one.caption, one.table.caption if one.table else "")]


def _section(section: Section, said: Collection[str]) -> dict[str, Any]:
    height, width = (side * SCREEN // 200 for side in image_size(section.figure)) if section.figure else (0, 0)
    of_table = once.sentences(section.table.caption) if section.table else []
    of_figure = once.sentences(section.caption)
    if section.figure and of_table == of_figure:  # one caption of both stands below both
        of_table = []
    return {
        "name": section.name,
        "title": section.title,
        "table": _table(section.table) if section.table else None,
        "table_caption": _plain(once.without(" ".join(of_table), said)),
        "picture": figure_uri(section.figure) if section.figure else "",
        "width": width,
        "height": height,
        "caption": _plain(once.without(section.caption, {*said, *of_table})),
        "files": [path.name for path in section.files if path.suffix != ".txt"],
        "parts": [_section(part, said) for part in section.parts],
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
    return {"columns": columns, "rows": rows}


def _plain(text: str) -> str:
    """The words without Markdown's marks of code."""
    return text.replace("`", "")
