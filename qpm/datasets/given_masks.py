"""Masks as a person draws them: ids, grey values or colours, clean or with smoothed edges; read alike for a video."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy import ndimage

from qpm.images import PALETTE, areas_of, distinct, open_image, read_labels

log = logging.getLogger(__name__)

WHITE = 255
FEW = 3  # values without an area of their own that are taken for tiny objects, not for smoothing
REACH = 2  # pixels over which smoothing spreads a value
LABEL_MODES = ("P", "L", "1")
CODE = np.array([1 << 16, 1 << 8, 1])  # of red, green and blue in the number of a colour


class MaskReader:
    """Reads all masks of one video by the same rules, after a look at each of them.

    Parameters
    ----------
    paths : sequence of Path
    colours : bool
        Every colour is an object, black the background: VOC's colours keep their ids, others are numbered from 1
        in the order of their red, green and blue. Else the pixel value is the id; 255 is object 1 if no mask holds
        another value, else void.
    clean : bool
        Give each pixel of a smoothed edge to the area beside it whose value is nearest to its own.

    Raises
    ------
    ValueError
        If a mask is broken, in colour unasked, or smoothed without `clean`.
    """

    def __init__(self, paths: Sequence[Path], colours: bool = False, clean: bool = False) -> None:
        self._read = colour_codes if colours else grey_values
        self._colours, self._clean = colours, clean
        self._areas: dict[Path, np.ndarray] = {}  # of the masks that have to be cleaned
        found = {path: self._look(path) for path in paths}
        self.ids = self._numbered(sorted(set().union(*found.values())), paths)
        self._held = {path: tuple(sorted({self.ids[v] for v in found[path]} - {0})) for path in paths}

    def held(self, path: Path) -> tuple[int, ...]:
        """The ids that a mask holds, ascending."""
        return self._held[path]

    def labels(self, path: Path) -> np.ndarray:
        """A mask as ids, uint8 (H, W)."""
        values = self._read(path)
        if path in self._areas:
            values = cleaned(values, self._areas[path], self._colours)
        labels = np.zeros(values.shape, np.uint8)
        for value, object_id in self.ids.items():
            if object_id:
                labels[values == value] = object_id
        return labels

    def _look(self, path: Path) -> list[int]:
        """The values of a mask once it is clean."""
        values = self._read(path)
        areas, every = areas_of(values), distinct(values)
        rims = np.setdiff1d(every, areas)
        if len(rims) <= max(FEW, len(areas)):
            return every.tolist()
        if not self._clean:
            raise ValueError(smoothed(path, values, areas, rims))
        pixels = int(np.isin(values, rims).sum())
        log.info(
            "%s: %d values on smoothed edges, %d px, went to the areas beside them", path, len(rims), pixels
        )
        self._areas[path] = areas
        return areas.tolist()

    def _numbered(self, values: list[int], paths: Sequence[Path]) -> dict[int, int]:
        if self._colours:
            return colour_ids(values)
        others = [value for value in values if value not in (0, WHITE)]
        if WHITE in values:
            means = "void, since there are other ids" if others else "object 1: there are only 0 and 255"
            log.info("%s: the value 255 is %s", paths[0], means)
        return {value: value for value in values} | {WHITE: 0 if others else 1}


def grey_values(path: Path) -> np.ndarray:
    """The pixel values of a palette, grey or bilevel mask, uint8 (H, W)."""
    image = open_image(path)
    if image.mode not in LABEL_MODES:
        try:
            read_labels(path)
        except ValueError as error:
            error.add_note(
                "or take each of its colours as an object: --mask-colours (mask_colours: true in a study)"
            )
            raise
    return np.array(image).astype(np.uint8)


def colour_codes(path: Path) -> np.ndarray:
    """One number for the colour of each pixel, int (H, W); what is transparent is black."""
    picture = np.array(open_image(path).convert("RGBA")).astype(np.int64)
    return (picture[..., :3] * (picture[..., 3:] > 127)) @ CODE


def colour_ids(codes: Sequence[int]) -> dict[int, int]:
    """Colour -> id: VOC's where all colours are VOC's, else numbered; black is 0."""
    voc = {int(code): index for index, code in enumerate(PALETTE.astype(np.int64) @ CODE)}
    numbers = {code: place for place, code in enumerate(sorted(set(codes) - {0}), start=1)} | {0: 0}
    ids = {code: voc[code] for code in codes} if set(codes) <= voc.keys() else numbers
    if max(ids.values()) > WHITE - 1:
        raise ValueError(
            f"a mask in {len(numbers) - 1} colours; a label map holds at most {WHITE - 1} objects"
        )
    log.info("colours are objects: %s", ", ".join(f"#{code:06x} is {k}" for code, k in ids.items() if k))
    return ids | {0: 0}


def cleaned(values: np.ndarray, areas: np.ndarray, colours: bool = False) -> np.ndarray:
    """The values with every rim pixel given to the area within reach that is most like it, else to the nearest."""
    rim = ~np.isin(values, areas)
    unlike = np.full((len(areas), int(rim.sum())), np.inf)
    for place, value in enumerate(areas):
        near = ndimage.binary_dilation(values == value, iterations=REACH)[rim]
        unlike[place, near] = difference(values[rim][near], value, colours)
    nearest = ndimage.distance_transform_edt(rim, return_distances=False, return_indices=True)
    filled = values[tuple(nearest)]
    filled[rim] = np.where(np.isinf(unlike).all(axis=0), filled[rim], areas[unlike.argmin(axis=0)])
    return filled


def difference(values: np.ndarray, value: int, colours: bool) -> np.ndarray:
    """How far values are from one; colours by their channels."""
    wide, whole = values.astype(np.int64), int(value)
    if not colours:
        return np.abs(wide - whole)
    channels = [np.abs((wide >> shift & 255) - (whole >> shift & 255)) for shift in (16, 8, 0)]
    return np.sum(channels, axis=0)


def smoothed(path: Path, values: np.ndarray, areas: np.ndarray, rims: np.ndarray) -> str:
    """The refusal of a mask with smoothed edges: how many ids, which have areas, and what to do."""
    counts = dict(zip(*(part.tolist() for part in np.unique(values, return_counts=True)), strict=True))
    large = ", ".join(f"{value} ({counts.get(value, 0)} px)" for value in areas[areas > 0].tolist())
    few = sum(counts[value] for value in rims.tolist())
    return (
        f"{path} is no label map: {len(counts)} ids, of which {large or 'none but 0'} fill an area and {len(rims)} "
        f"lie on edges ({few} px together), as smoothing leaves them; --clean-mask (clean_masks: true in a study) "
        "gives each such pixel to the area beside it, or save the mask without smoothing (resize with nearest)"
    )
