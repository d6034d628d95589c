"""Table 1: the challenge's ranking as printed, and what this study measured under the same column names."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from qpm.metrics import summary
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


def prepare(rows: pd.DataFrame, paper: pd.DataFrame, cases: Sequence[str] = ("qpm",)) -> pd.DataFrame:
    """Return Table 1 in numbers, the printed rows first and then a row per case of the study.

    Parameters
    ----------
    rows : DataFrame
        The tidy table (`qpm.rows`).
    paper : DataFrame
        ``results/published/table1.csv``: ``team overall j_seen j_unseen f_seen f_unseen ours``.
    cases : sequence of str
        The cases to enter. One without rows, or on data that do not say which categories were seen in
        training, has empty cells.

    Returns
    -------
    DataFrame
        ``team measured ours overall J_seen J_unseen F_seen F_unseen``.
    """
    above = paper.rename(columns={name.lower(): name for name in COLUMNS}).assign(measured=False)
    entries = [
        {"team": style.label(case), "measured": True, "ours": True} | _scores(rows, case) for case in cases
    ]
    order = ["team", "measured", "ours", *COLUMNS]
    return pd.concat([above[order], pd.DataFrame(entries, columns=order)], ignore_index=True)


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


def caption(results: Results, numeric: pd.DataFrame) -> str:
    """Return the caption of Table 1."""
    entered = numeric[numeric.measured]
    empty = len(entered) > 0 and bool(entered.overall.isna().all())
    return captions.join(
        "Ranking on the YouTube-VOS 2021 test set as printed in the paper; below the rule, this study.",
        captions.data(results),
        captions.network(results),
        "The measured cells are empty: these data do not say which categories were seen in training."
        if empty
        else "",
        "The printed rows are other data and other networks, so a measured row must not be ranked among them.",
    )


def table(results: Results, cases: Sequence[str] = ("qpm",)) -> Table:
    """Return Table 1 with this study's cases, ready to print or write."""
    numeric = prepare(results.rows, published(results.folder, "table1"), cases)
    return table1(numeric, caption(results, numeric))


def report(results: Results, cases: Sequence[str] = ("qpm",)) -> Section:
    """Write table1.md, .tex and .csv into the study's folder."""
    return publish(results.folder, "leaderboard", "Leaderboard (Table 1)", table(results, cases))


def _scores(rows: pd.DataFrame, case: str) -> dict[str, float]:
    own = rows[rows.case == case]
    return summary.youtube(own) if len(own) else dict.fromkeys(COLUMNS, float("nan"))


def _team(team: str, ours: bool, measured: bool) -> str:
    if measured:
        return f"{team} (measured here)"
    return f"{team} (paper)" if ours else team
