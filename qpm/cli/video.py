"""`qpm segment`: follow the objects of a first mask through a video of one's own."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from qpm.cli.faults import validated
from qpm.cli.output import counted

if TYPE_CHECKING:
    import torch

    from qpm.inference import Ensemble

Item = TypeVar("Item")


class Precision(StrEnum):
    """What the network computes in."""

    auto = "auto"
    full = "32"
    bfloat16 = "bf16"


Source = Annotated[
    Path, typer.Argument(metavar="FRAMES_DIR|VIDEO", help="Folder of frames, or a video file.")
]
Masks = Annotated[
    list[str],
    typer.Option(
        metavar="[FRAME=]PNG",
        help="PNG whose values are the objects' ids, of the first frame or of FRAME; repeat it for objects that "
        "enter later, or give a folder of masks named like their frames.",
    ),
]
Out = Annotated[Path, typer.Option(help="Folder for masks and scores.csv.")]
MaskColours = Annotated[
    bool, typer.Option("--mask-colours", help="Each colour of the masks is an object, black the background.")
]
CleanMask = Annotated[
    bool, typer.Option("--clean-mask", help="Give the pixels of smoothed edges to the areas beside them.")
]
Weights = Annotated[
    list[str] | None,
    typer.Option(help="Shipped weights by name, or a file (default: half_long). Several make an ensemble."),
]
Flip = Annotated[
    bool, typer.Option("--flip", help="Average with the answers for the mirrored video: twice the time.")
]
Policy = Annotated[str, typer.Option(metavar="NAME|JSON", help="Memory policy (`qpm list policies`).")]
Probabilities = Annotated[bool, typer.Option("--save-probabilities", help="Also probabilities/*.npz.")]
Overlay = Annotated[
    Path | None, typer.Option(metavar="CLIP.mp4", help="Also a clip: outlined objects, scores, memory.")
]
MaxSide = Annotated[
    int | None, typer.Option(min=32, help="Work at this longer side; masks keep the input's size.")
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")]
Precisions = Annotated[
    Precision,
    typer.Option(help="auto: bf16 where the machine has it, 32 bit where probabilities are saved."),
]


def segment(
    source: Source,
    mask: Masks,
    out: Out,
    mask_colours: MaskColours = False,
    clean_mask: CleanMask = False,
    weights: Weights = None,
    flip: Flip = False,
    policy: Policy = "qpm",
    save_probabilities: Probabilities = False,
    overlay: Overlay = None,
    max_side: MaxSide = None,
    device: Device = "auto",
    precision: Precisions = Precision.auto,
) -> None:
    """Segment a video, given the mask of its first frame.

    \b
    Examples:
      qpm segment frames/ --mask first.png --out masks/
      qpm segment clip.mp4 --mask first.png --out masks/ --overlay look.mp4 --max-side 480
      qpm segment clip.mp4 --mask 00000=a.png --mask 00042=b.png --out masks/
      qpm segment frames/ --mask first.png --out masks/ --policy '{"preset": "qpm", "keep": {"sigma_m": 0.6}}'
    """
    from qpm import video_io
    from qpm.devices import choose_device, choose_dtype
    from qpm.inference import propagate, resolve
    from qpm.memory import MemoryPolicy
    from qpm.segment import Course, annotated, frame_rate, open_video, save, vanishing

    if source.is_dir() and out.resolve() == source.resolve():
        raise ValueError(f"--out {out} is the folder of the frames; the masks would replace them")
    chosen = validated(MemoryPolicy, parsed(policy))
    video = open_video(source, mask, mask_colours, clean_mask)
    tell(vanishing(video, max_side))
    place = choose_device(device)
    network = loaded(weights or ["half_long"], flip, place)
    numbers_matter = save_probabilities and precision is Precision.auto
    dtype = choose_dtype("32" if numbers_matter else precision.value, place)
    plain = resolve(chosen, network, video, max_side=max_side, dtype=dtype)
    results = propagate(
        network, video, plain, max_side=max_side, keep_probabilities=save_probabilities, dtype=dtype
    )
    course, count = Course(), len(video) - min(video.first_frames.values())
    saved = with_progress(save(course.watch(results), out, save_probabilities), count, video.name)
    if overlay is None:
        deque(saved, maxlen=0)
    else:
        video_io.write_video(overlay, annotated(saved, video, plain), rate=frame_rate(source))
    tell([*course.growth(plain), *course.lost()])
    typer.echo(f"{count} masks and scores.csv in {out}" + (f", overlay {overlay}" if overlay else ""))


def loaded(weights: Sequence[str], flip: bool, device: torch.device) -> Ensemble:
    """The networks as one, on a device."""
    from qpm.inference import Ensemble
    from qpm.model import load_network

    network = Ensemble.of([load_network(name).to(device) for name in weights], flip)
    if len(network.members) > 1:
        tell([f"the mean of the soft maps of {len(network.members)} networks, our reading of an ensemble"])
    return network


def tell(notes: Iterable[str]) -> None:
    """Print notes to stderr."""
    for note in notes:
        typer.echo(f"note: {note}", err=True)


def parsed(policy: str) -> Any:
    """A policy's JSON, or its name."""
    if not policy.lstrip().startswith("{"):
        return policy
    try:
        return json.loads(policy)
    except json.JSONDecodeError as error:
        raise ValueError(f"--policy is neither a name nor valid JSON: {error}") from None


def with_progress(items: Iterable[Item], total: int, label: str) -> Iterator[Item]:
    """Pass items on, and show how many of them there were and how long is left."""
    with counted(label) as tell:
        for done, item in enumerate(items, start=1):
            tell(done, total)
            yield item
