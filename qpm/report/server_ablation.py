"""Table 2 on the data of the paper: its rows as printed, and what a server answered for the same cases."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from qpm.metrics.server_scores import PARTS, ServerScores, imported
from qpm.report import captions, numbers, style
from qpm.report.ablation import COMPONENTS, HEADERS, ROWS
from qpm.report.load import Results, published
from qpm.report.publish import Section, publish
from qpm.report.write import CHECK, Table

PAPER, MEASURED = "#8a8a8a", "#0173b2"


def prepare(
    paper: pd.DataFrame, answers: Mapping[str, ServerScores], mapping: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Return Table 2 in numbers: each printed row with the server's answer for its case.

    Parameters
    ----------
    paper : DataFrame
        ``results/published/table2.csv``: ``row assessment enhancement ensemble overall``.
    answers : mapping
        Case -> what the server answered.
    mapping : mapping, optional
        Row of the paper -> case of the study, laid over `qpm.report.ablation.ROWS`.

    Returns
    -------
    DataFrame
        ``row case assessment enhancement ensemble paper paper_gain measured gain J_seen J_unseen F_seen F_unseen
        source``; gains are differences to the first row, empty (NaN) where something was not imported.
    """
    case_of = ROWS | dict(mapping or {})
    table = paper.rename(columns={"overall": "paper"})[["row", *COMPONENTS, "paper"]]
    table.insert(1, "case", table.row.map(case_of))
    scores = [_scores(answers.get(case)) for case in table.case]
    table = pd.concat([table, pd.DataFrame(scores, index=table.index)], axis=1)
    table.insert(6, "paper_gain", table.paper - table.paper.iloc[0])
    table.insert(8, "gain", table.measured - table.measured.iloc[0])
    return table


def table2(numeric: pd.DataFrame, caption: str) -> Table:
    """Return Table 2 as a reader sees it, empty where nothing was imported."""
    cells = pd.DataFrame({"": numeric.row})
    for component, header in zip(COMPONENTS, HEADERS, strict=True):
        cells[header] = [CHECK if mark else "" for mark in numeric[component]]
    cells["Paper"] = [numbers.fixed(value) for value in numeric.paper]
    cells["Gain (paper)"] = [_gain(value) for value in numeric.paper_gain]
    cells["Measured"] = [numbers.fixed(value) for value in numeric.measured]
    cells["Gain"] = [_gain(value) for value in numeric.gain]
    for name in PARTS:
        cells[name.replace("_", " ")] = [numbers.fixed(value) for value in numeric[name]]
    return Table(cells, numeric, caption, "table2", left=("",), centre=HEADERS)


def caption(results: Results, numeric: pd.DataFrame) -> str:
    """Return the caption of Table 2: where each number is from."""
    answers = numeric[numeric.source.notna()]
    told = "; ".join(f"{row.row}: {row.source}" for row in answers.itertuples())
    missing = numeric[numeric.source.isna()].row
    return captions.join(
        "Ablation of the components on YouTube-VOS 2019 validation: Overall, the mean of J and F over seen and unseen "
        "categories.",
        captions.network(results),
        f"Measured by the server: {told}." if told else "",
        f"Empty until a server's answer is imported: {', '.join(missing)}." if len(missing) else "",
        "The server gives averages of one run each, so no interval and no test can stand beside a difference.",
        "In the figure: grey, as printed in the paper; coloured, measured.",
    )


def draw(numeric: pd.DataFrame, ax: Axes) -> None:
    """Draw the printed and the measured Overall of every row; printed numbers stand above, measured ones below."""
    places = range(len(numeric))
    for name, colour, marker, away in (("paper", PAPER, "o", -0.22), ("measured", MEASURED, "D", 0.42)):
        ax.plot(numeric[name], places, marker, color=colour, label=name, ms=5)
        for place, value in zip(places, numeric[name], strict=True):
            if numbers.measured(value):
                ax.annotate(
                    numbers.fixed(value), (value, place + away), ha="center", fontsize=6.5, color=colour
                )
    ax.set_yticks(places, numeric.row)
    ax.set_ylim(len(numeric) - 0.4, -0.6)
    ax.margins(x=0.12)
    ax.xaxis.set_major_locator(MaxNLocator(4))
    ax.grid(axis="y", visible=False)
    ax.set_xlabel("Overall")


def figure(numeric: pd.DataFrame) -> Figure:
    """Return the ablation as a figure."""
    drawing = style.figure(style.COLUMN, 2.1)
    draw(numeric, drawing.subplots())
    if numeric.measured.notna().any():
        drawing.legend(loc="outside upper center", ncols=2, handletextpad=0.2)
    return drawing


def table(results: Results, mapping: Mapping[str, str] | None = None) -> Table:
    """Return Table 2 with the server's answers that were imported for a study."""
    numeric = prepare(published(results.folder, "table2"), imported(results.folder), mapping)
    return table2(numeric, caption(results, numeric))


def report(results: Results, mapping: Mapping[str, str] | None = None) -> Section:
    """Write table2.md, .tex and .csv and the figure into the study's folder."""
    made = table(results, mapping)
    return publish(
        results.folder,
        "server_ablation",
        "Ablation on the paper's data (Table 2)",
        made,
        lambda: figure(made.numbers),
        made.caption,
    )


def _scores(answer: ServerScores | None) -> dict[str, object]:
    if answer is None or answer.server != "youtube-vos":
        return {"measured": math.nan, **dict.fromkeys(PARTS, math.nan), "source": None}
    parts = {name: answer.scores[name] for name in PARTS}
    return {"measured": answer.scores["overall"], **parts, "source": answer.origin}


def _gain(value: float) -> str:
    return numbers.signed(value) if numbers.measured(value) and value else ""
