"""Where an actor lies in a frame: its box, its velocity, and the warp that takes its surface there."""

from __future__ import annotations

import numpy as np

from qpm.datasets.synthetic.actors import HEIGHT, WIDTH, Course
from qpm.datasets.synthetic.shapes import Stencil

LONGEST = 2.5  # no outline reaches further from its centroid, in radii
NODES = 7  # the warp is exact at NODES x NODES points of the box, bilinear between

Box = tuple[int, int, int, int]  # left, top, right, bottom, in pixels of the frame
Cell = tuple[Box, tuple[float, ...]]  # a cell of the box and its four corners in the sprite


def visible_box(course: Course, index: int, reach: float = LONGEST) -> Box | None:
    """The part of the frame that an actor of this reach (in radii) may cover; None while it is outside."""
    stretch = max(1.0, course.aspect[index]) * (
        1 + reach * (abs(course.bend[index]) + abs(course.wave[index]))
    )
    extent = float(course.size[index] * reach * stretch + np.abs(velocity(course, index)).max() / 2 + 2)
    x, y = float(course.x[index]), float(course.y[index])
    left, right = int(max(0, x - extent)), int(min(WIDTH, x + extent))
    top, bottom = int(max(0, y - extent)), int(min(HEIGHT, y + extent))
    return (left, top, right, bottom) if right > left and bottom > top else None


def velocity(course: Course, index: int) -> np.ndarray:
    """The actor's motion from the frame before to the frame after, halved: pixels along x and y."""
    before, after = max(index - 1, 0), min(index + 1, len(course.x) - 1)
    move = np.array([course.x[after] - course.x[before], course.y[after] - course.y[before]])
    return move / max(after - before, 1)


def warp(course: Course, index: int, outline: Stencil, box: Box) -> list[Cell]:
    """Pillow's mesh: the box cut into cells, each with the corners of its source in the sprite."""
    columns = np.unique(np.linspace(box[0], box[2], NODES).astype(int))
    rows = np.unique(np.linspace(box[1], box[3], NODES).astype(int))
    source = np.stack(sources(course, index, outline, columns[None, :], rows[:, None]), -1)
    around = np.stack([source[:-1, :-1], source[1:, :-1], source[1:, 1:], source[:-1, 1:]], 2)
    corners = around.reshape(len(rows) - 1, len(columns) - 1, 8).tolist()
    xs, ys = (columns - box[0]).tolist(), (rows - box[1]).tolist()
    return [
        ((xs[i], ys[j], xs[i + 1], ys[j + 1]), tuple(corners[j][i]))
        for j in range(len(ys) - 1)
        for i in range(len(xs) - 1)
    ]


def sources(
    course: Course, index: int, outline: Stencil, x: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Where in the sprite the frame's points (x, y) come from: turned back, scaled back, unbent."""
    angle = np.deg2rad(course.angle[index])
    dx, dy = x - course.x[index], y - course.y[index]
    across = (np.cos(angle) * dx + np.sin(angle) * dy) / (course.size[index] * course.aspect[index])
    down = (np.cos(angle) * dy - np.sin(angle) * dx) / course.size[index]
    bent = across + course.bend[index] * (down * down - 0.5)
    waved = down + course.wave[index] * np.sin(2.2 * across + course.phase[index])
    return outline.centre[0] + outline.unit * bent, outline.centre[1] + outline.unit * waved
