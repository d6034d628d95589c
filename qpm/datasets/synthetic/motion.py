"""Courses over time: smooth wandering, events, crossings, sweeps and exits, as arrays of one value per frame."""

from __future__ import annotations

import numpy as np

Event = tuple[float, float]  # first and last frame of the event's height


def wander(rng: np.random.Generator, frames: int, low: float, high: float, speed: float) -> np.ndarray:
    """A smooth course between two bounds at about the given rms speed (per frame), float64 (frames,)."""
    reach = max(high - low, 0.0) / 2
    if reach < 1:
        return np.full(frames, (low + high) / 2)
    rate = min(speed / (0.55 * reach), 2 * np.pi / 10)
    time = np.arange(frames)
    course = 0.75 * np.sin(rate * time + rng.uniform(0, 2 * np.pi))
    course += 0.25 * np.sin(1.73 * rate * time + rng.uniform(0, 2 * np.pi))
    return (low + high) / 2 + reach * course


def wave(rng: np.random.Generator, frames: int, height: float, period: tuple[float, float]) -> np.ndarray:
    """A sine of random period and phase that starts anywhere, float64 (frames,)."""
    return height * np.sin(2 * np.pi * np.arange(frames) / rng.uniform(*period) + rng.uniform(0, 2 * np.pi))


def events(rng: np.random.Generator, frames: int, every: int, span: tuple[int, int]) -> list[Event]:
    """Events `every` so many frames on average, each `span` frames long; none before the first third of a period."""
    if not every:
        return []
    starts, start = [], every * rng.uniform(0.35, 0.8)
    while start < frames:
        starts.append(start)
        start += every * rng.uniform(0.75, 1.25)
    return [(round(s), round(s) + int(rng.integers(span[0], span[1] + 1)) - 1) for s in starts]


def plateau(frames: int, when: list[Event], ramp: float) -> np.ndarray:
    """1 during the events, 0 elsewhere, with smooth ramps of so many frames outside them, float64 (frames,)."""
    time = np.arange(frames)
    height = np.zeros(frames)
    for first, last in when:
        outside = np.maximum(np.maximum(first - time, time - last), 0) / ramp
        height = np.maximum(height, 1 - smooth(outside))
    return height


def smooth(share: np.ndarray) -> np.ndarray:
    """The smooth step of a share: 0 below 0, 1 above 1."""
    share = np.clip(share, 0, 1)
    return share * share * (3 - 2 * share)


def steps(frames: int, when: list[Event], ramp: float) -> np.ndarray:
    """Counts the events so far, each counted in over `ramp` frames, float64 (frames,)."""
    time = np.arange(frames)
    return np.sum([smooth((time - first) / ramp) for first, _ in when], axis=0) if when else np.zeros(frames)


def passing(rng: np.random.Generator, frames: int, every: int, reach: float) -> np.ndarray:
    """A signed distance that swings through 0 every so many frames, up to `reach` between, float64 (frames,)."""
    side = rng.choice([-1, 1])
    return side * reach * np.cos(np.pi * (np.arange(frames) / every + rng.uniform(-0.15, 0.1)))


def sweep(frames: int, event: Event, margin: float) -> np.ndarray:
    """Distance of something that passes: within `margin` during the event, faster and faster around it."""
    middle, half = (event[0] + event[1]) / 2, (event[1] - event[0] + 1) / 2
    time = (np.arange(frames) - middle) / half
    return margin * time * (1 + 0.5 * time * time)
