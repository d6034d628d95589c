"""Table 1: the challenge's ranking as printed, and what this study measured under the same column names."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qpm.metrics import summary
from qpm.metrics.server_scores import PARTS, ROUNDING, ServerScores, imported
from qpm.report import captions, numbers, style
from qpm.report.load import Results, published
from qpm.report.publish import Section, publish
from qpm.report.write import Table

COLUMNS = {
    "overall": "Overall",
    "J_seen": "J seen",
    "J_unseen": "J unseen",
    "F_seen": "F seen",
    "F_unseen": "F unseen",
}
MARKERS = {"J_seen": "o", "J_unseen": "^", "F_seen": "s", "F_unseen": "D"}
OTHERS, PRINTED, MEASURED = "#8a8a8a", "#0173b2", "#d55e00"


def prepare(
    rows: pd.DataFrame,
    paper: pd.DataFrame,
    cases: Sequence[str] = ("qpm",),
    answers: Mapping[str, ServerScores] | None = None,
) -> pd.DataFrame:
    """Return Table 1 in numbers, the printed rows first and then a row per case of the study.

    Parameters
    ----------
    rows : DataFrame
        The tidy table (`qpm.rows`).
    paper : DataFrame
        ``results/published/table1.csv``: ``team overall j_seen j_unseen f_seen f_unseen ours source``.
    cases : sequence of str
        The cases to enter. One without a server's answer, and without rows or on data that do not say which
        categories were seen in training, has empty cells.
    answers : mapping, optional
        Case -> what a server answered (`qpm import-scores`); goes before what was measured here.

    Returns
    -------
    DataFrame
        ``team measured ours overall J_seen J_unseen F_seen F_unseen mean_of_four source``.
    """
    above = paper.rename(columns={name.lower(): name for name in COLUMNS}).assign(measured=False)
    entries = [
        {"team": style.label(case), "measured": True, "ours": True} | _scores(rows, case, answers or {})
        for case in cases
    ]
    order = ["team", "measured", "ours", *COLUMNS, "source"]
    table = pd.concat([above[order], pd.DataFrame(entries, columns=order)], ignore_index=True)
    table.insert(len(order) - 1, "mean_of_four", table[list(PARTS)].astype(float).mean(axis=1, skipna=False))
    return table


def table1(numeric: pd.DataFrame, caption: str) -> Table:
    """Return Table 1 as a reader sees it; our rows are bold, measured ones stand below a rule."""
    cells = pd.DataFrame(
        {"Team": [_team(row.team, bool(row.ours), bool(row.measured)) for row in numeric.itertuples()]}
    )
    for name, header in COLUMNS.items():
        cells[header] = [numbers.fixed(value) for value in numeric[name]]
    ours = tuple(int(position) for position in numeric.index[numeric.ours.astype(bool)])
    rule = (int(numeric.measured.argmax()),) if numeric.measured.any() else ()
    return Table(cells, numeric, caption, "table1", rule, left=("Team",), bold=ours)


def check(numeric: pd.DataFrame) -> str:
    """Return whether every printed Overall is the mean of its four columns, as far as three decimals tell."""
    printed = numeric[numeric.overall.notna()]
    wrong = printed[(printed.overall - printed.mean_of_four).abs() > ROUNDING + 1e-9]
    if wrong.empty:
        return f"Checked: every Overall is the mean of its four columns to {ROUNDING}."
    said = (f"{row.team} {row.overall:.3f} (mean {row.mean_of_four:.4f})" for row in wrong.itertuples())
    return f"Not the mean of its four columns: {', '.join(said)}."


def caption(results: Results, numeric: pd.DataFrame) -> str:
    """Return the caption of Table 1."""
    entered = numeric[numeric.measured]
    answers = [str(source) for source in entered.source.dropna()]
    local = bool(results.rows.scored.any()) and not answers
    return captions.join(
        "Ranking on the YouTube-VOS 2021 test set as printed in the paper; below the rule, this study.",
        f"Measured by a server: {'; '.join(answers)}." if answers else "",
        captions.data(results) if local else "",
        captions.network(results),
        check(numeric),
        _why_empty(entered, local),
        "The printed rows are other data and other networks, so a measured row must not be ranked among them."
        if local
        else "",
    )


def draw(numeric: pd.DataFrame, ax: Axes) -> None:
    """Draw every row's Overall with its four columns, the printed order from top to bottom, ours in colour."""
    for place, row in enumerate(numeric.to_dict("records")):
        parts = [row[name] for name in PARTS]
        if not numbers.measured(row["overall"]):
            continue
        colour = MEASURED if row["measured"] else PRINTED if row["ours"] else OTHERS
        ax.plot([min(parts), max(parts)], [place, place], color=colour, lw=0.8, zorder=1)
        for name, value in zip(PARTS, parts, strict=True):
            ax.plot(value, place, MARKERS[name], ms=3.5, mfc="white", mec=colour, mew=0.8, zorder=2)
        ax.plot(row["overall"], place, "|", ms=13, mew=2.2, color=colour, zorder=3)
        ax.annotate(
            f"{row['overall']:.3f}", (row["overall"], place - 0.34), ha="center", fontsize=6.5, color=colour
        )
    names = [_team(row.team, bool(row.ours), bool(row.measured)) for row in numeric.itertuples()]
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(len(names) - 0.5, -0.75)
    ax.grid(axis="y", visible=False)
    ax.set_xlabel("score; the bar is Overall, the mean of the four")


def figure(numeric: pd.DataFrame) -> Figure:
    """Return the ranking as a figure; a row that nobody measured is left out."""
    shown = numeric[numeric.overall.notna()].reset_index(drop=True)
    drawing = style.figure(style.PAGE * 0.72, 0.42 + 0.3 * (len(shown) + 1))
    axes = drawing.subplots()
    draw(shown, axes)
    for name, marker in MARKERS.items():
        axes.plot([], [], marker, ms=3.5, mfc="white", mec=OTHERS, label=COLUMNS[name])
    drawing.legend(loc="outside upper center", ncols=len(MARKERS), handletextpad=0.2)
    return drawing


def table(results: Results, cases: Sequence[str] = ()) -> Table:
    """Return Table 1 with this study's cases (default: those with a server's answer), ready to print or write."""
    answers = imported(results.folder)
    chosen = tuple(cases) or tuple(answers) or ("qpm",)
    numeric = prepare(results.rows, published(results.folder, "table1"), chosen, answers)
    return table1(numeric, caption(results, numeric))


def report(results: Results, case: str = "qpm") -> Section:
    """Write table1.md, .tex and .csv and the ranking's figure into the study's folder."""
    made = table(results, () if imported(results.folder) else (case,))
    return publish(
        results.folder,
        "leaderboard",
        "Leaderboard (Table 1)",
        made,
        lambda: figure(made.numbers),
        "The ranking of Table 1: each team's Overall (bar) and the four scores that it is the mean of, as printed in "
        "the paper."
        + (" Below: this study." if made.numbers.loc[made.numbers.measured, "overall"].notna().any() else ""),
    )


def _scores(rows: pd.DataFrame, case: str, answers: Mapping[str, ServerScores]) -> dict[str, object]:
    answer = answers.get(case)
    if answer is not None and answer.server == "youtube-vos":
        return {**answer.scores, "source": answer.origin}
    own = rows[(rows.case == case) & rows.scored] if len(rows) else rows
    return {**(summary.youtube(own) if len(own) else dict.fromkeys(COLUMNS, math.nan)), "source": None}


def _why_empty(entered: pd.DataFrame, local: bool) -> str:
    if entered.overall.notna().any() or entered.empty:
        return ""
    if local:
        return "The measured cells are empty: these data do not say which categories were seen in training."
    return "The measured cells are empty: no server's answer was imported (`qpm import-scores`)."


def _team(team: str, ours: bool, measured: bool) -> str:
    if measured:
        return f"{team} (measured here)"
    return f"{team} (QPM, printed)" if ours else team
