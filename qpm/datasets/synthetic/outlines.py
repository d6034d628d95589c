"""Outlines of the object families, drawn with a few random proportions.

An outline is a list of closed polygons in free units, each with 1 (fill) or 0 (cut out), painted in order.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Outline = list[tuple[np.ndarray, int]]
Draw = Callable[[np.random.Generator], Outline]
TURN = np.linspace(0, 2 * np.pi, 97)[:-1]


def _polar(radius: np.ndarray) -> np.ndarray:
    return np.stack([radius * np.cos(TURN), radius * np.sin(TURN)], 1)


def _ellipse(x: float, y: float, a: float, b: float) -> np.ndarray:
    return np.stack([x + a * np.cos(TURN), y + b * np.sin(TURN)], 1)


def _profile(*stations: tuple[float, float]) -> np.ndarray:
    """A symmetric polygon from (height, half width) stations, top to bottom, rounded between them."""
    heights, widths = np.array(stations).T
    fine = np.linspace(heights[0], heights[-1], 60)
    smooth = np.convolve(np.pad(np.interp(fine, heights, widths), 3, mode="edge"), np.full(7, 1 / 7), "valid")
    return np.concatenate([np.stack([smooth, fine], 1), np.stack([-smooth, fine], 1)[::-1]])


def pebble(rng: np.random.Generator) -> Outline:
    waves = [rng.uniform(0.04, 0.16) * np.cos(k * TURN + rng.uniform(0, 6)) for k in (2, 3, 4)]
    return [(_polar(1 + np.sum(waves, axis=0)), 1)]


def star(rng: np.random.Generator) -> Outline:
    points = int(rng.integers(5, 8))
    angle = np.arange(2 * points) * np.pi / points
    radius = np.where(np.arange(2 * points) % 2, rng.uniform(0.5, 0.62), 1.15)
    return [(np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1), 1)]


def gear(rng: np.random.Generator) -> Outline:
    teeth = int(rng.integers(7, 11))
    return [(_polar(1 + 0.16 * np.clip(3 * np.sin(teeth * TURN), -1, 1)), 1), (_ellipse(0, 0, 0.28, 0.28), 0)]


def flower(rng: np.random.Generator) -> Outline:
    return [(_polar(1 + rng.uniform(0.2, 0.3) * np.cos(int(rng.integers(5, 8)) * TURN)), 1)]


def leaf(rng: np.random.Generator) -> Outline:
    width = rng.uniform(0.6, 0.8)
    blade = np.stack([1.3 * np.cos(TURN), width * np.sin(TURN) * (1 - 0.35 * np.cos(TURN))], 1)
    return [(blade, 1), (np.array([(-1.2, -0.07), (-1.75, -0.07), (-1.75, 0.07), (-1.2, 0.07)]), 1)]


def heart(rng: np.random.Generator) -> Outline:
    x = 1.15 * np.sin(TURN) ** 3
    y = -(13 * np.cos(TURN) - 5 * np.cos(2 * TURN) - 2 * np.cos(3 * TURN) - np.cos(4 * TURN)) / 14
    return [(np.stack([x, y], 1), 1)]


def cross(rng: np.random.Generator) -> Outline:
    arm, half = 1.2, rng.uniform(0.38, 0.5)
    bar = np.array([(-arm, -half), (arm, -half), (arm, half), (-arm, half)])
    return [(bar, 1), (bar[:, ::-1], 1)]


def bottle(rng: np.random.Generator) -> Outline:
    neck = rng.uniform(0.22, 0.32)
    return [(_profile((-1.5, neck), (-0.75, neck), (-0.35, 0.62), (1.3, 0.66), (1.35, 0.6)), 1)]


def fish(rng: np.random.Generator) -> Outline:
    tail = rng.uniform(0.5, 0.75)
    fin = np.array([(-0.1, -0.5), (-0.55, -0.95), (0.45, -0.5)])
    return [
        (_ellipse(0.15, 0, 1.15, rng.uniform(0.55, 0.7)), 1),
        (np.array([(-0.75, 0), (-1.6, -tail), (-1.6, tail)]), 1),
        (fin, 1),
    ]


def mushroom(rng: np.random.Generator) -> Outline:
    stem = rng.uniform(0.3, 0.42)
    return [
        (_profile((-1.1, 0.3), (-0.7, 0.95), (-0.2, 1.2), (0.0, 1.1), (0.06, stem), (1.0, stem + 0.08)), 1)
    ]


def house(rng: np.random.Generator) -> Outline:
    eaves = rng.uniform(-0.35, -0.1)
    return [
        (
            np.array(
                [(0, -1.25), (1.15, eaves), (0.9, eaves), (0.9, 1), (-0.9, 1), (-0.9, eaves), (-1.15, eaves)]
            ),
            1,
        )
    ]


def cat(rng: np.random.Generator) -> Outline:
    ear = rng.uniform(1.15, 1.4)
    ears = [np.array([(side * 0.2, -0.7), (side * 0.75, -ear), (side * 0.9, -0.3)]) for side in (-1, 1)]
    return [(_ellipse(0, 0, 1.0, 0.88), 1), (ears[0], 1), (ears[1], 1)]


def cup(rng: np.random.Generator) -> Outline:
    ring = rng.uniform(0.42, 0.52)
    body = np.array([(-0.95, -0.9), (0.75, -0.9), (0.6, 0.95), (-0.8, 0.95)])
    return [(_ellipse(0.85, 0, ring, 0.55), 1), (_ellipse(0.85, 0, ring - 0.22, 0.3), 0), (body, 1)]


def bird(rng: np.random.Generator) -> Outline:
    lift = rng.uniform(0.9, 1.25)
    wing = np.array([(-0.45, -0.1), (-0.75, -lift), (0.45, -0.25)])
    beak = np.array([(1.05, -0.45), (1.5, -0.25), (1.05, -0.15)])
    tail = np.array([(-0.7, -0.1), (-1.5, 0.15), (-1.4, 0.5), (-0.6, 0.35)])
    return [
        (_ellipse(0, 0.1, 0.95, 0.55), 1),
        (_ellipse(0.8, -0.3, 0.42, 0.4), 1),
        (wing, 1),
        (beak, 1),
        (tail, 1),
    ]


def crescent(rng: np.random.Generator) -> Outline:
    return [(_ellipse(0, 0, 1.2, 1.2), 1), (_ellipse(rng.uniform(0.6, 0.72), 0, 0.85, 0.85), 0)]


def butterfly(rng: np.random.Generator) -> Outline:
    upper, lower = rng.uniform(0.65, 0.8), rng.uniform(0.5, 0.6)
    wings = [
        _ellipse(side * 0.68, y, radius, radius * 0.85)
        for side in (-1, 1)
        for y, radius in ((-0.5, upper), (0.6, lower))
    ]
    return [*((wing, 1) for wing in wings), (_ellipse(0, 0, 0.2, 1.0), 1)]


def tree(rng: np.random.Generator) -> Outline:
    trunk = rng.uniform(0.2, 0.28)
    return [
        (
            np.array(
                [
                    (0, -1.5),
                    (0.75, -0.5),
                    (0.45, -0.5),
                    (1.05, 0.6),
                    (-1.05, 0.6),
                    (-0.45, -0.5),
                    (-0.75, -0.5),
                ]
            ),
            1,
        ),
        (np.array([(-trunk, 0.5), (trunk, 0.5), (trunk, 1.2), (-trunk, 1.2)]), 1),
    ]


def arrow(rng: np.random.Generator) -> Outline:
    half = rng.uniform(0.34, 0.46)
    return [
        (
            np.array(
                [(-1.3, -half), (0.1, -half), (0.1, -1.05), (1.4, 0), (0.1, 1.05), (0.1, half), (-1.3, half)]
            ),
            1,
        )
    ]


def board(rng: np.random.Generator) -> Outline:
    return [(np.array([(-0.886, -0.886), (0.886, -0.886), (0.886, 0.886), (-0.886, 0.886)]), 1)]
