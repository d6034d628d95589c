"""Markdown, LaTeX, csv and the terminal say the same; LaTeX compiles."""

import shutil
import subprocess

import pandas as pd
import pytest
from rich.console import Console

from qpm.report import ablation
from qpm.report.write import Table, escape_latex, to_csv, to_latex, to_markdown, to_terminal, write

CELLS = pd.DataFrame({"": ["a_b", "control"], "Ens.": ["✓", ""], "J&F": ["0.840", "−0.100 ± 0.020"]})
NUMBERS = pd.DataFrame({"case": ["a_b", "control"], "measured": [0.84, None]})
TABLE = Table(
    CELLS, NUMBERS, "σm = 0.7 & 95 % [−0.1]", "small", rules=(1,), left=("",), centre=("Ens.",), bold=(0,)
)


def test_markdown_keeps_trailing_zeros_and_leaves_empty_cells_empty():
    lines = to_markdown(TABLE).splitlines()
    assert [cell.strip() for cell in lines[2].strip("|").split("|")] == ["**a_b**", "**✓**", "**0.840**"]
    assert set(lines[3]) <= {"|", " "}  # the rule
    assert [cell.strip() for cell in lines[4].strip("|").split("|")] == ["control", "", "−0.100 ± 0.020"]
    assert lines[-1] == TABLE.caption


def test_latex_escapes_what_would_break_it():
    assert escape_latex("J&F 95 % a_b {x} #1 $") == r"J\&F 95 \% a\_b \{x\} \#1 \$"
    assert escape_latex("✓ −0.1 ± 2") == r"$\checkmark$ $-$0.1 $\pm$ 2"
    assert escape_latex("Score ρ × 2 ≥ 1") == r"Score $\rho$ $\times$ 2 $\ge$ 1"
    assert escape_latex("σm = 0.7, σen, σ max") == r"$\sigma_{m}$ = 0.7, $\sigma_{en}$, $\sigma$ max"


def test_latex_has_booktabs_rules_and_column_kinds():
    text = to_latex(TABLE)
    assert r"\begin{tabular}{@{}lcr@{}}" in text and r" & Ens. & J\&F \\" in text
    assert [text.count(rule) for rule in (r"\toprule", r"\midrule", r"\bottomrule")] == [1, 2, 1]
    assert r"\textbf{0.840}" in text and r"\label{tab:small}" in text


@pytest.mark.parametrize("textwidth", ["17cm", "12cm"])
def test_latex_compiles_and_no_table_is_wider_than_the_text(tmp_path, results, textwidth):
    if shutil.which("pdflatex") is None:
        pytest.skip("no pdflatex here")
    tables = [TABLE, ablation.table(results)]
    body = "".join(to_latex(table) for table in tables)
    preamble = r"\documentclass[twocolumn]{article}\usepackage{booktabs,amssymb,graphicx}"
    preamble += rf"\setlength{{\textwidth}}{{{textwidth}}}\begin{{document}}"
    (tmp_path / "page.tex").write_text(preamble + body + r"\end{document}")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Missing character" not in done.stdout
    assert "Overfull" not in done.stdout


def test_csv_holds_numbers_and_nothing_where_nothing_was_measured():
    assert to_csv(TABLE) == "case,measured\na_b,0.840000\ncontrol,\n"


def test_the_terminal_shows_brackets_of_the_caption_as_they_are():
    console = Console(width=80, record=True, file=open("/dev/null", "w"))
    console.print(to_terminal(TABLE))
    text = console.export_text()
    assert "95 % [−0.1]" in text and "0.840" in text and "✓" in text


def test_writing_twice_gives_the_same_bytes(tmp_path):
    first = [path.read_bytes() for path in write(TABLE, tmp_path / "a")]
    assert first == [path.read_bytes() for path in write(TABLE, tmp_path / "b")]
