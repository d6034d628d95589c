"""The ten challenges and every number that makes them hard: the one table to tune.

How to make a study find more (each pulls on another part of a memory):

* `looks_every` about a third of the video, with covers or exits of 3 to 6 frames and no look-alikes: frames between the
  first and the previous matter.
* `crossings_every` lower, `resemblance` smaller: masks slip onto a look-alike, and an ungated memory keeps them.
* `bursts_every` lower, `burst`, `blur` and `dim` higher: masks break for some frames, and mend.
* `away` and `occluded` longer: what was remembered before is all that is left. More of the result is luck, too: an
  object that turns while it is hidden is lost for long, whatever the memory, and such spread hides effects.

Lengths are in frames, speeds in root mean square pixels per frame at 192 x 336. The datasets' fingerprints hold
this table, so a change here makes results of another dataset.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

Span = tuple[int, int]


@dataclass(frozen=True)
class Challenge:
    """What happens in a video. A period (`..._every`, mean frames from one event to the next) of 0 means never."""

    objects: Span = (1, 2)  # how many are labelled
    radius: tuple[float, float] = (33, 46)  # of the disc of equal area; several objects are smaller
    speed: float = 1.5
    together: float = 0.0  # 0: each object keeps to its own column of the frame; 1: all share the frame
    turn: float = 0.5  # rms degrees per frame, in the plane
    zoom: float = 1.06  # largest factor, up and down
    deform: float = 0.03  # bends and waves, in radii
    alike: bool = False  # the labelled objects are of one family, too
    lookalikes: int = 0  # unlabelled objects of the same family
    resemblance: tuple[float, float] = (25, 60)  # degrees of hue between an object and its look-alikes
    crossings_every: int = 0  # a look-alike passes over or under the object
    occlusions_every: int = 0  # an unlabelled thing sweeps over the object
    occluded: Span = (3, 6)  # frames of (almost) total cover
    exits_every: int = 0  # the object leaves the frame
    away: Span = (5, 12)  # frames outside
    looks_every: int = 0  # the object turns another texture to the camera
    bursts_every: int = 0  # camera shake and darkness
    burst: Span = (3, 7)  # frames
    blur: float = 0.0  # pixels smeared at a burst's height
    dim: float = 0.0  # light lost at a burst's height, 0..1
    shutter: float = 0.0  # share of each object's own motion that is smeared
    late: Span | None = None  # frames at which the second and third objects are given
    pan: float = 0.5  # camera, pixels per frame
    clutter: int = 2  # painted on the background


CHALLENGES: dict[str, Challenge] = {
    "similar_objects": Challenge(
        objects=(1, 2), speed=2.5, together=0.6, alike=True, lookalikes=2, resemblance=(40, 80), crossings_every=20,
        bursts_every=25, blur=9, dim=0.5,
    ),
    "occlusion": Challenge(
        objects=(1, 2), speed=2.0, lookalikes=1, resemblance=(60, 120), crossings_every=33, occlusions_every=18,
        occluded=(3, 5),
    ),
    "appearance_change": Challenge(
        objects=(1, 2), speed=2.0, turn=1.0, looks_every=36, occlusions_every=22, occluded=(3, 5),
    ),
    "out_of_view": Challenge(
        objects=(1, 2), speed=2.0, turn=1.0, exits_every=26, away=(3, 6), looks_every=36,
    ),
    "late_object": Challenge(
        objects=(2, 3), speed=3.0, late=(8, 28), lookalikes=1, crossings_every=30, bursts_every=25, blur=9, dim=0.5,
    ),
    "motion_blur": Challenge(
        objects=(1, 2), speed=4.0, shutter=0.7, bursts_every=16, burst=(3, 7), blur=22, dim=0.8, lookalikes=1,
        crossings_every=35,
    ),
    "deformation": Challenge(objects=(1, 2), speed=2.0, turn=3.0, deform=0.42, lookalikes=1, crossings_every=35),
    "clean": Challenge(clutter=0),
    "fast_motion": Challenge(
        objects=(1, 2), speed=11.0, together=1.0, turn=3.0, shutter=0.35, lookalikes=1, bursts_every=20, blur=18,
        dim=0.7,
    ),
    "scale_rotation": Challenge(
        objects=(1, 2), radius=(28, 38), turn=7.0, zoom=1.5, speed=7.0, lookalikes=1, resemblance=(60, 120),
    ),
}


def for_training(challenge: Challenge) -> Challenge:
    """The milder form that the training stream shows: 1 to 3 objects, shorter and weaker events, more of them."""

    def sooner(period: int) -> int:
        return min(period, 13) if period else 0

    return replace(
        challenge,
        objects=(1, 3),
        speed=0.7 * challenge.speed,
        turn=0.7 * challenge.turn,
        zoom=challenge.zoom**0.6,
        deform=0.7 * challenge.deform,
        crossings_every=sooner(challenge.crossings_every),
        occlusions_every=sooner(challenge.occlusions_every),
        occluded=(1, 3),
        exits_every=sooner(challenge.exits_every),
        away=(2, 5),
        looks_every=sooner(challenge.looks_every),
        bursts_every=sooner(challenge.bursts_every),
        burst=(2, 4),
        blur=0.6 * challenge.blur,
        dim=0.7 * challenge.dim,
        late=(4, 10) if challenge.late else None,
    )
