"""One video over time: predicted score, true IoU, the gates, the frames that were kept and the prior's choice."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes

from qpm.report import captions, style
from qpm.report.cases import is_kept
from qpm.report.load import Results, settings
from qpm.report.write import write_text

PRIORS = {"previous": "#56b4e9", "annotated": "#de8f05"}
KEPT_AT, PRIOR_AT, BANK_AT, BANK_HEIGHT = -0.10, -0.20, -0.40, 0.13


def prepare(rows: pd.DataFrame, case: str, sequence: str) -> pd.DataFrame:
    """Return one row per frame of a video, the mean over the objects present (first seed).

    Returns
    -------
    DataFrame
        ``frame_index score iou_true annotated kept prior bank_frames``; `prior` is "previous", "annotated" or
        "" (none used).

    Raises
    ------
    ValueError
        If the case has no rows for that video.
    """
    own = rows[(rows.case == case) & (rows.sequence == sequence)]
    if own.empty:
        raise ValueError(f"no rows of case '{case}' for video '{sequence}'")
    own = own[own.seed == own.seed.min()]
    frames = own.groupby("frame_index").agg(
        score=("score", "mean"), iou_true=("iou_true", "mean"), annotated=("annotated", "any"),
        memorized=("memorized", "first"), prior_frame=("prior_frame", "first"), bank_frames=("bank_frames", "max"),
    ).reset_index()  # fmt: skip
    frames["kept"] = frames.memorized.map(is_kept)
    frames["prior"] = [_prior(row.frame_index, row.prior_frame) for row in frames.itertuples()]
    return frames[["frame_index", "score", "iou_true", "annotated", "kept", "prior", "bank_frames"]]


def choose(rows: pd.DataFrame, case: str, baseline: str) -> str:
    """Return the video whose mean IoU the case changes most against the baseline, for better or worse.

    Without rows of the baseline, the video whose true IoU falls lowest.
    """
    scored = rows[rows.scored]
    means = scored.pivot_table(index="sequence", columns="case", values="j", aggfunc="mean")
    if baseline in means and baseline != case:
        return str((means[case] - means[baseline]).abs().idxmax())
    own = scored[scored.case == case]
    return str(own.loc[own.iou_true.idxmin(), "sequence"])


def draw(table: pd.DataFrame, ax: Axes, sigma_m: float | None = None, sigma_en: float | None = None) -> None:
    """Draw score and IoU over frames; strips below show kept frames, prior and bank size."""
    index = table.frame_index
    ax.axhspan(-0.5, 0, color="#f6f6f6", zorder=0)
    ax.plot(index, table.iou_true, color=style.IOU, label="true IoU")
    ax.plot(index, table.score, color=style.SCORE, label="score")
    for value, name in ((sigma_m, "σm"), (sigma_en, "σen")):
        if value is not None:
            ax.axhline(value, color=style.PAPER_VALUE, linewidth=0.8, linestyle="--" if name == "σm" else ":")
    _strips(table, ax)
    top = max(1.05, float(table.score.max()) + 0.04)
    ax.set(xlim=(index.min(), index.max()), ylim=(BANK_AT - 0.03, top), xlabel="frame")
    ax.set_yticks([BANK_AT + 0.05, PRIOR_AT, KEPT_AT, 0, 0.25, 0.5, 0.75, 1])
    ax.set_yticklabels(["bank", "prior", "kept", "0", "0.25", "0.5", "0.75", "1"])
    ax.grid(axis="x", visible=False)
    _label_lines(table, ax, sigma_m, sigma_en)


def figure(results: Results, case: str, baseline: str, sequence: str | None = None) -> style.Figure:
    """Return the page-wide timeline of one video."""
    sequence = sequence or choose(results.rows, case, baseline)
    drawing = style.figure(style.PAGE, 2.7)
    ax = drawing.subplots()
    draw(prepare(results.rows, case, sequence), ax, *_gates(results, case))
    ax.set_title(f"{sequence}: {style.label(case)}")
    return drawing


def report(results: Results, case: str = "qpm", baseline: str = "stm", sequence: str | None = None) -> list[Path]:
    """Write timeline.png, .pdf and its caption."""
    sequence = sequence or choose(results.rows, case, baseline)
    caption = captions.join(
        f"Predicted score (relative to the first frame) and true IoU of video {sequence} under {style.label(case)}, "
        "mean over objects. Dashed: the memory gate σm, dotted: the prior gate σen. Below: frames that entered memory, "
        "the mask used as prior (blue the previous frame's, orange the annotated one's) and the number of frames read.",
        "The video is the one whose IoU changes most against the baseline, for better or worse.",
        captions.data(results),
        captions.network(results),
    )
    with style.theme():
        files = style.save(figure(results, case, baseline, sequence), results.folder / "timeline")
    write_text(results.folder / "timeline.txt", caption + "\n")
    return [*files, results.folder / "timeline.txt"]


def _gates(results: Results, case: str) -> tuple[float | None, float | None]:
    policy = results.config(case).get("policy", {})
    found = [settings(policy, name) for name in ("sigma_m", "sigma_en")]
    return (found[0][0] if found[0] else None), (found[1][0] if found[1] else None)


def _prior(frame_index: int, prior_frame: object) -> str:
    if pd.isna(prior_frame):  # type: ignore[call-overload]
        return ""
    return "previous" if prior_frame == frame_index - 1 else "annotated"


def _strips(table: pd.DataFrame, ax: Axes) -> None:
    kept = table[table.kept]
    ax.plot(kept.frame_index, [KEPT_AT] * len(kept), "|", color="#333333", markersize=6, markeredgewidth=1.3)
    given = table[table.annotated]
    ax.plot(given.frame_index, [KEPT_AT] * len(given), "*", color="#333333", markersize=6, clip_on=False)
    for name, hue in PRIORS.items():
        chosen = table[table.prior == name]
        ax.hlines([PRIOR_AT] * len(chosen), chosen.frame_index - 0.5, chosen.frame_index + 0.5, color=hue, linewidth=4)
    bank = table.bank_frames.astype("float64").fillna(0)
    heights = BANK_AT + BANK_HEIGHT * bank / max(1.0, float(bank.max()))
    ax.fill_between(table.frame_index, BANK_AT, heights, step="mid", color="#bbbbbb", linewidth=0)


def _label_lines(table: pd.DataFrame, ax: Axes, sigma_m: float | None, sigma_en: float | None) -> None:
    """Names at the right end of each line, moved apart where they would overlap."""
    ends = [(float(table.score.dropna().iloc[-1]), "score", style.SCORE)] if table.score.notna().any() else []
    if table.iou_true.notna().any():
        ends.append((float(table.iou_true.dropna().iloc[-1]), "true IoU", style.IOU))
    ends += [(v, f"{n} {v:g}", style.PAPER_VALUE) for v, n in ((sigma_m, "$σ_m$"), (sigma_en, "$σ_{en}$")) if v is not None]
    ends.append((BANK_AT + BANK_HEIGHT, f"{int(table.bank_frames.max())} frames", "#777777"))
    place = style.spread_out([end[0] for end in ends], 0.085)
    for (_, text, hue), height in zip(ends, place, strict=True):
        ax.annotate(text, (1.008, height), xycoords=("axes fraction", "data"), color=hue, va="center", fontsize=7.5)
