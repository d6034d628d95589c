"""One video over time: predicted score, true IoU, the gates, the frames that were kept and the prior's choice."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from qpm.report import signs, style
from qpm.report.cases import kept
from qpm.report.load import NotMeasuredError, Results, settings

PRIORS = {"previous": "#56b4e9", "annotated": "#de8f05"}
ABSENT, ABSENT_WORDS = "#f6e9c3", "#9a7d1e"
KEPT_AT, PRIOR_AT, BANK_AT, BANK_HEIGHT = -0.11, -0.24, -0.46, 0.14
LABEL = 0.13  # inches from one name beside a line to the next


def prepare(rows: pd.DataFrame, case: str, sequence: str, baseline: str | None = None) -> pd.DataFrame:
    """Return one row per frame of a video, the mean over the objects present (first seed).

    Returns
    -------
    DataFrame
        ``frame_index score iou_true iou_baseline absent annotated kept prior bank_frames``; `prior` is "previous",
        "annotated" or "" (none used); `iou_baseline` is NaN without a baseline; `absent` is the share of the objects
        that the truth does not hold on the frame, 0 without truth.

    Raises
    ------
    NotMeasuredError
        If the case has no rows for that video.
    """
    own = rows[(rows.case == case) & (rows.sequence == sequence)]
    if own.empty:
        raise NotMeasuredError(f"no rows of case '{case}' for video '{sequence}'")
    own = own[own.seed == own.seed.min()]
    own = own.assign(absent=~own.present.fillna(True).astype(bool))
    frames = own.groupby("frame_index").agg(
        score=("score", "mean"), iou_true=("iou_true", "mean"), absent=("absent", "mean"),
        annotated=("annotated", "any"), memorized=("memorized", "first"), prior_frame=("prior_frame", "first"),
        bank_frames=("bank_frames", "max"),
    ).reset_index()  # fmt: skip
    frames["kept"] = kept(frames.memorized)
    frames["prior"] = [_prior(row.frame_index, row.prior_frame) for row in frames.itertuples()]
    other = rows[(rows.case == baseline) & (rows.sequence == sequence) & (baseline != case)]
    other = other[other.seed == other.seed.min()]
    frames["iou_baseline"] = frames.frame_index.map(other.groupby("frame_index").iou_true.mean())
    order = ["frame_index", "score", "iou_true", "iou_baseline", "absent", "annotated", "kept", "prior", "bank_frames"]
    return frames[order]


def draw(
    table: pd.DataFrame,
    ax: Axes,
    sigma_m: float | None = None,
    sigma_en: float | None = None,
    height: float = 2.2,
    baseline: str = "the baseline",
) -> None:
    """Draw score and IoU over frames, shaded where the object is absent; below, kept frames, prior and bank size.

    `height` is about that of the axes in inches: by it the names beside the lines keep apart. `baseline` is the case of
    the grey line.
    """
    index = table.frame_index
    ax.axhspan(-0.5, 0, color="#f6f6f6", zorder=0)
    shade_absence(table, ax)
    ax.plot(index, table.iou_baseline, color=style.BASELINE, linewidth=1.0)
    ax.plot(index, table.iou_true, color=style.IOU)
    ax.plot(index, table.score, color=style.SCORE)
    for value, line in zip((sigma_m, sigma_en), signs.LINES.values(), strict=True):
        if value is not None:
            ax.axhline(value, color=style.PAPER_VALUE, linewidth=0.8, linestyle=line)
    _strips(table, ax)
    top = max(1.05, float(table.score.max()) + 0.04)
    ax.set(xlim=(index.min(), index.max()), ylim=(BANK_AT - 0.03, top), xlabel="frame")
    ax.set_yticks([BANK_AT + 0.05, PRIOR_AT, KEPT_AT, 0, 0.25, 0.5, 0.75, 1])
    ax.set_yticklabels(["bank", "prior", "kept", "0", "0.25", "0.5", "0.75", "1"])
    ax.grid(axis="x", visible=False)
    _label_lines(table, ax, (sigma_m, sigma_en), LABEL / height * (top - BANK_AT), iou_under(baseline))


def iou_under(case: str) -> str:
    """Return "true IoU under STM": the one name of another case's IoU, in figures and captions."""
    return f"true IoU under {style.label(case)}"


def shade_absence(table: pd.DataFrame, ax: Axes) -> None:
    """Shade the frames whose object the truth does not hold, from 0 upwards; paler where it lacks only some objects."""
    run = (table.absent != table.absent.shift()).cumsum()
    for _, part in table[table.absent > 0].groupby(run):
        span = part.frame_index.iloc[0] - 0.5, part.frame_index.iloc[-1] + 0.5
        ax.fill_between(span, 0, 2, color=ABSENT, alpha=float(part.absent.iloc[0]), linewidth=0, zorder=0.3)


def absence(table: pd.DataFrame) -> str:
    """Return how to read the shaded frames; nothing where every object is present on every frame."""
    if not (table.absent > 0).any():
        return ""
    return (
        "Shaded: the object is out of view or covered (paler: some of the objects are); its IoU there is 0 as soon as "
        "one pixel is predicted, and 1 for an empty mask, so 0 does not mean that the object was lost."
    )


def gates(results: Results, case: str) -> tuple[float | None, float | None]:
    """Return the memory and the prior threshold of a case's policy, None where it has none."""
    policy = results.config(case).get("policy", {})
    found = [settings(policy, name) for name in ("sigma_m", "sigma_en")]
    return (found[0][0] if found[0] else None), (found[1][0] if found[1] else None)


def _prior(frame_index: int, prior_frame: object) -> str:
    if pd.isna(prior_frame):
        return ""
    return "previous" if prior_frame == frame_index - 1 else "annotated"


def _strips(table: pd.DataFrame, ax: Axes) -> None:
    kept = table[table.kept]
    ax.plot(kept.frame_index, [KEPT_AT] * len(kept), "|", color="#333333", markersize=6, markeredgewidth=1.3)
    given = table[table.annotated]
    ax.plot(given.frame_index, [KEPT_AT] * len(given), "*", color="#333333", markersize=6, clip_on=False)
    run = (table.prior != table.prior.shift()).cumsum()
    for _, part in table[table.prior != ""].groupby(run):
        span = [part.frame_index.iloc[0] - 0.5, part.frame_index.iloc[-1] + 0.5]
        ax.plot(span, [PRIOR_AT] * 2, color=PRIORS[part.prior.iloc[0]], linewidth=4, solid_capstyle="butt")
    bank = table.bank_frames.astype("float64").fillna(0)
    heights = BANK_AT + BANK_HEIGHT * bank / max(1.0, float(bank.max()))
    ax.fill_between(table.frame_index, BANK_AT, heights, step="mid", color="#bbbbbb", linewidth=0)


def _label_lines(
    table: pd.DataFrame, ax: Axes, gates: tuple[float | None, float | None], gap: float, other: str
) -> None:
    """Names at the right end of each line, moved apart where they would overlap; `other` is that of the grey line."""
    ends = [(float(table.score.dropna().iloc[-1]), "score", style.SCORE)] if table.score.notna().any() else []
    if table.iou_true.notna().any():
        ends.append((float(table.iou_true.dropna().iloc[-1]), "true IoU", style.IOU))
    if table.iou_baseline.notna().any():
        ends.append((float(table.iou_baseline.dropna().iloc[-1]), other, style.BASELINE))
    ends += [
        (v, f"{n} {v:g}", style.PAPER_VALUE)
        for v, n in zip(gates, signs.DRAWN.values(), strict=True)
        if v is not None
    ]
    if (table.absent > 0).any():
        ends.append((1.12, "shaded: absent", ABSENT_WORDS))
    for left, (name, hue) in zip((1.008, 1.096), PRIORS.items(), strict=True):
        text = name if (table.prior != "").any() else ""  # both, a key, so that axes of several videos are as wide
        ax.annotate(
            text, (left, PRIOR_AT), xycoords=("axes fraction", "data"), color=hue, va="center", fontsize=7
        )
    place = _lifted(style.spread_out([end[0] for end in ends], gap), gap)
    ends.append((BANK_AT + 0.05, f"{int(table.bank_frames.max())} frames", "#777777"))
    for (_, text, hue), height in zip(ends, [*place, BANK_AT + 0.05], strict=True):
        ax.annotate(
            text, (1.008, height), xycoords=("axes fraction", "data"), color=hue, va="center", fontsize=7.5
        )


def _lifted(places: list[float], gap: float) -> list[float]:
    """Names that reach below 0 moved up, and those above as far as they must: beside a strip one would name it."""
    lifted, least = list(places), gap / 2
    for number in sorted(range(len(places)), key=lambda each: places[each]):
        lifted[number] = max(places[number], least)
        least = lifted[number] + gap
    return lifted
