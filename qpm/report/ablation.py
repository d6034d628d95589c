"""Table 2: what each component adds, the paper's number beside what this study measured, the controls below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from qpm.report import captions, cases, numbers, style
from qpm.report.load import Results, published
from qpm.report.policy_words import described
from qpm.report.publish import Section, publish
from qpm.report.write import CHECK, Table

ROWS = {
    "baseline": "stm",
    "+ assessment": "quality_gated",
    "+ enhancement": "qpm",
    "+ ensemble": "ensemble",
}
COMPONENTS = ("assessment", "enhancement", "ensemble")
HEADERS = ("Assess.", "Enhance.", "Ens.")
WHERE = "YouTube-VOS 2019 validation (its Table 2)"


def prepare(
    rows: pd.DataFrame,
    paper: pd.DataFrame,
    mapping: Mapping[str, str] | None = None,
    controls: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Return Table 2 in numbers.

    Parameters
    ----------
    rows : DataFrame
        The tidy table (`qpm.rows`).
    paper : DataFrame
        ``results/published/table2.csv``: ``row assessment enhancement ensemble overall``.
    mapping : mapping, optional
        Row of the paper -> case of the study, laid over `ROWS`. A row whose case was not run stays without
        a measured number.
    controls : sequence of str, optional
        The cases below the rule; default every case that is no row of the paper.

    Returns
    -------
    DataFrame
        ``row case assessment enhancement ensemble control paper`` and the columns of `cases.compare`.

    Raises
    ------
    NotMeasuredError
        If the baseline's case has no rows.
    """
    case_of = ROWS | dict(mapping or {})
    known = list(dict.fromkeys(rows.case))
    if controls is None:
        controls = [case for case in known if case not in case_of.values()]
    wanted = [case for case in known if case in case_of.values() or case in controls]
    compared = cases.compare(rows[rows.case.isin(wanted)], case_of["baseline"])
    above = paper.rename(columns={"overall": "paper"})[["row", *COMPONENTS, "paper"]]
    above = above.assign(case=above.row.map(case_of), control=False)
    controls = [
        case for case in compared.sort_values("measured").case if case in controls
    ]  # floor to ceiling
    below = pd.DataFrame({"row": controls, "case": controls, "control": True, "paper": float("nan")})
    below = below.assign(**dict.fromkeys(COMPONENTS, False))
    table = pd.concat([above, below] if len(below) else [above], ignore_index=True).merge(
        compared, on="case", how="left"
    )
    first = ["row", "case", *COMPONENTS, "control", "paper"]
    return table[[*first, *(name for name in compared.columns if name != "case")]]


def table2(numeric: pd.DataFrame, caption: str) -> Table:
    """Return Table 2 as a reader sees it: check marks, three decimals, empty where nothing was measured."""
    metric = next(iter(numeric.metric.dropna()), "J&F")
    cells = pd.DataFrame({"": [row_name(row) for row in numeric.to_dict("records")]})
    for component, header in zip(COMPONENTS, HEADERS, strict=True):
        cells[header] = [CHECK if mark else "" for mark in numeric[component]]
    cells["Paper"] = [numbers.fixed(value) for value in numeric.paper]
    cells[f"Measured {metric}"] = [numbers.spread(r.measured, r.spread) for r in numeric.itertuples()]
    cells["Difference [95 %]"] = [numbers.interval(r.difference, r.low, r.high) for r in numeric.itertuples()]
    cells["p"] = [numbers.probability(p) for p in numeric.p_holm]
    cells["Kept"] = [numbers.share(value) for value in numeric.kept_share]
    cells["Bank"] = [numbers.fixed(value, 1) for value in numeric.bank_frames]
    cells["n"] = [numbers.count(value) for value in numeric.n_videos]
    cells["Seeds"] = [numbers.count(value) for value in numeric.n_seeds]
    rule = (int(numeric.control.argmax()),) if numeric.control.any() else ()
    return Table(cells, numeric, caption, "table2", rule, left=("",), centre=HEADERS)


def row_name(row: Mapping[str, Any]) -> str:
    """Return the words of a row: "+ assessment (quality gated)", and a control's own name."""
    if row["control"]:
        return style.label(row["case"])
    return row["row"] + (f" ({style.label(row['case'])})" if numbers.measured(row["measured"]) else "")


def caption(results: Results, numeric: pd.DataFrame) -> str:
    """Return the caption of Table 2: data, network, settings, tests, and what may not be compared."""
    shown = numeric[numeric.measured.notna()]
    baseline = style.label(str(numeric.case.iloc[0]))
    missing = numeric[numeric.measured.isna()]
    return captions.join(
        "Ablation of the components.",
        captions.measure(next(iter(shown.metric), "")),
        captions.data(results),
        captions.network(results),
        described(results, list(shown.case)),
        captions.seeds(shown),
        f"An empty cell was not measured ({', '.join(missing.row)})." if len(missing) else "",
        captions.NOT_COMPARABLE.format(where=WHERE),
        captions.test(shown, baseline),
        captions.small_sample(shown),
        "Below the rule: controls that the paper does not have." if numeric.control.any() else "",
    )


def table(
    results: Results, mapping: Mapping[str, str] | None = None, controls: Sequence[str] | None = None
) -> Table:
    """Return Table 2 of a study's results, ready to print or write."""
    numeric = prepare(results.rows, published(results.folder, "table2"), mapping, controls)
    return table2(numeric, caption(results, numeric))


def report(
    results: Results, mapping: Mapping[str, str] | None = None, controls: Sequence[str] | None = None
) -> Section:
    """Write table2.md, .tex and .csv into the study's folder."""
    return publish(results.folder, "ablation", "Ablation (Table 2)", table(results, mapping, controls))
