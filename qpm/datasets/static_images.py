"""Still images with masks, cut-outs with alpha, and photographs, as videos of a single frame."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image
from pydantic import BaseModel, ConfigDict, PositiveInt

from qpm.datasets.layout import FRAME_SUFFIXES, find_root, natural_key, refuse_faults
from qpm.datasets.video import DAVIS2017, Video
from qpm.images import image_size, open_image, read_frame

DISTORTION = 0.01  # a mask may be smaller than its image, but of another shape by this share at most
HALF = 127  # masks of saliency sets are smooth at their edges; above this a pixel is the object's
HOW_TO_GET = (
    "a folder of name.jpg with name.png beside it, in class folders or flat, or of images/ and masks/ "
    "(FSS-1000, DUTS, ECSSD, BIG, HRSOD)"
)
CUT_OUTS = "a folder of .png or .webp files with an alpha channel"
PHOTOGRAPHS = "a folder of .jpg or .png photographs"


class StaticImagesConfig(BaseModel):
    """Images with one object each.

    `folders` lists folders below the root, each with how often its images count: (("DUTS-TR", 1), ("BIG", 5)). `kind`
    says what the files are: "masks" are pairs of image and mask, "alpha" PNG or WebP files whose alpha channel is the
    mask, "none" photographs without objects (backgrounds).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    root: Path | None = None
    folders: tuple[tuple[str, PositiveInt], ...] = ((".", 1),)
    kind: Literal["masks", "alpha", "none"] = "masks"

    def open(self) -> StaticImages:
        """Find the images.

        Raises
        ------
        FileNotFoundError, ValueError
            If a folder is missing or holds nothing of this kind, or an image has no mask.
        """
        told = {"masks": HOW_TO_GET, "alpha": CUT_OUTS, "none": PHOTOGRAPHS}[self.kind]
        root = find_root("static-images", self.root, told)
        stills: list[Still] = []
        for folder, repeat in self.folders:
            if not (root / folder).is_dir():
                raise FileNotFoundError(f"static-images: no folder {(root / folder).absolute()}; expected {told}")
            found = _find(root, root / folder, self.kind)
            if not found:
                raise ValueError(f"static-images: nothing in {(root / folder).absolute()}; expected {told}")
            stills += found * repeat
        return StaticImages(tuple(stills), self.kind)


@dataclass(frozen=True)
class Still:
    """An image file, and the mask file if its alpha channel is not the mask."""

    name: str
    image: Path
    mask: Path | None = None


@dataclass(frozen=True)
class StaticImages:
    """Videos of one frame and at most one object, which has id 1."""

    stills: tuple[Still, ...]
    kind: str
    name: str = "static-images"
    protocol: str = DAVIS2017

    def __len__(self) -> int:
        return len(self.stills)

    def __getitem__(self, index: int) -> Video:
        still = self.stills[index]
        ids = () if self.kind == "none" else (1,)
        return Video(
            self.name, still.name, (still.image.stem,), image_size(still.image), ids, dict.fromkeys(ids, 0),
            lambda _: read_frame(still.image), partial(_labels, still, self.kind),
        )  # fmt: skip

    def names(self) -> list[str]:
        return [still.name for still in self.stills]

    def fingerprint(self) -> str:
        """SHA-256 over the kind and the name and size in bytes of every file."""
        files = [[s.name, *(p.stat().st_size for p in (s.image, s.mask) if p is not None)] for s in self.stills]
        return hashlib.sha256(json.dumps([self.name, self.kind, files]).encode()).hexdigest()


def read_binary(path: Path) -> np.ndarray:
    """The mask of the one object in a file of any image mode, uint8 (H, W) of 0 and 1."""
    image = open_image(path)
    if image.mode == "P":
        return (np.array(image) > 0).astype(np.uint8)
    return (np.array(image.convert("L")) > HALF).astype(np.uint8)


def read_alpha(path: Path) -> np.ndarray:
    """The opaque part of a picture, uint8 (H, W) of 0 and 1; all of it where it has no alpha."""
    return (np.array(open_image(path).convert("RGBA").getchannel("A")) > HALF).astype(np.uint8)


def _labels(still: Still, kind: str, _: int) -> np.ndarray:
    if kind == "none":
        height, width = image_size(still.image)
        return np.zeros((height, width), dtype=np.uint8)
    if still.mask is None:
        return read_alpha(still.image)
    labels, size = read_binary(still.mask), image_size(still.image)
    if labels.shape == size:
        return labels
    if abs(labels.shape[0] * size[1] / (labels.shape[1] * size[0]) - 1) > DISTORTION:
        sizes = f"{labels.shape}, its image {size} (height, width)"
        raise ValueError(f"static-images: mask {still.mask} is {sizes}; a mask must have the shape of its image")
    return np.array(Image.fromarray(labels).resize(size[::-1], Image.Resampling.NEAREST))


def _find(root: Path, folder: Path, kind: str) -> list[Still]:
    suffixes = (".png", ".webp") if kind == "alpha" else FRAME_SUFFIXES
    found = [p for p in folder.rglob("*") if p.suffix.lower() in suffixes and not p.name.startswith(".")]
    files = sorted(found, key=lambda path: natural_key(str(path)))
    if kind != "masks":
        return [Still(_name(root, path), path) for path in files]
    pairs = [(path, _mask_of(path)) for path in files if not _is_mask(path)]
    _refuse_maskless(folder, [image for image, mask in pairs if not mask.is_file()])
    return [Still(_name(root, image), image, mask) for image, mask in pairs]


def _name(root: Path, path: Path) -> str:
    return path.relative_to(root).with_suffix("").as_posix()


def _is_mask(path: Path) -> bool:
    beside = any(path.with_suffix(suffix).is_file() for suffix in (".jpg", ".jpeg", ".JPG"))
    return path.parent.name == "masks" or (path.suffix.lower() == ".png" and beside)


def _mask_of(image: Path) -> Path:
    folder = image.parent.parent / "masks" if image.parent.name == "images" else image.parent
    return folder / f"{image.stem}.png"


def _refuse_maskless(folder: Path, images: Sequence[Path]) -> None:
    refuse_faults("static-images", (f"{p.relative_to(folder)} has no mask {_mask_of(p).name}" for p in images))
