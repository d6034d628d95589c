"""How figures look: one theme, print sizes, and one fixed colour for each case wherever it is drawn."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure, FigureBase

from qpm.files import write_atomic
from qpm.report import signs

DPI = 200
PLACES = 9  # decimals of the figure's side to which axes are placed
COLUMN, PAGE = 3.4, 7.0  # inches: one column and the full text width of a two-column paper

# Okabe-Ito / seaborn "colorblind" hues for what is compared, greys for baselines and fixed schedules.
COLOURS = {
    "stm": "#4d4d4d",
    "quality_gated": "#029e73",
    "prior_only": "#de8f05",
    "qpm": "#0173b2",
    "ensemble": "#cc78bc",
    "random_gate": "#949494",
    "oracle_gate": "#d55e00",
    "oracle_prior": "#b5651d",
    "qdmn": "#8c6bb1",
    "every_n": "#7fb8a4",
    "every_frame": "#56b4e9",
    "first_previous": "#a6a6a6",
    "first_only": "#bdbdbd",
}
RESERVE = (
    "#6a3d9a",
    "#1b7837",
    "#b2182b",
    "#01665e",
    "#8c510a",
    "#2166ac",
    "#c51b7d",
    "#4d9221",
    "#762a83",
    "#bf812d",
)

ABBREVIATIONS = {"stm": "STM", "qpm": "QPM", "qdmn": "QDMN"}

MARKERS = {
    "quality_gated": "s",
    "prior_only": "^",
    "ensemble": "P",
    "random_gate": "X",
    "oracle_gate": "D",
    "oracle_prior": "d",
}

SCORE, IOU, BASELINE, PAPER_VALUE = "#0173b2", "#d55e00", "#a0a0a0", "#777777"
KEPT, BANK = "#029e73", "#555555"

THEME: dict[str, Any] = {
    "font.size": 8,
    "axes.titlesize": 8.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 8,
    "axes.linewidth": 0.7,
    "axes.edgecolor": "#555555",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.6,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "lines.markersize": 4,
    "figure.dpi": 110,
    "savefig.dpi": DPI,
    "pdf.fonttype": 42,  # text stays text, with embedded TrueType: what venues ask for
    "svg.hashsalt": "qpm",
    "figure.constrained_layout.use": True,
}


def stem(case: str) -> str:
    """Return the longest known case name that `case` starts with ("qpm,sigma_m=0.6" is "qpm"), else `case`."""
    known = [name for name in COLOURS if re.match(rf"{name}([-,+=. ]|$)", case)]
    return max(known, key=len, default=case)


def colour(case: str) -> str:
    """Return the colour of a case: a fact of its name, never of the order in which things are drawn."""
    name = stem(case)
    if name in COLOURS:
        return COLOURS[name]
    return RESERVE[hashlib.sha256(name.encode()).digest()[0] % len(RESERVE)]


def marker(case: str) -> str:
    """Return the marker of a case; a second sign beside colour, for greyscale prints."""
    return MARKERS.get(stem(case), "o")


def label(case: str) -> str:
    """Return the words for a case on an axis or in a table: "random_gate" is "random gate", "stm_1" is "STM 1"."""
    for setting, own in signs.TEXT.items():
        case = re.sub(rf"\b{setting}\b", own, case)
    if numbered := re.fullmatch(r"(.+)_(\d+)", case):
        return f"{label(numbered[1])} {numbered[2]}"
    name = stem(case)
    return " ".join(ABBREVIATIONS.get(word, word) for word in name.split("_")) + case[len(name) :]


@contextmanager
def theme() -> Iterator[None]:
    """Draw inside this: the same look whatever the caller's matplotlib settings, which come back afterwards."""
    with plt.rc_context():
        use()
        yield


def use() -> None:
    """Set the look for the rest of the process; for notebooks."""
    sns.set_theme(context="paper", style="whitegrid", palette="colorblind", rc=THEME)


class PrintFigure(Figure):
    """A figure of print size, outside pyplot's list of open figures, that a notebook shows by itself."""

    def _repr_png_(self) -> bytes:
        """What a notebook shows."""
        buffer = BytesIO()
        self.savefig(buffer, format="png", dpi=110)
        return buffer.getvalue()


def figure(width: float = COLUMN, height: float | None = None) -> PrintFigure:
    """Return an empty figure of a print width in inches."""
    return PrintFigure(figsize=(width, height if height is not None else width * 0.72), layout="constrained")


def save(drawing: Figure, path: Path, formats: Sequence[str] = ("png", "pdf")) -> list[Path]:
    """Write `path`.png (200 dpi) and `path`.pdf, or .svg; the same bytes for the same figure and matplotlib version."""
    fixed = {
        "png": {"Software": None},
        "pdf": {"CreationDate": None, "ModDate": None, "Creator": None, "Producer": None},
        "svg": {"Date": None, "Creator": None},
    }
    files = []
    with matplotlib.rc_context({"savefig.dpi": DPI, "pdf.fonttype": 42, "svg.hashsalt": "qpm"}):
        lay_out(drawing)
        for suffix in formats:
            metadata, target = fixed[suffix], path.with_name(f"{path.name}.{suffix}")
            write_atomic(target, lambda partial, m=metadata: drawing.savefig(partial, metadata=m))  # type: ignore[misc]
            files.append(target)
    return files


def lay_out(drawing: Figure) -> None:
    """Place everything once, for all formats: `savefig` would draw the figure once more for it, for each of them.

    Places are rounded: their last bits depend on where the solver's variables lie in memory, and on them the edge
    pixels of a picture.
    """
    engine = drawing.get_layout_engine()
    if engine is not None:
        drawing.set_dpi(DPI)
        engine.execute(drawing)
        drawing.set_layout_engine("none")
        _round_places(drawing)
        for ax in drawing.axes:  # those of its blocks too
            left, bottom, width, height = (round(side, PLACES) for side in ax.get_position(original=True).bounds)
            ax.set_position((left, bottom, width, height))


def _round_places(drawing: FigureBase) -> None:
    """Round where the blocks and headings of a figure stand, and those inside its blocks."""
    for block in drawing.subfigs:
        block.bbox_relative.set_points(block.bbox_relative.get_points().round(PLACES))
        _round_places(block)
    for text in drawing.texts:
        x, y = (round(float(side), PLACES) for side in text.get_position())
        text.set_position((x, y))


def widen(ax: Axes, least: float = 0.005) -> None:
    """Make the horizontal axis reach at least `least` to both sides of zero: half a point of J&F looks like nothing."""
    low, high = ax.get_xlim()
    ax.set_xlim(min(low, -least), max(high, least))


def headroom(highest: Iterable[float]) -> float:
    """Return the upper end of an axis that begins at 0: a little above the highest value, 1 if that is 0 or unknown."""
    top = max((float(value) for value in highest), default=0.0)
    return 1.15 * top if top > 0 else 1.0


def shorten(name: str, most: int = 26) -> str:
    """Return a name that fits below a picture, its middle left out where it is too long."""
    return name if len(name) <= most else f"{name[: most // 2]}…{name[-(most // 2 - 1) :]}"


def spread_out(positions: list[float], gap: float, lines: list[int] | None = None) -> list[float]:
    """Return positions at least `gap` apart, in the same order along the axis and about the same centre: for labels.

    `lines` are those of each label, around its position; labels of several lines keep as much further apart.
    """
    tall = lines or [1] * len(positions)
    order = sorted(range(len(positions)), key=lambda k: positions[k])
    placed = list(positions)
    for _ in range(len(positions) * 10):
        for lower, upper in zip(order, order[1:], strict=False):
            lack = gap * (tall[lower] + tall[upper]) / 2 - (placed[upper] - placed[lower])
            if lack > 1e-9:
                placed[lower] -= lack / 2
                placed[upper] += lack / 2
    return placed
