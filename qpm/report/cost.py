"""What a policy costs: the frames that it reads, the memory that they take, and the time of a frame."""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import wrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from qpm.report import captions, numbers, style
from qpm.report.cases import FRAME, kept
from qpm.report.load import NotMeasuredError, Results
from qpm.report.publish import Section, publish
from qpm.report.write import Table

MEGA, GIGA = 1e6, 1e9
SLOW = 0.9  # quantile of the frames that stands for slow ones


def prepare(rows: pd.DataFrame) -> pd.DataFrame:
    """Return per case how much is read and kept, and what a frame takes.

    Parameters
    ----------
    rows : DataFrame
        The tidy table (`qpm.rows`). Frames without a given mask count, each once however many objects it has.

    Returns
    -------
    DataFrame
        ``case``, ``bank_frames bank_frames_most`` (mean and largest number of frames read), ``bank_megabytes
        bank_megabytes_most`` (keys and values), ``peak_gigabytes_mean peak_gigabytes`` (mean over the frames and
        largest allocation on a GPU), ``kept_share``, ``seconds seconds_slow`` (median and 90th percentile),
        ``n_frames``, in the order of the rows; NaN where not measured.
    """
    return _by_case(_frames(rows))


def prepare_growth(rows: pd.DataFrame) -> pd.DataFrame:
    """Return ``case frame_index bank_frames seconds``: means over the videos at each frame of the video."""
    return _by_frame(_frames(rows))


def cost_table(numeric: pd.DataFrame, caption: str) -> Table:
    """Return the table as a reader sees it; the peak on a GPU only where one was measured, the csv has it always."""
    cells = pd.DataFrame({"Policy": [style.label(case) for case in numeric.case]})
    cells["Bank"] = [numbers.fixed(value, 1) for value in numeric.bank_frames]
    cells["Bank, most"] = [numbers.count(value) for value in numeric.bank_frames_most]
    cells["MB, most"] = [numbers.fixed(value, 1) for value in numeric.bank_megabytes_most]
    if numeric.peak_gigabytes.notna().any():
        cells["GPU peak, GB"] = [numbers.fixed(value, 2) for value in numeric.peak_gigabytes]
    cells["Kept"] = [numbers.share(value) for value in numeric.kept_share]
    cells["s/frame"] = [numbers.fixed(value, 3) for value in numeric.seconds]
    cells["s/frame, slow"] = [numbers.fixed(value, 3) for value in numeric.seconds_slow]
    cells["Frames"] = [numbers.count(value) for value in numeric.n_frames]
    return Table(cells, numeric, caption, "cost", left=("Policy",))


def draw_growth(table: pd.DataFrame, ax: Axes) -> None:
    """Draw the frames read over the video, one line per case; cases that read the same number share a name."""
    lines: dict[tuple[float, ...], list[str]] = {}
    for case, own in table.groupby("case", sort=False):
        values = tuple(own.bank_frames.round(3))
        lines.setdefault(values, []).append(str(case))
        ax.plot(own.frame_index, own.bank_frames, color=style.colour(str(case)), linewidth=1.1)
    ends = [values[-1] for values in lines]
    reach = max(ends + [1.0])
    last = int(table.frame_index.max())
    words = [_lines_of(map(style.label, cases)) for cases in lines.values()]
    heights = style.spread_out(ends, 0.075 * reach, [len(each) for each in words])
    for height, name, (values, cases) in zip(heights, words, lines.items(), strict=True):
        names, hue = "\n".join(name), style.colour(cases[0])
        ax.annotate(names, (last, values[-1]), (1.16, height), textcoords=("axes fraction", "data"), va="center",
                    fontsize=6.5, arrowprops={"arrowstyle": "-", "color": hue, "linewidth": 0.8, "shrinkA": 1,
                                              "shrinkB": 0, "relpos": (0, 0.5)}, annotation_clip=False)  # fmt: skip
        ax.plot([last], [values[-1]], style.marker(cases[0]), color=hue, markersize=3, clip_on=False)
    ax.set(xlabel="frame of the video", ylabel="frames read", xlim=(0, last), ylim=(0, 1.05 * reach))
    ax.yaxis.set_major_locator(MaxNLocator(6, integer=True))


def draw_seconds(table: pd.DataFrame, ax: Axes) -> None:
    """Draw the median time of a frame and a line to the time of slow ones, the policies from above."""
    for place, row in enumerate(table.itertuples()):
        hue = style.colour(str(row.case))
        ax.hlines(place, row.seconds, row.seconds_slow, color=hue, linewidth=1.6)
        ax.plot(row.seconds, place, style.marker(str(row.case)), color=hue, markersize=5)
    ax.set(xlabel="seconds a frame", xlim=(0, 1.08 * float(table.seconds_slow.max())))
    _policies(table, ax)


def draw_memory(table: pd.DataFrame, ax: Axes) -> None:
    """Draw the mean of each policy's bank and a line to the largest; where a GPU measured its peak, that one's.

    The largest bank alone would hide what a policy saves: on some video nearly every one keeps all it is offered.
    """
    peak = table.peak_gigabytes.notna().any()
    means = table.peak_gigabytes_mean if peak else table.bank_megabytes
    largest = table.peak_gigabytes if peak else table.bank_megabytes_most
    for place, (case, mean, most) in enumerate(zip(table.case, means, largest, strict=True)):
        hue = style.colour(str(case))
        ax.hlines(place, mean, most, color=hue, linewidth=1.6)
        ax.plot(mean, place, style.marker(str(case)), color=hue, markersize=5)
        ax.plot(most, place, "|", color=hue, markersize=7, markeredgewidth=1.6)
    widest = int(np.nanargmax(largest - means))  # where both words have room
    for x, words, side in ((means[widest], "mean", "left"), (largest[widest], "largest", "right")):
        ax.annotate(words, (x, widest), (0, 4), textcoords="offset points", ha=side, fontsize=6.5, color="#555555")
    top = float(largest.max())
    ax.set(xlabel="peak memory on the GPU (GB)" if peak else "bank (MB)", xlim=(0, 1.12 * top if top > 0 else 1))
    _policies(table, ax)


def figure(rows: pd.DataFrame) -> style.PrintFigure:
    """Return the page-wide figure: growth of the bank, time and memory by policy."""
    frames = _frames(rows)
    table = _by_case(frames)
    drawing = style.figure(style.PAGE, max(2.3, 0.9 + 0.2 * len(table)))
    memory = table[["bank_megabytes_most", "peak_gigabytes"]].notna().any(axis=None)
    axes = drawing.subplots(1, 3 if memory else 2, width_ratios=[1.25, 1, 1][: 3 if memory else 2])
    draw_growth(_by_frame(frames), axes[0])
    axes[0].set_title("a  frames read")
    draw_seconds(table, axes[1])
    axes[1].set_title("b  time")
    if memory:
        draw_memory(table, axes[2])
        axes[2].set_title("c  memory")
        axes[2].set_yticklabels([])
    return drawing


def report(results: Results) -> Section:
    """Write cost.md, .tex, .csv, .png, .pdf and the caption.

    Raises
    ------
    NotMeasuredError
        If no frame has a time.
    """
    numeric = prepare(results.rows)
    if numeric.seconds.isna().all():
        raise NotMeasuredError("the rows hold no seconds per frame")
    about = captions.join(captions.data(results), captions.network(results), _machine(results))
    peak = "largest allocation on a GPU; " if numeric.peak_gigabytes.notna().any() else ""
    words = captions.join(
        "Cost of each policy: frames read, on average and at most; size of their keys and values at most (MB); "
        f"{peak}share of frames kept by decision; seconds a frame, median "
        "and 90th percentile (slow), reading the frame included, to be compared inside a study only. Frames: those "
        "timed, over all seeds.",
        about,
    )
    caption = captions.join(
        "(a) Frames read, mean over the videos; (b) median time of a frame and, at the end of the line, the 90th "
        "percentile; (c) memory, the mean over the frames and, at the end of the line, the largest.",
        about,
    )
    table = cost_table(numeric, words)
    return publish(results.folder, "cost", "Memory and speed", table, lambda: figure(results.rows), caption)


def _frames(rows: pd.DataFrame) -> pd.DataFrame:
    """Every frame once, those with a given mask left out."""
    columns = [name for name in FRAME if name in rows]
    for name in ("bank_bytes", "peak_bytes"):
        rows = rows if name in rows else rows.assign(**{name: np.nan})
    numeric = {name: rows[name].astype("float64") for name in ("bank_frames", "bank_bytes", "peak_bytes")}
    frames = rows.assign(kept=kept(rows.memorized), **numeric).groupby(columns, sort=False).agg(
        annotated=("annotated", "any"), kept=("kept", "mean"), bank_frames=("bank_frames", "max"),
        bank_bytes=("bank_bytes", "max"), peak_bytes=("peak_bytes", "max"), seconds=("seconds", "first"),
    ).reset_index()  # fmt: skip
    return frames[~frames.annotated]


def _by_case(frames: pd.DataFrame) -> pd.DataFrame:
    table = frames.groupby("case", sort=False).agg(
        bank_frames=("bank_frames", "mean"), bank_frames_most=("bank_frames", "max"),
        bank_megabytes=("bank_bytes", "mean"), bank_megabytes_most=("bank_bytes", "max"),
        peak_gigabytes_mean=("peak_bytes", "mean"), peak_gigabytes=("peak_bytes", "max"),
        kept_share=("kept", "mean"), seconds=("seconds", "median"),
        seconds_slow=("seconds", lambda values: values.quantile(SLOW)), n_frames=("seconds", "size"),
    )  # fmt: skip
    table[["bank_megabytes", "bank_megabytes_most"]] /= MEGA
    table[["peak_gigabytes_mean", "peak_gigabytes"]] /= GIGA
    return table.reset_index()


def _by_frame(frames: pd.DataFrame) -> pd.DataFrame:
    return frames.groupby(["case", "frame_index"], sort=False)[["bank_frames", "seconds"]].mean().reset_index()


def _lines_of(names: Iterable[str]) -> list[str]:
    """Names with commas, on lines of 22 characters that break between names, never inside one."""
    whole = ", ".join(name.replace(" ", "\u00a0") for name in names)  # textwrap breaks at plain spaces only
    return [line.replace("\u00a0", " ") for line in wrap(whole, 22, break_long_words=False, break_on_hyphens=False)]


def _policies(table: pd.DataFrame, ax: Axes) -> None:
    ax.set_yticks(range(len(table)), [style.label(str(case)) for case in table.case])
    ax.set_ylim(len(table) - 0.5, -0.5)
    ax.grid(axis="y", visible=False)


def _machine(results: Results) -> str:
    """Where the times were taken, as far as the records say."""
    origins = [trial.get("provenance") or {} for trial in results.trials]
    said = {f"{o['platform']}, {o.get('cpus', '?')} CPU cores" for o in origins if o.get("platform")}
    return f"Machine: {'; '.join(sorted(said))}." if said else ""
