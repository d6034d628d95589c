"""Does a low score find a failed mask? ROC and precision-recall, what the gates let through, rank within a video."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator
from sklearn.metrics import precision_recall_curve, roc_curve

from qpm.metrics import calibration
from qpm.report import captions, numbers, signs, style
from qpm.report.load import Results
from qpm.report.publish import Section, publish
from qpm.report.score_samples import COLOURS, KINDS, gated_kind, samples

TAUS = (0.5, 0.7)  # IoU below which a mask has failed
DASHES: dict[float, Any] = {0.5: "-", 0.7: (0, (4, 1.5))}
BROAD, PALE = 3.0, 0.5  # of the raw score: seen where the thin curve of another lies on it
NARROW = 0.08  # a share below this has no room for its number inside the bar
SCORES = ("score_raw", "score")
OUTCOMES = {  # of a mask at a gate; a second sign beside colour
    "good kept": ("#0173b2", ""), "bad kept": ("#d55e00", "////"),
    "good dropped": ("#9ecae1", "...."), "bad dropped": ("#e6e6e6", ""),
}  # fmt: skip
BELOW: dict[str, Any] = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.27), "fontsize": 6.5, "borderaxespad": 0.2}


def prepare_curves(rows: pd.DataFrame, case: str, scores: Sequence[str] = SCORES) -> pd.DataFrame:
    """Return ROC and precision-recall of finding failed masks by a low score.

    Returns
    -------
    DataFrame
        ``kind tau curve x y area base``: `curve` is "roc" (x false positive rate, y true positive rate) or "pr" (x
        recall, y precision), `area` its AUROC or average precision, `base` the share of failed masks. A `tau`
        that no mask or every mask fails is left out.
    """
    tables = []
    for kind in scores:
        points = samples(rows, case, kind)
        score, iou = points.score.to_numpy(), points.iou.to_numpy()
        for tau in TAUS:
            failed = iou < tau
            if 0 < failed.sum() < len(failed):
                common = {"kind": kind, "tau": tau, "base": float(failed.mean())}
                false, true, _ = roc_curve(failed, -score)
                precision, recall, _ = precision_recall_curve(failed, -score)
                roc = pd.DataFrame({"curve": "roc", "x": false, "y": true})
                pr = pd.DataFrame({"curve": "pr", "x": recall[::-1], "y": precision[::-1]})
                areas = calibration.auroc(score, iou, tau), calibration.average_precision(score, iou, tau)
                tables += [
                    table.assign(area=area, **common) for table, area in zip((roc, pr), areas, strict=True)
                ]
    columns = ["kind", "tau", "curve", "x", "y", "area", "base"]
    return pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)


def prepare_gates(rows: pd.DataFrame, case: str, gates: Sequence[float], bad: float = 0.5) -> pd.DataFrame:
    """Return ``gate`` and the shares of all masks that each gate keeps and drops, good and bad (IoU below `bad`)."""
    points = samples(rows, case, gated_kind(rows, case))
    failed = points.iou < bad
    records = []
    for gate in gates:
        kept = points.score > gate  # strict, as in Eq. 3 and 4
        shares = {"good kept": kept & ~failed, "bad kept": kept & failed,
                  "good dropped": ~kept & ~failed, "bad dropped": ~kept & failed}  # fmt: skip
        records.append({"gate": gate} | {name: float(hit.mean()) for name, hit in shares.items()})
    return pd.DataFrame(records)


def prepare_ranks(rows: pd.DataFrame, case: str) -> pd.DataFrame:
    """Return ``video spearman failed n``: rank correlation of score and IoU in each video, lowest first.

    A video whose score or IoU is constant has none and is left out.
    """
    points = samples(rows, case, gated_kind(rows, case))
    records = [
        {
            "video": str(video).partition("/")[2],
            "spearman": calibration.spearman(part.score.to_numpy(), part.iou.to_numpy()),
            "failed": float((part.iou < TAUS[0]).mean()),
            "n": len(part),
        }
        for video, part in points.groupby("video")
    ]
    table = pd.DataFrame(records, columns=["video", "spearman", "failed", "n"])
    return table.dropna(subset="spearman").sort_values(["spearman", "video"], ignore_index=True)


def draw_curves(table: pd.DataFrame, ax: Axes, curve: str) -> None:
    """Draw one curve per score and failure threshold, its area in the legend, and what a random score would give."""
    own = table[table.curve == curve]
    for (kind, tau), part in own.groupby(["kind", "tau"], sort=False):
        text = f"{KINDS[str(kind)]}, IoU < {tau:g}: {part.area.iloc[0]:.2f}"
        look: dict[str, Any] = {"linestyle": DASHES[tau], "linewidth": 1.1}
        if kind == "score_raw":  # a dash is as long as the line is wide
            look = {"linestyle": "-" if tau == TAUS[0] else (0, (1.6, 0.8)), "linewidth": BROAD, "alpha": PALE}
        ax.plot(part.x, part.y, color=COLOURS[str(kind)], solid_capstyle="butt", label=text, **look)
    if curve == "roc":
        ax.plot([0, 1], [0, 1], color="#999999", linewidth=0.8, linestyle=":")
        ax.set(xlabel="false alarms (share of good masks)", ylabel="found (share of failed)")
    else:
        for tau, base in own.groupby("tau").base.first().items():
            ax.axhline(base, color="#777777", linewidth=0.8, linestyle=(0, (1, 1 + 2 * (tau == TAUS[1]))))
            side = "top" if tau == TAUS[0] else "bottom"  # fewer masks fail at the lower threshold
            ax.annotate(f"random, IoU < {tau:g}", (0.02, base), (0, -2 if side == "top" else 1), fontsize=6.5,
                        textcoords="offset points", va=side, color="#666666")  # fmt: skip
        ax.set(xlabel="recall (failed masks found)", ylabel="precision (alarms that are right)")
    ax.set(xlim=(0, 1), ylim=(0, 1.02))
    title = "area under the curve" if curve == "roc" else "average precision"
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.21), ncols=2, fontsize=6.5, handlelength=2.2, title=title,
              title_fontsize=6.5, borderaxespad=0.2)  # fmt: skip


def draw_gates(table: pd.DataFrame, ax: Axes) -> None:
    """Draw for each gate the shares of masks that it keeps and drops, good and bad, on one bar.

    What is bad and kept has its number always, above the bar where it is too narrow.
    """
    left = np.zeros(len(table))
    for name, (hue, hatch) in OUTCOMES.items():
        share = table[name].to_numpy()
        ax.barh(table.index, share, left=left, height=0.62, color=hue, hatch=hatch, edgecolor="white",
                linewidth=0.5, label=name)  # fmt: skip
        for place in np.flatnonzero(share >= NARROW):
            ink = "white" if name == "good kept" else "black"
            box = {"facecolor": hue, "edgecolor": "none", "pad": 1}
            ax.text(float(left[place] + share[place] / 2), float(place), numbers.share(share[place]),
                    ha="center", va="center", fontsize=7, color=ink, bbox=box)  # fmt: skip
        if name == "bad kept":
            for place in np.flatnonzero(share < NARROW):
                middle, words = float(left[place] + share[place] / 2), f"{name} {numbers.share(share[place])}"
                ax.annotate(words, (middle, place - 0.31), (middle, place - 0.4), fontsize=7, color=hue, ha="center",
                            va="bottom", arrowprops={"arrowstyle": "-", "color": hue, "linewidth": 0.8, "shrinkA": 0,
                                                     "shrinkB": 0})  # fmt: skip
        left += share
    known = [signs.of_paper(gate) for gate in table.gate]
    names = [f"{signs.DRAWN[setting]} =" if setting else "score >" for setting in known]
    ax.set_yticks(table.index, [f"{name} {gate:g}" for name, gate in zip(names, table.gate, strict=True)])
    ax.set(xlim=(0, 1), ylim=(len(table) - 0.55, -0.65), xlabel="share of masks")
    ax.grid(axis="y", visible=False)
    ax.legend(ncols=4, handlelength=1.2, columnspacing=0.9, handletextpad=0.4, **BELOW)


def draw_ranks(table: pd.DataFrame, ax: Axes) -> None:
    """Draw the rank correlation of every video from the lowest to the highest, and the mean."""
    mean = float(table.spearman.mean())
    ax.axhline(0, color="#555555", linewidth=0.8)
    ax.axhline(mean, color=style.SCORE, linewidth=0.8, linestyle="--", label=f"mean {numbers.fixed(mean, 2)}")
    ax.vlines(table.index + 1, 0, table.spearman, color="#bbbbbb", linewidth=0.8)
    fails = table.failed > 0
    ax.plot(table.index[fails] + 1, table.spearman[fails], "o", color=style.SCORE, label="some masks fail")
    ax.plot(table.index[~fails] + 1, table.spearman[~fails], "o", color=style.SCORE, markerfacecolor="white",
            label="no mask fails")  # fmt: skip
    ax.set(xlim=(0.3, len(table) + 0.7), ylim=(min(-0.1, float(table.spearman.min()) - 0.08), 1.02))
    ax.set(xlabel=f"video (lowest: {table.video.iloc[0]})", ylabel="Spearman in the video")
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    ax.legend(ncols=3, handlelength=1.6, columnspacing=1.2, handletextpad=0.4, **BELOW)


def figure(rows: pd.DataFrame, case: str, gates: Sequence[float]) -> style.PrintFigure:
    """Return the page-wide figure of four panels; one whose answer is undefined stays empty and says so."""
    drawing = style.figure(style.PAGE, 5.2)
    axes = drawing.subplots(2, 2, height_ratios=[1.3, 1]).ravel()
    curves, ranks = prepare_curves(rows, case), prepare_ranks(rows, case)
    panels = [
        ("a  finding failed masks", curves, lambda table, ax: draw_curves(table, ax, "roc")),
        ("b  precision and recall", curves, lambda table, ax: draw_curves(table, ax, "pr")),
        ("c  what a gate lets through", prepare_gates(rows, case, gates), draw_gates),
        ("d  rank within each video", ranks, draw_ranks),
    ]
    for ax, (title, table, draw) in zip(axes, panels, strict=True):
        if len(table):
            draw(table, ax)
        else:
            ax.set_axis_off()
            ax.text(0.5, 0.5, "undefined: no variation", ha="center", va="center", transform=ax.transAxes)
        ax.set_title(title)
    return drawing


def report(results: Results, case: str = "qpm", gates: Sequence[float] = (0.7, 0.65)) -> Section:
    """Write failures.png, .pdf and the caption."""
    ranks = prepare_ranks(results.rows, case)
    word = KINDS[gated_kind(results.rows, case)]
    videos = results.rows[results.rows.case == case].groupby(["dataset", "sequence"]).ngroups
    still = videos - len(ranks)
    left_out = f" ({captions.plural(still, 'video')} without variation left out)" if still else ""
    caption = captions.join(
        f"Detection of failed masks under {style.label(case)}. (a, b) A low score as an alarm for an IoU below 0.5 and "
        f"0.7; the raw score broad and pale, beneath the relative one; dotted, a random score, in (b) the share of "
        f"masks that fail each threshold. (c) What each gate keeps and drops by the {word} score; bad: IoU < 0.5. (d) "
        f"Rank correlation of the {word} score with the IoU inside each of {len(ranks)} videos{left_out}; dashed, "
        "their mean.",
        captions.data(results),
        captions.network(results),
    )
    title = "Does a low score find a failed mask?"
    return publish(
        results.folder, "failures", title, draw=lambda: figure(results.rows, case, gates), caption=caption
    )
