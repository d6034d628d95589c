"""The network of a study as a drawing: the content of the paper's Fig. 2, with the sizes that its config says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from qpm.report import captions, style
from qpm.report.load import NotMeasuredError, Results
from qpm.report.network import read_config
from qpm.report.publish import Section, publish

RESNET50 = [3, 4, 6]
BOX = {  # part -> centre and size, in hundredths of the page's width
    "memory_frames": (7.5, 47, 12.6, 8), "memory_encoder": (22.5, 47, 14, 10.5),
    "memory_projection": (48, 47, 15, 10.5), "bank": (73.5, 47, 18, 10.5),
    "query_frame": (7.5, 29, 12.6, 8), "query_encoder": (22.5, 29, 14, 10.5), "prior_gate": (39, 29, 15, 10.5),
    "query_projection": (56.3, 29, 14.8, 10.5), "memory_read": (73.5, 29, 15.8, 10.5), "decoder": (91, 29, 14, 10.5),
    "mask": (91, 18.2, 12, 5), "score_encoder": (91, 8, 14, 9), "quality_head": (74.5, 8, 15, 9),
    "score": (58, 8, 14, 8), "prior_mask": (39, 8, 14, 8),
}  # fmt: skip
NEW = ("prior_gate", "prior_mask", "quality_head", "score_encoder", "score")  # what QPM adds to STM
PLAIN = ("query_frame", "memory_frames", "mask", "prior_mask", "score")  # data rather than modules


def prepare(config: Mapping[str, Any]) -> pd.DataFrame:
    """Return the parts of a network, each with what it is and the tensor that it puts out.

    Parameters
    ----------
    config : mapping
        `qpm.model.NetworkConfig` as JSON types, such as the header of a weights file has it.

    Returns
    -------
    DataFrame
        ``part title detail tensor channels stride memory``: the tensor has `channels` maps of 1/`stride` of the frame's
        height and width (stride 0: no map but a number), for each of T frames where `memory` is True. A network
        without quality head or prior gate lacks their parts.
    """
    columns = ["part", "title", "detail", "tensor", "channels", "stride", "memory"]
    return pd.DataFrame(list(_parts(config)), columns=columns)


def draw(table: pd.DataFrame, ax: Axes) -> None:
    """Draw the parts as boxes and what flows between them as arrows; QPM's own parts stand out."""
    ax.set(xlim=(0, 100), ylim=(1, 53), aspect="equal")
    ax.set_axis_off()
    there = set(table.part)
    for row in table.to_dict("records"):
        _box(row, ax)
    for ends, words in ARROWS.items():
        if set(ends) <= there:
            _arrow(*ends, words, ax)
    if "prior_gate" not in there:
        _arrow("query_encoder", "query_projection", "", ax)
    if "score" in there:
        _route([(58, 4), (58, 2), (0.6, 2), (0.6, 39), (7.5, 39), (7.5, 43)], ax,
               "memorise frame t if score > $σ_m$ (Eq. 3)", (2, 2.6), "#0173b2", "--")  # fmt: skip
    for part, height, end, words in (("query_encoder", 39.4, 93, "f8, f4"), ("query_projection", 36.6, 89, "value")):
        x, top = BOX[part][0], BOX[part][1] + BOX[part][3] / 2  # over the parts between, and down into the decoder
        _route([(x, top), (x, height), (end, height), (end, top)], ax, words, (x + 0.8, height + 0.6))


def text_of(row: Mapping[str, Any]) -> str:
    """Return the size of a part's tensor: "values: 512 × T × H/16 × W/16"."""
    if row["stride"] == 0:
        return str(row["tensor"])
    return _size(row["tensor"], row["channels"], row["stride"], row["memory"])


def figure(config: Mapping[str, Any]) -> style.PrintFigure:
    """Return the page-wide drawing."""
    drawing = style.figure(style.PAGE, 3.75)
    draw(prepare(config), drawing.subplots())
    return drawing


def report(results: Results, case: str = "qpm") -> Section:
    """Write architecture.png, .pdf, .svg and the caption.

    Raises
    ------
    NotMeasuredError
        If the weights file that the case was run with is not here, or holds no config.
    """
    names = captions.weights_names(results.config(case).get("weights"))
    config = read_config(names[0]) if names else None
    if config is None:
        raise NotMeasuredError(f"the weights of case '{case}' ({', '.join(names) or 'none named'}) are not here")
    top_k = config["read"].get("top_k")
    caption = captions.join(
        f"The network '{captions.weights_name(names[0])}' (the content of the paper's Fig. 2), drawn from its config: "
        "blue, what QPM adds to STM. H × W: the frame, padded to multiples of 16; 3 × H × W: its colours; 5 × H × W: "
        "colours, the object's mask and the sum of the others'; f16, f8, f4: features at 1/16, 1/8 and 1/4 of height "
        "and width (f_t is f16 of frame t, f_en the same after the prior enhancement); ⊕: channels put together; ⊗: "
        "product at each location; T: frames in memory; keys and values of the memory, the readout, the mask and the "
        "score are per object. The given frame is the one whose mask is given. The score encoder is the memory encoder "
        f"itself. Read: {config['read']['similarity']} similarity, "
        + (f"the {top_k} best matches of each location." if top_k else "all locations."),
        captions.unlike_paper(results),
    )
    title = "The network (Fig. 2)"
    formats = ("png", "pdf", "svg")
    return publish(
        results.folder, "architecture", title, draw=lambda: figure(config), caption=caption, formats=formats
    )


ARROWS = {  # (from, to) -> words on the way
    ("query_frame", "query_encoder"): "", ("query_encoder", "prior_gate"): "$f_t$",
    ("prior_gate", "query_projection"): "$f_{en}$", ("query_projection", "memory_read"): "",
    ("prior_mask", "prior_gate"): "⊕", ("memory_read", "decoder"): "", ("decoder", "mask"): "",
    ("memory_frames", "memory_encoder"): "", ("memory_encoder", "memory_projection"): "",
    ("memory_projection", "bank"): "", ("bank", "memory_read"): "", ("mask", "score_encoder"): "",
    ("score_encoder", "quality_head"): "", ("quality_head", "score"): "", ("score", "prior_mask"): "> $σ_{en}$",
}  # fmt: skip


def _parts(config: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str, int, int, bool]]:
    query, memory, decoder = config["query_encoder"], config["memory_encoder"], config["decoder"]
    keys, values, quality = config["key_channels"], config["value_channels"], config.get("quality")
    f16 = 16 * query["width"]
    yield "query_frame", "frame t", "", "", 3, 1, False
    yield "query_encoder", "query encoder", _resnet(query), "f16", f16, 16, False
    if config.get("prior"):
        gate = f16 if config["prior"].get("per_channel") else 1
        yield "prior_mask", "prior mask", "of t − 1, else of the\ngiven frame (Eq. 4)", "", 1, 1, False
        yield "prior_gate", "prior enhancement", "3×3 conv, sigmoid;\nf16 ⊗ gate", "gate", gate, 16, False
    yield "query_projection", "query key, value", f"3×3 convs\n{_size('key', keys)}", "value", values, 16, False
    yield "memory_frames", "memory frames", "and masks", "", 5, 1, False
    yield "memory_encoder", "memory encoder", _resnet(memory), "f16", 16 * memory["width"], 16, False
    yield "memory_projection", "memory key, value", f"3×3 convs\n{_size('key', keys)}", "value", values, 16, False
    yield "bank", "memory", _size("keys", keys, memory=True), "values", values, 16, True
    yield "memory_read", "memory read", "Eq. 1: " + _read(config["read"]), "readout", values, 16, False
    widths = ", ".join(map(str, decoder["channels"]))
    inputs = f"readout ⊕ value\n+ f8, + f4\nchannels {widths}"
    yield "decoder", "decoder", inputs, "logit", decoder.get("logits", 1), 4, False
    yield "mask", "mask t", "", "", 1, 1, False
    if quality:
        shared = "= memory encoder;\nframe t ⊕ mask t"
        yield "score_encoder", "score encoder", shared, "f16", 16 * memory["width"], 16, False
        convs = f"4 convs, {quality['channels']} channels"
        flat = quality.get("pooling") == "flatten"
        detail = f"resized to 24×24\n{convs}" if flat else f"{convs}\nmean and maximum"
        doubt = "\nless the doubt of mask t" if quality.get("doubt") else ""
        layers = f"fully connected: {quality['hidden']}, 1{doubt}"
        yield "quality_head", "quality assessment", detail, layers, 1, 0, False
        yield "score", "score t", "", "divided by that of the\ngiven frame (Eq. 2)", 1, 0, False


def _resnet(config: Mapping[str, Any]) -> str:
    blocks = list(config.get("blocks", RESNET50))
    name = "ResNet-50" if blocks == RESNET50 else f"ResNet {'-'.join(map(str, blocks))}"
    return f"{name}, width {config['width']}"


def _size(name: str, channels: int, stride: int = 16, memory: bool = False) -> str:
    """The size of a tensor behind its name, on one line: on two, the name stood below that of another tensor."""
    scale = "" if stride == 1 else f"/{stride}"
    return (f"{name}: " if name else "") + f"{channels} × {'T × ' if memory else ''}H{scale} × W{scale}"


def _read(config: Mapping[str, Any]) -> str:
    top_k = config.get("top_k")
    return f"{config['similarity']}, " + (f"top {top_k}" if top_k else "all locations")


def _box(row: Mapping[str, Any], ax: Axes) -> None:
    x, y, width, height = BOX[row["part"]]
    new, plain = row["part"] in NEW, row["part"] in PLAIN
    face = "white" if plain else "#dcebf7" if new else "#eeeeee"
    ax.add_patch(
        FancyBboxPatch((x - width / 2, y - height / 2), width, height, boxstyle="round,pad=0,rounding_size=0.8",
                       facecolor=face, edgecolor="#0173b2" if new else "#777777", linewidth=1.3 if new else 0.8)
    )  # fmt: skip
    lines = [line for line in (row["detail"], text_of(row).strip()) if line]
    body = "\n".join(lines)
    top = y + 0.66 * (body.count("\n") + 1) if body else y  # half the height of the lines below the title
    ax.text(x, top, row["title"], ha="center", va="center", fontsize=6, weight="bold")
    ax.text(x, top - 1.0, body, ha="center", va="top", fontsize=5, color="#333333", linespacing=1.25)


def _arrow(start: str, end: str, words: str, ax: Axes) -> None:
    (x0, y0), (x1, y1) = _facing(start, end), _facing(end, start)
    arrow = FancyArrowPatch((x0, y0), (x1, y1), arrowstyle="-|>", mutation_scale=7, linewidth=0.9, color="#444444",
                            shrinkA=0, shrinkB=0)  # fmt: skip
    ax.add_patch(arrow)
    if words:
        across = abs(x1 - x0) > abs(y1 - y0)
        ax.text((x0 + x1) / 2 + (0 if across else 1), (y0 + y1) / 2 + (0.5 if across else 0), words, fontsize=6,
                ha="center" if across else "left", va="bottom" if across else "center")  # fmt: skip


def _facing(part: str, other: str) -> tuple[float, float]:
    """Where an arrow to another box leaves a box: straight across or down where the two overlap."""
    x, y, width, height = BOX[part]
    to_x, to_y, to_width, to_height = BOX[other]
    if abs(to_x - x) > (width + to_width) / 2:
        return x + (width if to_x > x else -width) / 2, _shared(y, height, to_y, to_height)
    return _shared(x, width, to_x, to_width), y + (height if to_y > y else -height) / 2


def _shared(centre: float, size: float, other: float, other_size: float) -> float:
    """The middle of what two boxes share along one axis."""
    low = max(centre - size / 2, other - other_size / 2)
    return (low + min(centre + size / 2, other + other_size / 2)) / 2


def _route(
    points: Sequence[tuple[float, float]], ax: Axes, words: str, at: tuple[float, float], colour: str = "#444444",
    dashes: str = "-",
) -> None:  # fmt: skip
    """A line with corners, an arrow at its end."""
    xs, ys = zip(*points, strict=True)
    ax.plot(xs[:-1], ys[:-1], color=colour, linewidth=0.9, linestyle=dashes, solid_capstyle="round")
    tip = FancyArrowPatch(points[-2], points[-1], arrowstyle="-|>", mutation_scale=7, linewidth=0.9, color=colour,
                          shrinkA=0, shrinkB=0)  # fmt: skip
    ax.add_patch(tip)
    ax.text(*at, words, fontsize=6, color=colour)
