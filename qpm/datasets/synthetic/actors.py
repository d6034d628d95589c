"""Who plays in a scene: labelled objects, their unlabelled look-alikes, and things that hide them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from qpm.datasets.synthetic import motion
from qpm.datasets.synthetic.challenges import Challenge
from qpm.datasets.synthetic.shapes import CATEGORIES
from qpm.datasets.synthetic.textures import Look

HEIGHT, WIDTH = 192, 336
SHRINK = {1: 1.1, 2: 0.92, 3: 0.8}  # factor on the radius by number of labelled objects
OTHER_SIDES = ("clouds", "stripes", "cells", "spots", "photo")  # patterns that an object may turn up
ENTRY = 7  # frames that leaving or entering takes
UNDER, OVER, FRONT = -1.0, 5.0, 9.0  # depths of unlabelled actors; labelled objects have 0, 1, 2


@dataclass(frozen=True)
class Course:
    """Where one actor is, one value per frame: pixels, degrees, and deformation in radii."""

    x: np.ndarray
    y: np.ndarray
    angle: np.ndarray
    size: np.ndarray  # radius of the disc of equal area
    aspect: np.ndarray  # width over height
    bend: np.ndarray
    wave: np.ndarray
    phase: np.ndarray  # of the wave, radians
    look: np.ndarray  # 0 first look, 1 second, ...; cross-faded between
    above: np.ndarray  # depth: higher is painted later


@dataclass(frozen=True)
class Actor:
    """Something that is painted: an object (label 1, 2, 3) or an unlabelled thing (label 0)."""

    label: int
    category: str
    seed: int  # of its outline
    looks: tuple[Look, ...]
    course: Course
    given: int = 0  # frame in which its mask is given


@dataclass(frozen=True)
class Setting:
    """What a scene is drawn for: its challenge, its length, and the families and photographs allowed."""

    challenge: Challenge
    frames: int
    categories: tuple[str, ...]
    pool: str


def labelled(rng: np.random.Generator, setting: Setting, label: int, count: int, model: Actor | None) -> Actor:
    """Object `label` of `count`; `model` is the first one, which the others resemble where the challenge says so."""
    challenge, frames = setting.challenge, setting.frames
    category, look = clothed(rng, setting, model if challenge.alike else None)
    others = [Look.drawn(rng, OTHER_SIDES, setting.pool) for _ in range(2)] if challenge.looks_every else []
    course, given = wandering(rng, setting, label - 1, count), 0
    if challenge.late and label > 1:
        given = int(rng.integers(challenge.late[0], challenge.late[1] + 1))
        side = 1 if label == 3 else int(rng.choice([-1, 1]))
        course = leaving(course, [(-frames, given - ENTRY)], side)
    outings = motion.events(rng, frames, challenge.exits_every, challenge.away)
    if label == 1 or rng.random() < 0.5:
        course = leaving(course, outings)
    return Actor(label, category, int(rng.integers(2**31)), (look, *others), course, given)


def clothed(rng: np.random.Generator, setting: Setting, model: Actor | None) -> tuple[str, Look]:
    """A family and its look: drawn freely, or of the model's family in a turned look."""
    if model is None:
        category = setting.categories[int(rng.integers(len(setting.categories)))]
        return category, Look.drawn(rng, CATEGORIES[category].patterns, setting.pool)
    degrees = rng.uniform(*setting.challenge.resemblance) * rng.choice([-1, 1])
    return model.category, model.looks[0].turned(degrees, int(rng.integers(2**31)))


def wandering(rng: np.random.Generator, setting: Setting, place: int, count: int) -> Course:
    """The course of an actor by itself, inside its part of the frame: column `place` of `count`."""
    challenge, frames = setting.challenge, setting.frames
    radius = rng.uniform(*challenge.radius) * SHRINK[count]
    own = WIDTH / count * (1 - challenge.together)
    turned = motion.steps(frames, motion.events(rng, frames, challenge.looks_every, (1, 1)), ramp=5)
    fastest, room = 1.6 * challenge.turn, 1.05 * radius
    spin = np.cumsum(motion.wander(rng, frames, -fastest, fastest, challenge.turn / 6))
    return Course(
        x=motion.wander(
            rng, frames, place * own + room, WIDTH - (count - 1 - place) * own - room, challenge.speed
        ),
        y=motion.wander(rng, frames, room, HEIGHT - room, 0.6 * challenge.speed),
        angle=spin + rng.uniform(-25, 25),
        size=radius * challenge.zoom ** motion.wave(rng, frames, 1.0, (35, 60)),
        aspect=1 - 0.6 * np.sin(np.pi * (turned % 1.0)),  # thin while it turns its other side
        bend=motion.wave(rng, frames, challenge.deform, (14, 26)),
        wave=motion.wave(rng, frames, 0.7 * challenge.deform, (12, 22)),
        phase=np.arange(frames) * rng.uniform(0.1, 0.25),
        look=turned,
        above=np.full(frames, float(place)),
    )


def leaving(course: Course, outings: list[motion.Event], side: int = 0) -> Course:
    """The course, out of the frame during the outings: to the left (-1), the right (1), or the nearer side (0)."""
    x = course.x
    for first, last in outings:
        nearer = 1 if x[np.clip(first, 0, len(x) - 1)] > WIDTH / 2 else -1
        beyond = 2.6 * course.size.max()
        goal = WIDTH + beyond if (side or nearer) > 0 else -beyond
        share = motion.plateau(len(x), [(first, last)], ramp=ENTRY)
        x = x * (1 - share) + goal * share
    return replace(course, x=x)


def lookalike(rng: np.random.Generator, setting: Setting, original: Actor) -> Actor:
    """An unlabelled object of the same family that passes through the original, or only shares the frame."""
    challenge, frames = setting.challenge, setting.frames
    category, look = clothed(rng, setting, original)
    course = wandering(rng, setting, 0, 1)
    x, y = course.x, course.y
    if challenge.crossings_every:
        offset = motion.passing(rng, frames, challenge.crossings_every, reach=130)
        slope = motion.wander(rng, frames, -0.45, 0.45, 0.03)
        staying = np.clip(
            original.course.x, 0.2 * WIDTH, 0.8 * WIDTH
        )  # in the frame while the original is away
        x, y = staying + offset * np.cos(slope), original.course.y + offset * np.sin(slope)
    course = replace(
        course,
        x=x,
        y=y,
        size=course.size * original.course.size.mean() / course.size.mean(),
        look=np.zeros(frames),
        aspect=np.ones(frames),
        above=np.full(frames, rng.choice([UNDER, OVER])),
    )
    return Actor(0, category, int(rng.integers(2**31)), (look,), course)


def occluder(rng: np.random.Generator, event: motion.Event, target: Actor) -> Actor:
    """Something that sweeps over the target and hides it during the event's frames."""
    frames = len(target.course.x)
    middle = min(round((event[0] + event[1]) / 2), frames - 1)
    size = float(target.course.size[middle])
    sweep = motion.sweep(frames, event, margin=rng.uniform(0.3, 0.5) * size)
    still = np.ones(frames)
    course = Course(
        x=target.course.x[middle] + rng.choice([-1, 1]) * sweep,
        y=target.course.y[middle] * still,
        angle=rng.uniform(-15, 15) * still,
        size=1.65 * size * still,
        aspect=rng.uniform(0.9, 1.15) * still,
        bend=0 * still,
        wave=0 * still,
        phase=0 * still,
        look=0 * still,
        above=FRONT * still,
    )
    category = "board" if rng.random() < 0.5 else "pebble"
    look = Look.drawn(rng, ("photo",), target.looks[0].pool)
    return Actor(0, category, int(rng.integers(2**31)), (look,), course)
