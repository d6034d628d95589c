"""How far the predicted score can be trusted: score against IoU, reliability, risk and coverage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.gridspec import SubplotSpec

from qpm.metrics import calibration
from qpm.report import captions, failures, numbers, residuals, score_quality, signs, style
from qpm.report.load import Results
from qpm.report.publish import Section, publish, together
from qpm.report.score_quality import gate_words, passing
from qpm.report.score_samples import COLOURS, KINDS, MARKERS, gated_kind, kinds, samples

MIN_COUNT = 20  # bins with fewer samples are drawn hollow
COVERAGE = np.linspace(0.05, 1, 39)  # below, a few masks of the highest scores decide
WIDE: dict[str, dict[str, Any]] = {"score_raw": {"linewidth": 2.8, "alpha": 0.5}}  # seen where a thin line lies on it
LIMITS = {"oracle": ("#333333", (0, (4, 2))), "random": ("#767676", (0, (1, 1.5)))}


def prepare_reliability(rows: pd.DataFrame, case: str, scores: Sequence[str] = (), bins: int = 10) -> pd.DataFrame:
    """Return ``kind low high count score iou iou_low iou_high`` per bin of each score that the case has.

    The last two are the 95 % interval of the bin's mean IoU, a bootstrap over videos.
    """
    tables = []
    for kind in scores or kinds(rows, case):
        points = samples(rows, case, kind)
        score, iou = points.score.to_numpy(), points.iou.to_numpy()
        band = calibration.reliability_band(score, iou, points.video.to_numpy(), bins)
        tables.append(calibration.reliability(score, iou, bins).join(band).assign(kind=kind))
    columns = ["kind", "low", "high", "count", "score", "iou", "iou_low", "iou_high"]
    return pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)


def prepare_risk(rows: pd.DataFrame, case: str, scores: Sequence[str] = ("score_raw", "score")) -> pd.DataFrame:
    """Return ``kind coverage risk``: each score, the oracle that sorts by the IoU, and a random order."""
    curves = []
    for kind in scores:
        points = samples(rows, case, kind)
        if len(points):
            curves.append(_curve(kind, points.score.to_numpy(), points.iou.to_numpy()))
            iou = points.iou.to_numpy()
    if not curves:
        return pd.DataFrame(columns=["kind", "coverage", "risk"])
    random = pd.DataFrame({"kind": "random", "coverage": COVERAGE, "risk": float(1 - iou.mean())})
    return pd.concat([*curves, _curve("oracle", iou, iou), random], ignore_index=True)


def draw_scatter(table: pd.DataFrame, ax: Axes, gates: Sequence[float] = ()) -> None:
    """Draw the density of score and IoU (logarithmic counts), the diagonal and the gates, named above their lines."""
    right = _right(table)
    ax.hexbin(
        table.score,
        table.iou,
        gridsize=(34, 24),
        extent=(0, right, 0, 1),
        cmap="Blues",
        bins="log",
        mincnt=1,
        vmin=0.3,  # a single sample is pale, not white
        linewidths=0.1,
    )
    ax.plot([0, 1], [0, 1], color="#777777", linewidth=0.8)
    for gate in gates:
        setting = signs.of_paper(gate)
        ax.axvline(gate, color=style.IOU, linewidth=0.8, linestyle=signs.LINES.get(setting or "", "dashed"))
        left = len(gates) > 1 and gate == min(gates)  # names of two lines that are close stand to their outer sides
        words = signs.DRAWN[setting] if setting else f"{gate:g}"
        name = ax.annotate(
            words, (gate, 1), (-1 if left else 1, 1), textcoords="offset points",
            ha="right" if left else "left", va="bottom", fontsize=7, color=style.IOU,
        )  # fmt: skip
        name.set_in_layout(False)  # it has room below the margin, and need not push it up
    ax.set(xlim=(0, right), ylim=(0, 1))


def draw_marginals(table: pd.DataFrame, above: Axes, beside: Axes) -> None:
    """Draw how often each score (above) and each IoU (beside) occurs."""
    above.hist(table.score, bins=np.linspace(0, _right(table), 35).tolist(), color=style.SCORE, linewidth=0)
    beside.hist(
        table.iou, bins=np.linspace(0, 1, 25).tolist(), color="#666666", linewidth=0, orientation="horizontal"
    )
    above.set(xlim=(0, _right(table)))
    beside.set(ylim=(0, 1))
    for ax in (above, beside):
        ax.axis("off")


def draw_reliability(table: pd.DataFrame, ax: Axes) -> None:
    """Draw mean IoU over mean score in each bin; hollow where a bin holds few samples.

    One score has its band, as bands hide each other: the relative one, or the raw one where it is alone.
    """
    banded = next((kind for kind in ("score", "score_raw") if (table.kind == kind).any()), "")
    ax.plot([0, 1], [0, 1], color="#777777", linewidth=0.8)
    for kind, own in table.groupby("kind", sort=False):
        hue, shape = COLOURS[str(kind)], MARKERS[str(kind)]
        if kind == banded:
            ax.fill_between(own.score, own.iou_low, own.iou_high, color=hue, alpha=0.15, linewidth=0)
        size = 5.5 if kind in WIDE else 3.5
        ax.plot(own.score, own.iou, color=hue, **{"linewidth": 1.2} | WIDE.get(str(kind), {}))
        full = own[own["count"] >= MIN_COUNT]
        ax.plot(own.score, own.iou, shape, color=hue, markerfacecolor="white", markersize=size)
        ax.plot(full.score, full.iou, shape, color=hue, markersize=size, label=KINDS[str(kind)])
    ax.set(xlim=(0, max(1.05, float(table.score.max()) + 0.03)), ylim=(0, 1), ylabel="mean true IoU")
    ax.legend(loc="lower right", handlelength=1.0, handletextpad=0.3, borderaxespad=0.1)


def draw_counts(table: pd.DataFrame, ax: Axes) -> None:
    """Draw how many samples each bin holds, as steps for each score."""
    for kind, own in table.groupby("kind", sort=False):
        edges = np.append(own.low.to_numpy(), own.high.iloc[-1])
        ax.stairs(own["count"], edges, color=COLOURS[str(kind)], **{"linewidth": 1.0} | WIDE.get(str(kind), {}))
    ax.set(xlabel="mean score", ylabel="count", yscale="log", ylim=(0.8, None))


def draw_risk(table: pd.DataFrame, ax: Axes) -> None:
    """Draw 1 - IoU of the best-scored share, between an oracle's and a random order's."""
    for kind, own in table.groupby("kind", sort=False):
        hue, dashes = LIMITS.get(str(kind)) or (COLOURS[str(kind)], "-")
        ax.plot(own.coverage, own.risk, color=hue, linestyle=dashes, **{"linewidth": 1.2} | WIDE.get(str(kind), {}))
        if kind in COLOURS:
            few = own.iloc[2::8]
            ax.plot(few.coverage, few.risk, MARKERS[str(kind)], color=hue, markersize=5.5 if kind in WIDE else 3.5)
        else:  # above the random order and below the oracle no other line runs
            x, words, side = (0.02, "random order", "bottom") if kind == "random" else (0.8, "oracle", "top")
            y = float(np.interp(x, own.coverage, own.risk))
            ax.annotate(words, (x, y), (2, 1 if side == "bottom" else -1), textcoords="offset points", va=side,
                        fontsize=7, color=hue)  # fmt: skip
    ax.set(xlim=(0, 1), ylim=(0, 1.08 * float(table.risk.max())))
    ax.set(xlabel="coverage (share kept)", ylabel="mean risk (1 − IoU)")


def figure(results: Results, case: str = "qpm", gates: Sequence[float] = (0.7, 0.65)) -> style.PrintFigure:
    """Return the page-wide figure: density with marginals, reliability with counts, risk and coverage."""
    drawing = style.figure(style.PAGE, 2.7)
    outer = drawing.add_gridspec(1, 3, wspace=0.06)
    kind = gated_kind(results.rows, case)
    first = _density(samples(results.rows, case, kind), outer[0], drawing, gates, KINDS[kind])
    parts = outer[1].subgridspec(2, 1, height_ratios=[4, 1])
    top = drawing.add_subplot(parts[0])
    counts, risk = drawing.add_subplot(parts[1], sharex=top), drawing.add_subplot(outer[2])
    bins = prepare_reliability(results.rows, case)
    draw_reliability(bins, top)
    draw_counts(bins, counts)
    draw_risk(prepare_risk(results.rows, case), risk)
    top.tick_params(labelbottom=False)
    for ax, title in ((first, "a  score and IoU"), (top, "b  reliability"), (risk, "c  risk and coverage")):
        ax.set_title(title)
    return drawing


def gate_sentence(rows: pd.DataFrame, case: str, gates: Sequence[float]) -> str:
    """Return what the gates would keep and lose: "score > σm = 0.7 keeps 83 %, of which 2 % have IoU < 0.5; ..."."""
    points = samples(rows, case, gated_kind(rows, case))
    said = []
    for gate in gates:
        found = calibration.gate_confusion(points.score.to_numpy(), points.iou.to_numpy(), gate)
        bad = numbers.share(found["bad_in_memory"]) or "none"
        lost = numbers.share(found["good_lost"]) or "none"
        kept = numbers.share(found["kept"])
        said.append(f"{passing(gate)} keeps {kept}, of which {bad} have IoU < 0.5, and drops {lost} of the good")
    return "; ".join(said) + "." if said else ""


def report(results: Results, case: str = "qpm", gates: Sequence[float] = (0.7, 0.65)) -> Section:
    """Write the calibration set: calibration.*, residuals.* and failures.*, and the table of all its numbers.

    Raises
    ------
    NotMeasuredError
        If the case has no predicted score.
    """
    points = samples(results.rows, case, gated_kind(results.rows, case))
    word, few = KINDS[gated_kind(results.rows, case)], max(1, round(COVERAGE[0] * len(points)))
    n = f"n = {captions.plural(len(points), 'sample')} (an object on a frame) in {points.video.nunique()} videos."
    caption = captions.join(
        f"The predicted score under {style.label(case)}. (a) Density of the score that gates compare and the true "
        "IoU, the darker the more samples (logarithmic; white: none), with its margins; upright lines: the gates; "
        "slanting: score and IoU are equal; ρ, Spearman's rank correlation. (b) Mean "
        f"IoU in bins of the score, the {word} one with a 95 % band (bootstrap over videos); recalibrated: by "
        f"isotonic regression on the other videos; hollow below {MIN_COUNT} samples; "
        "below, the counts (a score above 1 is in the last bin). (c) Mean risk of the "
        "best-scored share, in the colours of (b), with an oracle and a random order (AURC in the table: the area "
        "under such a curve); its left end rests on "
        f"few samples ({few} at {numbers.share(COVERAGE[0])}, where it begins).",
        gate_words(gates),
        gate_sentence(results.rows, case, gates),
        n,
        captions.data(results),
        captions.network(results),
    )
    first = publish(
        results.folder,
        "calibration",
        "Score and IoU",
        score_quality.table(results, (case,), gates),
        lambda: figure(results, case, gates),
        caption,
    )
    rest = (residuals.report(results, case), failures.report(results, case, gates))
    return together("calibration", "Can the predicted score be trusted?", (first, *rest))


def _density(
    table: pd.DataFrame, place: SubplotSpec, drawing: style.PrintFigure, gates: Sequence[float], word: str
) -> Axes:
    """Density with a margin above and beside; the axes that carry the title are given back."""
    grid = place.subgridspec(2, 2, height_ratios=[1, 6], width_ratios=[6, 1], wspace=0.02, hspace=0.02)
    above, middle, beside = (drawing.add_subplot(grid[0, 0]), drawing.add_subplot(grid[1, 0]),
                             drawing.add_subplot(grid[1, 1]))  # fmt: skip
    draw_scatter(table, middle, gates)
    draw_marginals(table, above, beside)
    rank = calibration.spearman(table.score.to_numpy(), table.iou.to_numpy())
    words = f"ρ = {numbers.fixed(rank, 2) or '?'}"
    note = above.annotate(words, (1.02, 0.5), xycoords="axes fraction", fontsize=7, va="center")
    note.set_in_layout(False)  # the corner between the margins is empty, and takes no room from the density
    middle.set(xlabel=f"{word} score", ylabel="true IoU")
    return above


def _right(table: pd.DataFrame) -> float:
    return max(1.05, float(np.ceil(table.score.max() * 20) / 20))


def _curve(kind: str, score: np.ndarray, iou: np.ndarray) -> pd.DataFrame:
    """Fifty points of the curve, enough to draw it."""
    full = calibration.risk_coverage(score, iou)
    risk = np.interp(COVERAGE, full.coverage, full.risk)
    return pd.DataFrame({"kind": kind, "coverage": COVERAGE, "risk": risk})
