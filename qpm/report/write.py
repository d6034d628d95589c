"""Tables on paper: markdown, LaTeX (booktabs), csv and the terminal, from one table of words and one of numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd
from rich.box import SIMPLE_HEAD
from rich.table import Table as RichTable
from rich.text import Text
from tabulate import tabulate

from qpm.files import write_atomic

CHECK = "✓"
LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    CHECK: r"$\checkmark$", "±": r"$\pm$", "−": r"$-$", "–": "--", "—": "---", "σ": r"$\sigma$", "ρ": r"$\rho$",
    "≥": r"$\ge$", "≤": r"$\le$", "×": r"$\times$",
}  # fmt: skip


@dataclass(frozen=True)
class Table:
    """A table as a reader sees it.

    Attributes
    ----------
    cells : DataFrame of str
        What is printed; an empty string is a cell that nobody measured.
    numbers : DataFrame
        The same rows as plain numbers with long column names: the csv.
    caption : str
        Data, network, thresholds, seeds, and how to read it.
    name : str
        The file's stem and the LaTeX label.
    rules : tuple of int
        Rows before which a horizontal rule stands.
    left, centre : tuple of str
        Columns that hold words, and columns that hold marks; the others are right-aligned.
    bold : tuple of int
        Rows that stand out.
    """

    cells: pd.DataFrame
    numbers: pd.DataFrame
    caption: str
    name: str
    rules: tuple[int, ...] = ()
    left: tuple[str, ...] = ()
    centre: tuple[str, ...] = ()
    bold: tuple[int, ...] = ()

    def align(self, column: str) -> Literal["left", "center", "right"]:
        """Return how a column is set."""
        return "left" if column in self.left else "center" if column in self.centre else "right"

    def _repr_markdown_(self) -> str:
        """What a notebook shows."""
        return to_markdown(self)


def write(table: Table, folder: Path) -> list[Path]:
    """Write `folder`/`name`.md, .tex and .csv; the same table gives the same bytes."""
    content = {"md": to_markdown(table), "tex": to_latex(table), "csv": to_csv(table)}
    files = []
    for suffix, text in content.items():
        path = folder / f"{table.name}.{suffix}"
        write_text(path, text)
        files.append(path)
    return files


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 with line feeds, whole or not at all."""
    write_atomic(path, lambda partial: partial.write_bytes(text.encode()) and None)


def to_csv(table: Table) -> str:
    """Return the numbers with six decimals, enough to recompute what is printed."""
    return table.numbers.to_csv(index=False, float_format="%.6f", lineterminator="\n")


def to_markdown(table: Table) -> str:
    """Return a pipe table, an empty row for each rule, and the caption below."""
    rows: list[Sequence[str]] = []
    for position, row in enumerate(table.cells.itertuples(index=False)):
        if position in table.rules:
            rows.append([""] * table.cells.shape[1])
        mark = "**" if position in table.bold else ""
        rows.append([f"{mark}{cell}{mark}".replace("|", r"\|") if cell else "" for cell in row])
    align = [table.align(name) for name in table.cells.columns]
    body = tabulate(
        rows, headers=list(table.cells.columns), tablefmt="pipe", disable_numparse=True, colalign=align
    )
    return f"{body}\n\n{table.caption}\n"


def to_latex(table: Table) -> str:
    """Return a `table*` for pdflatex that needs `\\usepackage{booktabs, amssymb, graphicx}`.

    A table that is wider than the text is made smaller until it fits; the others keep the size of footnotes.
    """
    align = "".join(table.align(name)[0] for name in table.cells.columns)
    lines = [
        r"\begin{table*}",
        r"\centering",
        r"\footnotesize\setlength{\tabcolsep}{3pt}",
        r"\sbox0{%",
        rf"\begin{{tabular}}{{@{{}}{align}@{{}}}}",
        r"\toprule",
    ]
    lines += [latex_row(table.cells.columns), r"\midrule"]
    for position, row in enumerate(table.cells.itertuples(index=False)):
        lines += [r"\midrule"] * (position in table.rules)
        lines.append(latex_row(row, position in table.bold))
    lines += [r"\bottomrule", r"\end{tabular}}%"]
    lines += [r"\ifdim\wd0>\linewidth\resizebox{\linewidth}{!}{\usebox0}\else\usebox0\fi"]
    lines += [rf"\caption{{{escape_latex(table.caption)}}}"]
    lines += [rf"\label{{tab:{table.name}}}", r"\end{table*}"]
    return "% needs \\usepackage{booktabs, amssymb, graphicx}\n" + "\n".join(lines) + "\n"


def latex_row(cells: Iterable[str], bold: bool = False) -> str:
    """Return one row with every cell escaped."""
    words = [escape_latex(str(cell)) for cell in cells]
    return " & ".join(rf"\textbf{{{word}}}" if bold and word else word for word in words) + r" \\"


def escape_latex(text: str) -> str:
    """Return `text` with every character that LaTeX reads as a command, and our few signs, made printable."""
    escaped = "".join(LATEX.get(character, character) for character in text)
    return re.sub(r"\$\\sigma\$(en|m)\b", r"$\\sigma_{\1}$", escaped)


def to_terminal(table: Table) -> RichTable:
    """Return the table for rich; the caption stands below, wrapped by the terminal."""
    printed = RichTable(caption=Text(table.caption), caption_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for name in table.cells.columns:
        printed.add_column(str(name), justify=table.align(name), no_wrap=True)
    for position, row in enumerate(table.cells.itertuples(index=False)):
        ends = position + 1 in table.rules
        bold = "bold" if position in table.bold else None
        printed.add_row(*(Text(str(cell)) for cell in row), style=bold, end_section=ends)
    return printed
