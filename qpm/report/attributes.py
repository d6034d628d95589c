"""Where a policy helps and where it does not: its difference to the baseline on the videos of each attribute."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from qpm.metrics import statistics
from qpm.metrics.pairing import object_means
from qpm.report import captions, style
from qpm.report import cases as comparison
from qpm.report.load import NotMeasuredError, Results
from qpm.report.publish import Section, publish

ALL = "all videos"
FEW = 5  # attributes with fewer videos are drawn hollow: examples, not evidence
DAVIS_WORDS = {
    "AC": "appearance change", "BC": "background clutter", "CS": "camera shake", "DB": "dynamic background",
    "DEF": "deformation", "EA": "edge ambiguity", "FM": "fast motion", "HO": "heterogeneous object",
    "IO": "interacting objects", "LR": "low resolution", "MB": "motion blur", "OCC": "occlusion",
    "OV": "out of view", "SC": "shape complexity", "SV": "scale variation", "ROT": "rotation",
}  # fmt: skip


def prepare(rows: pd.DataFrame, cases: Sequence[str], baseline: str) -> pd.DataFrame:
    """Return the J&F difference of each case to the baseline, for all videos and for each attribute.

    A video with two attributes counts in both. One video alone has no interval.

    Returns
    -------
    DataFrame
        ``attribute case difference low high n_videos``: "all videos" first, then the attributes by name; in
        each the cases in the order given.
    """
    objects = object_means(rows[rows.case.isin([*cases, baseline])])
    both = {case: comparison.side_by_side(objects, case, baseline) for case in cases}
    known = {text: set(text.split(";")) - {""} for text in rows.attributes.unique()}
    records = []
    for name in [ALL, *sorted(set().union(*known.values()))]:
        texts = [text for text, named in known.items() if name == ALL or name in named]
        for case in cases:
            part = both[case][both[case].attributes.isin(texts)]
            paired = statistics.paired_objects(part, case, baseline, "J&F")
            alone = paired.n_videos < 2
            low, high = (float("nan"), float("nan")) if alone else (paired.low, paired.high)
            record = {
                "attribute": words(name),
                "case": case,
                "difference": paired.difference,
                "low": low,
                "high": high,
            }
            records.append(record | {"n_videos": paired.n_videos})
    return pd.DataFrame(records)


def words(attribute: str) -> str:
    """Return an attribute in words: DAVIS's "FM" is "fast motion", "similar_objects" is "similar objects"."""
    return DAVIS_WORDS.get(attribute, attribute.replace("_", " "))


def draw(table: pd.DataFrame, ax: Axes) -> None:
    """Draw a dot and an interval per attribute and case, attributes from top to bottom."""
    names, cases = list(dict.fromkeys(table.attribute)), list(dict.fromkeys(table.case))
    step = 0.7 / max(1, len(cases))
    ax.axvline(0, color="#555555", linewidth=0.8)
    for k, case in enumerate(cases):
        own = table[table.case == case].set_index("attribute").loc[names]
        heights = [position + (k - (len(cases) - 1) / 2) * step for position in range(len(names))]
        hue, shape = style.colour(case), style.marker(case)
        faint = [1.0 if many else 0.4 for many in own.n_videos >= FEW]
        ax.hlines(heights, own.low, own.high, color=hue, linewidth=1.3, alpha=faint)
        ax.plot(own.difference, heights, shape, color=hue, markerfacecolor="white", markersize=3.8)
        filled = own.difference.where(own.n_videos >= FEW)
        ax.plot(filled, heights, shape, color=hue, label=style.label(case), markersize=3.8)
    if names[0] == ALL:
        ax.axhline(0.5, color="#999999", linewidth=0.7)
    counts = table.groupby("attribute").n_videos.max()
    ax.set_yticks(range(len(names)), [f"{name} ({counts[name]})" for name in names])
    ax.set_ylim(len(names) - 0.45, -0.55)
    ax.grid(axis="y", visible=False)
    ax.xaxis.set_major_locator(MaxNLocator(5))
    style.widen(ax)
    ax.set_xlabel("difference in J&F")


def figure(table: pd.DataFrame) -> style.PrintFigure:
    """Return the column-wide figure, its legend above the axes."""
    rows = table.attribute.nunique()
    drawing = style.figure(style.COLUMN, 0.9 + rows * (0.13 + 0.07 * table.case.nunique()))
    ax = drawing.subplots()
    draw(table, ax)
    drawing.legend(
        loc="outside upper center", ncols=min(3, table.case.nunique()), handletextpad=0.2, columnspacing=1.2
    )
    return drawing


def report(
    results: Results, cases: Sequence[str] = ("quality_gated", "qpm"), baseline: str = "stm"
) -> Section:
    """Write attributes.png, .pdf and the caption; a study that has none of the cases shows all that it has.

    Raises
    ------
    NotMeasuredError
        If there is no case beside the baseline.
    """
    others = [case for case in dict.fromkeys(results.rows.case) if case != baseline]
    if not others:
        raise NotMeasuredError(f"nothing to compare '{baseline}' with: the study has no other case")
    cases = [case for case in cases if case in others] or others
    table = prepare(results.rows, cases, baseline)
    few = table[table.n_videos < FEW].attribute.unique()
    every = len(few) > 1 and set(table.attribute) - {ALL} <= set(few)
    which = "every attribute" if every else ", ".join(few)
    caption = captions.join(
        f"Difference in J&F to {style.label(baseline)} by attribute of the video, with 95 % intervals (bootstrap over "
        "videos, not corrected for the number of attributes); in brackets the number of videos.",
        f"Hollow: under {FEW} videos, an example rather than evidence ({which})."
        if len(few)
        else "",
        captions.unlike_g(results),
        captions.data(results),
        captions.network(results),
    )
    title = "Where it helps, by attribute"
    return publish(results.folder, "attributes", title, draw=lambda: figure(table), caption=caption)
