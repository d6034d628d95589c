"""How far the predicted score can be trusted: score against IoU, reliability, risk and coverage."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from qpm.metrics import calibration
from qpm.report import captions, numbers, score_quality, style
from qpm.report.load import NotMeasuredError, Results
from qpm.report.publish import Section, publish
from qpm.report.score_quality import KINDS

HUES = {"score_raw": "#de8f05", "score": style.SCORE, "oracle": "#333333", "random": "#949494"}
MIN_COUNT = 20  # bins with fewer samples are drawn hollow
COVERAGE = np.linspace(0.02, 1, 50)


def prepare_scatter(rows: pd.DataFrame, case: str, score: str = "score") -> pd.DataFrame:
    """Return ``video score iou``, one row per scored object and frame of a case."""
    return calibration.samples(rows[rows.case == case], score)


def prepare_reliability(
    rows: pd.DataFrame, case: str, scores: Sequence[str] = tuple(KINDS), bins: int = 10
) -> pd.DataFrame:
    """Return ``kind low high count score iou`` per bin of each score that the case has."""
    tables = []
    for kind in scores:
        points = prepare_scatter(rows, case, kind)
        if len(points):
            table = calibration.reliability(points.score.to_numpy(), points.iou.to_numpy(), bins)
            tables.append(table.assign(kind=kind))
    columns = ["kind", "low", "high", "count", "score", "iou"]
    return pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)


def prepare_risk(rows: pd.DataFrame, case: str, scores: Sequence[str] = tuple(KINDS)) -> pd.DataFrame:
    """Return ``kind coverage risk``: each score, the oracle that sorts by the IoU, and a random order."""
    curves = []
    for kind in scores:
        points = prepare_scatter(rows, case, kind)
        if len(points):
            curves.append(_curve(kind, points.score.to_numpy(), points.iou.to_numpy()))
    if curves:
        curves.append(_curve("oracle", points.iou.to_numpy(), points.iou.to_numpy()))
        mean = float(1 - points.iou.mean())
        curves.append(pd.DataFrame({"kind": "random", "coverage": COVERAGE, "risk": mean}))
    return (
        pd.concat(curves, ignore_index=True) if curves else pd.DataFrame(columns=["kind", "coverage", "risk"])
    )


def draw_scatter(table: pd.DataFrame, ax: Axes, gates: Sequence[float] = ()) -> None:
    """Draw the density of score and IoU (logarithmic counts), the diagonal and the gates."""
    right = max(1.05, float(np.ceil(table.score.max() * 20) / 20))
    ax.hexbin(
        table.score,
        table.iou,
        gridsize=(34, 24),
        extent=(0, right, 0, 1),
        cmap="Blues",
        bins="log",
        mincnt=1,
        linewidths=0.1,
    )
    ax.plot([0, 1], [0, 1], color="#777777", linewidth=0.8)
    for gate in gates:
        ax.axvline(gate, color=style.IOU, linewidth=0.8, linestyle="--")
    rank = calibration.spearman(table.score.to_numpy(), table.iou.to_numpy())
    text = f"Spearman {numbers.fixed(rank, 2) or 'undefined'}\nn = {len(table)}"
    ax.annotate(text, (0.03, 0.97), xycoords="axes fraction", va="top", fontsize=7)
    ax.set(xlim=(0, right), ylim=(0, 1), xlabel="relative score", ylabel="true IoU")


def draw_reliability(table: pd.DataFrame, ax: Axes) -> None:
    """Draw mean IoU over mean score in each bin; hollow where a bin holds few samples."""
    ax.plot([0, 1], [0, 1], color="#777777", linewidth=0.8)
    for kind, own in table.groupby("kind", sort=False):
        hue = HUES[str(kind)]
        ax.plot(own.score, own.iou, color=hue, linewidth=1.2)
        full = own[own["count"] >= MIN_COUNT]
        ax.plot(own.score, own.iou, "o", color=hue, markerfacecolor="white", markersize=4)
        ax.plot(full.score, full.iou, "o", color=hue, markersize=4, label=KINDS[str(kind)])
    ax.set(xlim=(0, max(1.05, float(table.score.max()) + 0.03)), ylim=(0, 1), ylabel="mean IoU")
    ax.legend(loc="upper left", handlelength=1.2, title="score", title_fontsize=7.5, alignment="left")


def draw_counts(table: pd.DataFrame, ax: Axes) -> None:
    """Draw how many samples each bin holds, as steps for each score."""
    for kind, own in table.groupby("kind", sort=False):
        edges = np.append(own.low.to_numpy(), own.high.iloc[-1])
        ax.stairs(own["count"], edges, color=HUES[str(kind)], linewidth=1.1)
    ax.set(xlabel="mean score", ylabel="count", yscale="log", ylim=(0.8, None))


def draw_risk(table: pd.DataFrame, ax: Axes) -> None:
    """Draw 1 - IoU of the best-scored share, each curve named at its left part."""
    for kind, own in table.groupby("kind", sort=False):
        dashed = {"oracle": (0, (4, 2)), "random": (0, (1, 1.5))}.get(str(kind), "solid")
        ax.plot(
            own.coverage,
            own.risk,
            color=HUES[str(kind)],
            linestyle=dashed,
            label=KINDS.get(str(kind), str(kind)),
        )
    ax.set(
        xlim=(0, 1),
        ylim=(0, 1.08 * float(table.risk.max())),
        xlabel="coverage (share kept)",
        ylabel="mean risk (1 − IoU)",
    )
    ax.legend(loc="best", handlelength=1.8, borderaxespad=0.2)


def figure(results: Results, case: str = "qpm", gates: Sequence[float] = (0.7, 0.65)) -> style.PrintFigure:
    """Return the page-wide figure: density, reliability with counts, risk and coverage."""
    drawing = style.figure(style.PAGE, 2.5)
    grid = drawing.add_gridspec(2, 3, height_ratios=[4, 1], wspace=0.06)
    scatter, top = drawing.add_subplot(grid[:, 0]), drawing.add_subplot(grid[0, 1])
    counts, risk = drawing.add_subplot(grid[1, 1], sharex=top), drawing.add_subplot(grid[:, 2])
    bins = prepare_reliability(results.rows, case)
    draw_scatter(prepare_scatter(results.rows, case), scatter, gates)
    draw_reliability(bins, top)
    draw_counts(bins, counts)
    draw_risk(prepare_risk(results.rows, case), risk)
    top.tick_params(labelbottom=False)
    for ax, title in ((scatter, "a  score and IoU"), (top, "b  reliability"), (risk, "c  risk and coverage")):
        ax.set_title(title)
    return drawing


def gate_sentence(rows: pd.DataFrame, case: str, gates: Sequence[float]) -> str:
    """Return what the gates would keep and lose: "score > 0.7 keeps 83 %, of which 2 % have IoU < 0.5; ..."."""
    points = prepare_scatter(rows, case)
    said = []
    for gate in gates:
        found = calibration.gate_confusion(points.score.to_numpy(), points.iou.to_numpy(), gate)
        bad = numbers.share(found["bad_in_memory"]) or "none"
        lost = numbers.share(found["good_lost"]) or "none"
        kept = numbers.share(found["kept"])
        said.append(
            f"score > {gate:g} keeps {kept}, of which {bad} have IoU < 0.5, and drops {lost} of the good"
        )
    return "; ".join(said) + "." if said else ""


def report(results: Results, case: str = "qpm", gates: Sequence[float] = (0.7, 0.65)) -> Section:
    """Write calibration.png, .pdf, .txt (its caption) and the table calibration.md, .tex, .csv.

    Raises
    ------
    NotMeasuredError
        If the case has no predicted score.
    """
    if prepare_scatter(results.rows, case).empty:
        raise NotMeasuredError(f"case '{case}' has no predicted score, so there is nothing to calibrate")
    caption = captions.join(
        f"The predicted score under {style.label(case)}. (a) Density of the relative score and the true IoU, gates "
        f"dashed. (b) Mean IoU in bins of the score, hollow below {MIN_COUNT} samples; below, the counts (a score "
        "above 1 is in the last bin). (c) Mean risk of the best-scored share, with an oracle and a random order.",
        gate_sentence(results.rows, case, gates),
        captions.data(results),
        captions.network(results),
    )
    return publish(
        results.folder,
        "calibration",
        "Can the predicted score be trusted?",
        score_quality.table(results, (case,)),
        lambda: figure(results, case, gates),
        caption,
    )


def _curve(kind: str, score: np.ndarray, iou: np.ndarray) -> pd.DataFrame:
    """Fifty points of the curve, enough to draw it."""
    full = calibration.risk_coverage(score, iou)
    return pd.DataFrame(
        {"kind": kind, "coverage": COVERAGE, "risk": np.interp(COVERAGE, full.coverage, full.risk)}
    )
