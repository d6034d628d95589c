"""A scene: who is in the video, where each one is in each frame, and what the camera and the light do."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from qpm.datasets.synthetic import motion
from qpm.datasets.synthetic.challenges import Challenge
from qpm.datasets.synthetic.shapes import CATEGORIES
from qpm.datasets.synthetic.textures import Look

HEIGHT, WIDTH = 192, 336
SHRINK = {1: 1.1, 2: 0.92, 3: 0.8}  # radius by number of labelled objects
ENTRY = 7  # frames that leaving or entering takes


@dataclass
class Course:
    """Where one actor is, one value per frame: pixels, degrees, and deformation in radii."""

    x: np.ndarray
    y: np.ndarray
    angle: np.ndarray
    size: np.ndarray
    aspect: np.ndarray  # width over height
    bend: np.ndarray
    wave: np.ndarray
    phase: np.ndarray
    look: np.ndarray  # 0 first look, 1 second, ...; cross-faded between
    above: np.ndarray  # depth: higher is painted later


@dataclass
class Actor:
    """Something that is painted: an object (label 1, 2, 3) or an unlabelled thing (label 0)."""

    label: int
    category: str
    seed: int
    looks: tuple[Look, ...]
    course: Course
    given: int = 0


@dataclass
class Scene:
    """All that the renderer needs; arrays hold one value per frame."""

    frames: int
    actors: list[Actor]
    backdrop: int  # seed of the background
    pool: str
    clutter: int
    camera: np.ndarray  # (frames, 2), pixels
    shake: np.ndarray  # (frames, 2), pixels smeared along x and y
    light: np.ndarray  # factor on the brightness
    shutter: float = 0.0
    objects: list[Actor] = field(init=False)

    def __post_init__(self) -> None:
        self.objects = [actor for actor in self.actors if actor.label]


def plan(rng: np.random.Generator, challenge: Challenge, frames: int, categories: tuple[str, ...], pool: str) -> Scene:
    """Draw a scene of a challenge: objects first, then what disturbs them, then camera and light."""
    count = int(rng.integers(challenge.objects[0], challenge.objects[1] + 1))
    objects = [_object(rng, challenge, frames, label, count, categories, pool) for label in range(1, count + 1)]
    others = [_lookalike(rng, challenge, frames, objects[i % count]) for i in range(challenge.lookalikes)]
    height = motion.plateau(frames, motion.events(rng, frames, challenge.bursts_every, challenge.burst), ramp=1.5)
    heading = motion.wander(rng, frames, -np.pi, np.pi, 0.3)
    return Scene(
        frames=frames,
        actors=[*objects, *others, *_occluders(rng, challenge, frames, objects)],
        backdrop=int(rng.integers(2**31)),
        pool=pool,
        clutter=challenge.clutter,
        camera=np.stack([motion.wander(rng, frames, -reach, reach, challenge.pan) for reach in (40, 16)], 1),
        shake=challenge.blur * height[:, None] * np.stack([np.cos(heading), np.sin(heading)], 1),
        light=1 - challenge.dim * height,
        shutter=challenge.shutter,
    )


def _object(
    rng: np.random.Generator, challenge: Challenge, frames: int, label: int, count: int, categories: tuple[str, ...], pool: str
) -> Actor:
    category = categories[int(rng.integers(len(categories)))]
    patterns = CATEGORIES[category].patterns
    looks = [_look(rng, patterns, pool)]
    if challenge.looks_every:
        looks += [_look(rng, ("clouds", "stripes", "cells", "spots", "photo"), pool) for _ in range(2)]
    course = _course(rng, challenge, frames, label - 1, count)
    given = 0
    if challenge.late and label > 1:
        given = int(rng.integers(challenge.late[0], challenge.late[1] + 1))
        _leave(course, [(-frames, given - ENTRY)], outward=1.0 if label == 3 else rng.choice([-1.0, 1.0]))
    outings = motion.events(rng, frames, challenge.exits_every, challenge.away)
    if outings and (label == 1 or rng.random() < 0.5):
        _leave(course, outings, outward=0.0)
    return Actor(label, category, int(rng.integers(2**31)), tuple(looks), course, given)


def _look(rng: np.random.Generator, patterns: tuple[str, ...], pool: str) -> Look:
    pattern = patterns[int(rng.integers(len(patterns)))]
    return Look(pattern, float(rng.random()), float(rng.uniform(0.5, 1.0)), int(rng.integers(2**31)), pool)


def _course(rng: np.random.Generator, challenge: Challenge, frames: int, place: int, count: int) -> Course:
    """An object's own wandering inside its part of the frame."""
    radius = rng.uniform(*challenge.radius) * SHRINK[count]
    column = WIDTH / count
    low = place * column * (1 - challenge.together)
    high = WIDTH - (count - 1 - place) * column * (1 - challenge.together)
    room = 1.05 * radius
    looks = motion.events(rng, frames, challenge.looks_every, (1, 1))
    turned = motion.steps(frames, looks, ramp=5)
    squash = 1 - 0.6 * np.sin(np.pi * (turned % 1.0))
    spin = np.cumsum(motion.wander(rng, frames, -1.6 * challenge.turn, 1.6 * challenge.turn, challenge.turn / 6))
    return Course(
        x=motion.wander(rng, frames, low + room, high - room, challenge.speed),
        y=motion.wander(rng, frames, room, HEIGHT - room, 0.6 * challenge.speed),
        angle=spin + rng.uniform(-25, 25),
        size=radius * challenge.zoom ** motion.wave(rng, frames, 1.0, (35, 60)),
        aspect=squash,
        bend=motion.wave(rng, frames, challenge.deform, (14, 26)),
        wave=motion.wave(rng, frames, 0.7 * challenge.deform, (12, 22)),
        phase=np.arange(frames) * rng.uniform(0.1, 0.25),
        look=turned,
        above=np.full(frames, float(place)),
    )


def _leave(course: Course, outings: list[motion.Event], outward: float) -> None:
    """Move a course out of the frame during the outings: to the nearer side, or to the side given (-1 left, 1 right)."""
    for first, last in outings:
        middle = int(np.clip(first, 0, len(course.x) - 1))
        side = outward or (1.0 if course.x[middle] > WIDTH / 2 else -1.0)
        beyond = 2.6 * course.size.max()
        goal = WIDTH + beyond if side > 0 else -beyond
        share = motion.plateau(len(course.x), [(first, last)], ramp=ENTRY)
        course.x = course.x * (1 - share) + goal * share


def _lookalike(rng: np.random.Generator, challenge: Challenge, frames: int, original: Actor) -> Actor:
    """An unlabelled object of the same family that passes through the original, or shares the frame with it."""
    degrees = rng.uniform(*challenge.resemblance) * rng.choice([-1, 1])
    looks = (original.looks[0].turned(degrees, int(rng.integers(2**31))),)
    course = _course(rng, challenge, frames, 0, 1)
    course.size = course.size * original.course.size.mean() / course.size.mean()
    course.look = np.zeros(frames)
    course.aspect = np.ones(frames)
    course.above = np.full(frames, rng.choice([-1.0, 5.0]))
    if challenge.crossings_every:
        offset = motion.passing(rng, frames, challenge.crossings_every, reach=130)
        slope = motion.wander(rng, frames, -0.45, 0.45, 0.03)
        present = np.clip(original.course.x, 0.2 * WIDTH, 0.8 * WIDTH)  # stays when the original leaves
        course.x = present + offset * np.cos(slope)
        course.y = original.course.y + offset * np.sin(slope)
    return Actor(0, original.category, int(rng.integers(2**31)), looks, course)


def _occluders(rng: np.random.Generator, challenge: Challenge, frames: int, objects: list[Actor]) -> list[Actor]:
    """One thing per occlusion, wide enough to hide its object for the event's frames."""
    return [
        _occluder(rng, frames, event, objects[i % len(objects)])
        for i, event in enumerate(motion.events(rng, frames, challenge.occlusions_every, challenge.occluded))
    ]


def _occluder(rng: np.random.Generator, frames: int, event: motion.Event, target: Actor) -> Actor:
    middle = int(np.clip((event[0] + event[1]) / 2, 0, frames - 1))
    size = float(target.course.size[middle])
    half = 1.5 * size
    margin = rng.uniform(0.3, 0.5) * size
    still = np.ones(frames)
    category = "board" if rng.random() < 0.5 else "pebble"
    course = Course(
        x=target.course.x[middle] + rng.choice([-1, 1]) * motion.sweep(frames, event, margin),
        y=np.full(frames, target.course.y[middle]),
        angle=still * rng.uniform(-15, 15),
        size=still * half * 1.1,
        aspect=still * rng.uniform(0.9, 1.15),
        bend=0 * still,
        wave=0 * still,
        phase=0 * still,
        look=0 * still,
        above=9 * still,
    )
    looks = (Look("photo", float(rng.random()), float(rng.uniform(0.4, 0.9)), int(rng.integers(2**31)), target.looks[0].pool),)
    return Actor(0, category, int(rng.integers(2**31)), looks, course)
