"""One report on disk: its table in three forms, its figure in two, the caption beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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
    parts : tuple of Section
        What stands below it under the same heading, each with a smaller heading of its own (see `together`).
    """

    name: str
    title: str
    files: tuple[Path, ...]
    table: Table | None = None
    figure: Path | None = None
    caption: str = ""
    parts: tuple[Section, ...] = ()

    def all(self) -> Iterator[Section]:
        """This section and everything below it, in the order of the page."""
        yield self
        for part in self.parts:
            yield from part.all()


def together(name: str, title: str, parts: Sequence[Section]) -> Section:
    """Return several tables and figures as one report: one heading on the page, one subheading each."""
    return Section(name, title, (), parts=tuple(parts))


def publish(
    folder: Path,
    name: str,
    title: str,
    table: Table | None = None,
    draw: Callable[[], Figure] | None = None,
    caption: str = "",
    formats: Sequence[str] = ("png", "pdf"),
) -> Section:
    """Write a table, a figure with its caption as `name`.txt, or both; the figure is drawn inside the theme."""
    files = write(table, folder) if table is not None else []
    figure = None
    if draw is not None:
        with style.theme():
            files += style.save(draw(), folder / name, formats)
        figure, text = folder / f"{name}.png", folder / f"{name}.txt"
        write_text(text, caption + "\n")
        files.append(text)
    return Section(name, title, tuple(files), table, figure, caption)
