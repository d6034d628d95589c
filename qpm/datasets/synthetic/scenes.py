"""A scene: who is in the video, and what the camera and the light do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qpm.datasets.synthetic import motion
from qpm.datasets.synthetic.actors import Actor, Setting, labelled, lookalike, occluder


@dataclass(frozen=True)
class Scene:
    """All that the renderer needs; arrays hold one value per frame."""

    frames: int
    actors: list[Actor]
    backdrop: int  # seed of the background
    pool: str  # of photographs
    clutter: int  # still things on the background
    camera: np.ndarray  # (frames, 2), pixels
    shake: np.ndarray  # (frames, 2), pixels smeared along x and y
    light: np.ndarray  # factor on the brightness
    shutter: float  # share of each actor's own motion that is smeared

    @property
    def objects(self) -> list[Actor]:
        """The labelled actors, by label."""
        return [actor for actor in self.actors if actor.label]


def plan(rng: np.random.Generator, setting: Setting) -> Scene:
    """Draw a scene: objects first, then what disturbs them, then camera and light."""
    challenge, frames = setting.challenge, setting.frames
    count = int(rng.integers(challenge.objects[0], challenge.objects[1] + 1))
    objects: list[Actor] = []
    for label in range(1, count + 1):
        objects.append(labelled(rng, setting, label, count, model=objects[0] if objects else None))
    others = [lookalike(rng, setting, objects[i % count]) for i in range(challenge.lookalikes)]
    hidden = motion.events(rng, frames, challenge.occlusions_every, challenge.occluded)
    occluders = [occluder(rng, event, objects[i % count]) for i, event in enumerate(hidden)]
    bursts = motion.events(rng, frames, challenge.bursts_every, challenge.burst)
    height = motion.plateau(frames, bursts, ramp=1.5)
    heading = motion.wander(rng, frames, -np.pi, np.pi, 0.3)
    return Scene(
        frames=frames,
        actors=[*objects, *others, *occluders],
        backdrop=int(rng.integers(2**31)),
        pool=setting.pool,
        clutter=challenge.clutter,
        camera=np.stack([motion.wander(rng, frames, -reach, reach, challenge.pan) for reach in (40, 16)], 1),
        shake=challenge.blur * height[:, None] * np.stack([np.cos(heading), np.sin(heading)], 1),
        light=1 - challenge.dim * height,
        shutter=challenge.shutter,
    )
