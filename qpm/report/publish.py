"""One report on disk: its table in three forms, its figure in two, the caption beside them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from qpm.report import style
from qpm.report.write import Table, write, write_text


@dataclass(frozen=True)
class Section:
    """A report that was written: what the study's page shows under one heading.

    Attributes
    ----------
    name, title : str
        The report, by its name in a study, and the heading.
    files : tuple of Path
        Everything that was written.
    table : Table, optional
    figure : Path, optional
        The PNG.
    caption : str
        The figure's caption.
    """

    name: str
    title: str
    files: tuple[Path, ...]
    table: Table | None = None
    figure: Path | None = None
    caption: str = ""


def publish(
    folder: Path,
    name: str,
    title: str,
    table: Table | None = None,
    draw: Callable[[], Figure] | None = None,
    caption: str = "",
) -> Section:
    """Write a table, a figure with its caption as `name`.txt, or both; the figure is drawn inside the theme."""
    files = write(table, folder) if table is not None else []
    figure = None
    if draw is not None:
        with style.theme():
            files += style.save(draw(), folder / name)
        figure, text = folder / f"{name}.png", folder / f"{name}.txt"
        write_text(text, caption + "\n")
        files.append(text)
    return Section(name, title, tuple(files), table, figure, caption)
