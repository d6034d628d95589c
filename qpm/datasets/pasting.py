"""What is added to a clip: an object cut from another video, a patch that hides an object for one frame."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

from qpm.datasets.augment import Size, warp_frame
from qpm.datasets.clip import Clip

PATHS = 6  # draws of a path before nothing is pasted
KEPT = 0.6  # share of each labelled object that stays visible in the first frame
SMALLEST = 0.003  # share of the image that a pasted labelled object covers in the first frame


def paste(clip: Clip, other: Clip, rng: np.random.Generator, labelled: bool) -> Clip:
    """The clip with object 1 of another clip moving through it, its shape following its own mask.

    The path is a line at constant speed; half of the paths lead through an object of the clip. The pasted
    object passes in front of the objects or (in a third of the draws) behind them; in the first frame every
    labelled object stays visible for the most part.

    Parameters
    ----------
    clip, other : Clip
        Equal length and size.
    labelled : bool
        Whether the pasted object becomes object K + 1; else it is background, a distractor.

    Returns
    -------
    Clip
        The clip itself if no path leaves its objects visible, or the other clip begins without object 1.
    """
    if not (other.labels[0] == 1).any():
        return clip
    for _ in range(PATHS):
        behind = rng.random() < 1 / 3
        warps = random_path(clip, other, rng)
        alpha = np.stack(
            [cut_out(labels == 1, warp) for labels, warp in zip(other.labels, warps, strict=True)]
        )
        if behind:
            alpha = np.where(clip.labels > 0, 0.0, alpha)
        covered = alpha > 0.5
        if acceptable(clip.labels[0], covered[0], labelled):
            return blend(clip, other, warps, alpha, clip.objects + 1 if labelled else 0)
    return clip


def acceptable(labels: np.ndarray, covered: np.ndarray, labelled: bool) -> bool:
    """Whether the first frame still shows enough of every object, the pasted one too if it is labelled."""
    before = np.bincount(labels.ravel(), minlength=2)[1:]
    after = np.bincount(labels[~covered], minlength=len(before) + 1)[1:]
    enough = covered.sum() >= SMALLEST * covered.size
    return bool((after >= KEPT * before).all() and (enough or not labelled))


def random_path(clip: Clip, other: Clip, rng: np.random.Generator) -> list[np.ndarray]:
    """For every frame the warp from the clip's to the other clip's pixels: random size, start and speed."""
    frames, size = clip.labels.shape[0], min(clip.labels.shape[1:])
    sides = np.array(clip.labels.shape[:0:-1])  # width, height
    rows, columns = np.nonzero(other.labels[0] == 1)
    centre = np.array([columns.mean(), rows.mean()]) + 0.5
    extent = size * np.exp(rng.uniform(np.log(0.12), np.log(0.5)))  # square root of the pasted object's area
    scale = extent / np.sqrt(len(rows))
    meeting = int(rng.integers(1, frames)) if frames > 1 and rng.random() < 0.5 else None
    speed = rng.normal(0, (0.08 if meeting is None else 0.2) * size, 2)  # who meets must come from elsewhere
    start = rng.uniform(0.05, 0.95, 2) * sides
    if meeting is not None:
        start = _some_point(clip.labels[meeting], rng) - meeting * speed
    growth = rng.uniform(0.95, 1.05)
    return [
        np.column_stack([np.eye(2) / zoom, centre - (start + t * speed) / zoom])
        for t, zoom in enumerate(scale * growth ** np.arange(frames))
    ]


def _some_point(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(x, y) of a random pixel of an object, or of the image if there is none."""
    pixels = np.flatnonzero(labels) if labels.any() else np.arange(labels.size)
    row, column = divmod(int(rng.choice(pixels)), labels.shape[1])
    return np.array([column, row]) + 0.5


def cut_out(mask: np.ndarray, warp: np.ndarray) -> np.ndarray:
    """Opacity (H, W) in 0..1 of a mask seen through a warp: soft, and half a pixel inside the mask's rim."""
    image = Image.fromarray(mask.astype(np.uint8) * 255)
    drawn = image.transform(image.size, Image.Transform.AFFINE, tuple(warp.ravel()), Image.Resampling.BILINEAR)
    smooth = np.asarray(drawn.filter(ImageFilter.BoxBlur(1)), dtype=np.float32) / 255
    return np.clip(2.0 * smooth - 0.9, 0.0, 1.0)


def blend(clip: Clip, other: Clip, warps: list[np.ndarray], alpha: np.ndarray, object_id: int) -> Clip:
    """The other clip over the clip, weighted by alpha; the label is `object_id` where alpha > 0.5."""
    size = (clip.labels.shape[1], clip.labels.shape[2])
    over = np.stack([warp_frame(frame, warp, size) for frame, warp in zip(other.frames, warps, strict=True)])
    weight = alpha[..., None].astype(np.float32)
    frames = (clip.frames + weight * (over.astype(np.float32) - clip.frames) + 0.5).astype(np.uint8)
    return Clip(frames, np.where(alpha > 0.5, np.uint8(object_id), clip.labels), clip.name)


def hide_object(clip: Clip, texture: np.ndarray, rng: np.random.Generator) -> Clip:
    """The clip with a textured blob over one object in one later frame; the labels show what is seen.

    The blob covers a part or all of the object, which must be found again in the next frame.

    texture : uint8 (H, W, 3)
    """
    length = clip.labels.shape[0]
    if length < 2:
        return clip
    frame = int(rng.integers(1, length - 1)) if length > 2 and rng.random() < 0.7 else length - 1
    rows, columns = np.nonzero(clip.labels[frame] == rng.integers(1, clip.objects + 1))
    if len(rows) == 0:
        return clip
    blob = random_blob(rng, rows, columns, (clip.labels.shape[1], clip.labels.shape[2]))
    frames, labels = clip.frames.copy(), clip.labels.copy()
    frames[frame][blob] = texture[blob]
    labels[frame][blob] = 0
    return Clip(frames, labels, clip.name)


def random_blob(rng: np.random.Generator, rows: np.ndarray, columns: np.ndarray, size: Size) -> np.ndarray:
    """A wavy ellipse about the pixels (rows, columns), 0.5 to 1.3 times their box; bool of that size."""
    box = np.array([np.ptp(rows), np.ptp(columns)]) + 1
    centre = np.array([rows.min(), columns.min()]) + box / 2 + rng.uniform(-0.25, 0.25, 2) * box
    radius = np.clip(rng.uniform(0.5, 1.3) * box / np.sqrt(2), 3.0, 0.35 * min(size))
    y, x = np.ogrid[: size[0], : size[1]]
    dy, dx = (y - centre[0]) / radius[0], (x - centre[1]) / radius[1]
    waves = 0.15 * np.sin(int(rng.integers(2, 6)) * np.arctan2(dy, dx) + rng.uniform(0, 2 * np.pi))
    return np.hypot(dy, dx) < 1 + waves
