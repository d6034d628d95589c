"""All memory policies of a study, controls included, in one table and one figure."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from qpm.report import captions, cases, numbers, style
from qpm.report.load import Results
from qpm.report.policy_words import described
from qpm.report.publish import Section, publish
from qpm.report.write import Table


def prepare(rows: pd.DataFrame, baseline: str) -> pd.DataFrame:
    """Return `cases.compare` with the baseline first and the others by score, best first."""
    table = cases.compare(rows, baseline)
    table = table.assign(first=table.case == baseline).sort_values(
        ["first", "measured"], ascending=False, kind="stable"
    )
    return table.drop(columns="first").reset_index(drop=True)


def policies_table(numeric: pd.DataFrame, caption: str) -> Table:
    """Return the table as a reader sees it."""
    metric = next(iter(numeric.metric), "J&F")
    cells = pd.DataFrame({"Policy": [style.label(case) for case in numeric.case]})
    cells[metric] = [numbers.spread(row.measured, row.spread) for row in numeric.itertuples()]
    cells["Difference [95 %]"] = [numbers.interval(r.difference, r.low, r.high) for r in numeric.itertuples()]
    cells["p"] = [numbers.probability(p) for p in numeric.p_holm]
    cells["Videos +/=/−"] = [_wins(row.win, row.tie, row.loss) for row in numeric.itertuples()]
    cells["Kept"] = [numbers.share(value) for value in numeric.kept_share]
    cells["Bank"] = [numbers.fixed(value, 1) for value in numeric.bank_frames]
    cells["s/frame"] = [numbers.fixed(value, 2) for value in numeric.seconds]
    cells["n"] = [numbers.count(value) for value in numeric.n_videos]
    cells["Seeds"] = [numbers.count(value) for value in numeric.n_seeds]
    return Table(cells, numeric, caption, "policies", (1,) if len(numeric) > 1 else (), left=("Policy",))


def draw(table: pd.DataFrame, ax: Axes) -> None:
    """Draw each policy's difference to the baseline with its interval; on the right, what it kept and read."""
    compared = table[table.difference.notna()].reset_index(drop=True)
    ax.axvline(0, color="#555555", linewidth=0.8)
    for position, row in compared.iterrows():
        hue = style.colour(str(row.case))
        ax.hlines(position, row.low, row.high, color=hue, linewidth=1.6)
        ax.plot(
            row.difference,
            position,
            style.marker(str(row.case)),
            color=hue,
            markeredgecolor="white",
            markersize=5.5,
        )
        text = f"{numbers.share(row.kept_share)} · {numbers.fixed(row.bank_frames, 1)}"
        ax.annotate(
            text,
            (1.02, position),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=7,
            color="#555555",
        )
    ax.annotate(
        "kept · bank",
        (1.02, -0.75),
        xycoords=("axes fraction", "data"),
        va="center",
        fontsize=7,
        color="#555555",
    )
    ax.set_yticks(range(len(compared)), [style.label(case) for case in compared.case])
    ax.set_ylim(len(compared) - 0.5, -0.5)
    ax.grid(axis="y", visible=False)
    ax.xaxis.set_major_locator(MaxNLocator(4))
    style.widen(ax)
    baseline = next(iter(table.case[table.difference.isna()]), "baseline")
    ax.set_xlabel(f"difference in {next(iter(table.metric), 'J&F')} to {style.label(baseline)}")


def caption(results: Results, numeric: pd.DataFrame) -> str:
    """Return the caption of the table."""
    return captions.join(
        "Every memory policy of the study, controls included.",
        captions.measure(next(iter(numeric.metric), "")),
        captions.data(results),
        captions.network(results),
        described(results, list(numeric.case)),
        captions.seeds(numeric),
        captions.test(numeric, style.label(str(numeric.case.iloc[0]))),
        "Videos +/=/−: how many gain, stay and lose, by the mean over seeds; s/frame: mean seconds, to be compared "
        "inside a study only.",
        captions.small_sample(numeric),
    )


def table(results: Results, baseline: str = "stm") -> Table:
    """Return the table of all policies, ready to print or write."""
    numeric = prepare(results.rows, baseline)
    return policies_table(numeric, caption(results, numeric))


def figure(numeric: pd.DataFrame) -> style.PrintFigure:
    """Return the column-wide figure."""
    drawing = style.figure(style.COLUMN, 0.8 + 0.2 * len(numeric))
    draw(numeric, drawing.subplots())
    return drawing


def report(results: Results, baseline: str = "stm") -> Section:
    """Write policies.md, .tex, .csv, .png, .pdf and the figure's caption."""
    printed = table(results, baseline)
    return publish(
        results.folder,
        "policies",
        "Memory policies and their controls",
        printed,
        lambda: figure(printed.numbers),
        captions.join(
            f"Difference of each policy to {style.label(baseline)} with its 95 % interval; on the right, the share of "
            "frames kept and the frames read.",
            captions.data(results),
            captions.network(results),
        ),
    )


def _wins(win: float, tie: float, loss: float) -> str:
    return f"{numbers.count(win)}/{numbers.count(tie)}/{numbers.count(loss)}" if numbers.measured(win) else ""
