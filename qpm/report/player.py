"""A player on the study's page: a few videos under two cases, with masks, truth and the numbers of every frame."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import TypeAdapter

from qpm.datasets import AnyDataset
from qpm.datasets.video import Video
from qpm.images import read_labels
from qpm.report import captions, numbers, signs, style
from qpm.report.choice import choose
from qpm.report.data_uri import frame_uri, mask_uri, outline_uri
from qpm.report.load import NotMeasuredError, Results
from qpm.report.timeline import absence, gates, prepare

MOST_FRAMES = 40  # of a video; of a longer one every second, third, ... frame is shown
LONG_SIDE = 416  # pixels of a picture


def player(results: Results, case: str, baseline: str) -> dict[str, Any]:
    """Return what the page's player shows, as JSON types with the pictures inside.

    Raises
    ------
    NotMeasuredError
        If the masks of the two cases were not saved for any video that both have.
    """
    folders = {name: masks for name in dict.fromkeys((baseline, case)) if (masks := results.masks(name))}
    saved = [{path.name for path in folder.iterdir() if path.is_dir()} for folder in folders.values()]
    both = sorted(set.intersection(*saved)) if case in folders and baseline in folders else []
    if not both:
        raise NotMeasuredError(
            f"no masks of '{case}' and '{baseline}' were saved; save_masks: true in the study keeps them"
        )
    chosen = choose(results.rows, case, baseline, both)
    dataset: Any = TypeAdapter(AnyDataset).validate_python(results.config(case)["dataset"]).open()
    place = {name: index for index, name in enumerate(dataset.names())}
    values = dict(zip(signs.PAPER, gates(results, case), strict=True))
    drawn = pd.concat([prepare(results.rows, case, name) for name in chosen.sequence])
    caption = captions.join(
        f"{style.label(case)} and {style.label(baseline)}, by J&F: {', '.join(chosen.rule)} among the "
        f"{captions.plural(len(both), 'video')} whose masks were saved. Numbers are means over the objects of a frame; "
        f"at most {MOST_FRAMES} frames of a video are shown, evenly spaced.",
        absence(drawn),
        captions.data(results),
        captions.network(results),
    )
    return {
        "caption": caption,
        "cases": [{"name": name, "label": style.label(name)} for name in folders],
        "shown": case,
        "gates": [
            {"name": signs.TEXT[setting], "line": signs.LINES[setting], "value": value}
            for setting, value in values.items()
            if value is not None
        ],
        "absences": bool((drawn.absent > 0).any()),
        "videos": [
            _video(results.rows, dataset[place[row.sequence]], folders)
            | {"title": f"{row.sequence}: {row.rule} ({numbers.signed(row.difference)})"}
            for row in chosen.itertuples()
        ],
    }


def per_frame(rows: pd.DataFrame, case: str, sequence: str) -> dict[str, list[Any]]:
    """Return the numbers of every frame of a video, means over its objects; what was not measured is None.

    `absent` is the share of the objects that the truth does not hold.
    """
    table = prepare(rows, case, sequence).sort_values("frame_index")
    return {
        "score": [_rounded(value) for value in table.score],
        "iou": [_rounded(value) for value in table.iou_true],
        "absent": [_rounded(value) for value in table.absent],
        "kept": [bool(value) for value in table.kept],
        "given": [bool(value) for value in table.annotated],
        "prior": [str(value) for value in table.prior],
        "bank": [None if pd.isna(value) else int(value) for value in table.bank_frames],
    }


def _video(rows: pd.DataFrame, video: Video, folders: dict[str, Path]) -> dict[str, Any]:
    height, width = video.size
    scale = min(1.0, LONG_SIDE / max(height, width))
    size = (round(width * scale), round(height * scale))
    shown = range(0, len(video), -(-len(video) // MOST_FRAMES))
    truth = [video.read_labels(index) if video.has_truth(index) else None for index in shown]
    masks = {
        name: [_mask(folder / video.name / f"{video.frame_names[index]}.png", size) for index in shown]
        for name, folder in folders.items()
    }
    return {
        "name": video.name,
        "width": size[0],
        "height": size[1],
        "frames": list(video.frame_names),
        "shown": list(shown),
        "pictures": [frame_uri(video.read_frame(index), size) for index in shown],
        "masks": masks | {"truth": [_drawn(mask_uri, labels, size) for labels in truth]},
        "outlines": [_drawn(outline_uri, labels, size) for labels in truth],
        "numbers": {name: per_frame(rows, name, video.name) for name in folders},
    }


def _mask(path: Path, size: tuple[int, int]) -> str:
    return mask_uri(read_labels(path, white="keep"), size) if path.is_file() else ""


def _drawn(draw: Any, labels: np.ndarray | None, size: tuple[int, int]) -> str:
    return draw(labels, size) if labels is not None else ""


def _rounded(value: float) -> float | None:
    return None if pd.isna(value) else round(float(value), 3)
