"""Look a dataset over before a study spends hours on it: every file decoded, every id accounted for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from qpm.datasets.davis import DavisConfig
from qpm.datasets.folder import FolderConfig
from qpm.datasets.layout import object_ids
from qpm.datasets.synthetic import SyntheticConfig
from qpm.datasets.video import Dataset, Video
from qpm.datasets.youtube_vos import YoutubeVosConfig

Config = SyntheticConfig | DavisConfig | YoutubeVosConfig | FolderConfig

DAVIS_SEQUENCES = {(2016, "train"): 30, (2016, "val"): 20, (2017, "train"): 60, (2017, "val"): 30}


@dataclass(frozen=True)
class Report:
    """What a dataset holds and what is wrong with it.

    `masks` counts the frames with truth or a given mask. `faults` would spoil a study; `notes` are worth knowing.
    """

    dataset: str
    videos: int = 0
    frames: int = 0
    masks: int = 0
    objects: int = 0
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def check(config: Config, progress: Callable[[int, int], None] | None = None) -> Report:
    """Open a dataset, decode every frame and mask, and report counts and faults; raises nothing.

    Parameters
    ----------
    config : a dataset configuration
    progress : callable, optional
        Called with (videos done, videos) after each video.
    """
    try:
        dataset = config.open()
    except (OSError, ValueError) as error:
        return Report(config.name, faults=(str(error),))
    faults: list[str] = []
    frames = masks = objects = 0
    for index, name in enumerate(dataset.names()):
        try:
            video = dataset[index]
            frames, objects = frames + len(video), objects + len(video.object_ids)
            masks += sum(video.has_truth(i) or i in video.first_frames.values() for i in range(len(video)))
            faults += [f"{name}: {fault}" for fault in video_faults(video)]
        except ValueError as error:
            faults.append(str(error))
        if progress is not None:
            progress(index + 1, len(dataset))
    notes = tuple(davis_notes(config, dataset)) if isinstance(config, DavisConfig) else ()
    return Report(dataset.name, len(dataset), frames, masks, objects, tuple(faults), notes)


def video_faults(video: Video) -> Iterator[str]:
    """Broken files, other sizes and first masks without their object; then ids that no given mask introduces."""
    strange: dict[str, set[int]] = {}  # frame -> ids
    for index, stem in enumerate(video.frame_names):
        try:
            frame, truth, given = video.read_frame(index), video.read_labels(index), video.given(index)
        except (OSError, ValueError) as error:
            yield str(error)
            continue
        for what, size in (
            ("frame", frame.shape[:2]),
            ("mask", video.size if truth is None else truth.shape),
        ):
            if size != video.size:
                yield f"{what} {stem} is {size}, the first frame {video.size} (height, width)"
        for object_id in video.object_ids:
            if video.first_frames[object_id] == index and (given is None or not (given == object_id).any()):
                yield f"object {object_id} is given in frame {stem}, whose mask does not show it"
        known = {i for i in video.object_ids if video.first_frames[i] <= index}
        if truth is not None and set(object_ids(truth)) - known:
            strange[stem] = set(object_ids(truth)) - known
    if strange:
        ids, first = sorted(set().union(*strange.values())), next(iter(strange))
        yield f"{len(strange)} masks from {first} on hold ids {ids}, which no mask has given by then"


def davis_notes(config: DavisConfig, dataset: Dataset) -> Iterator[str]:
    """How many of the published sequences of the split are there, if not all."""
    published = DAVIS_SEQUENCES.get((config.year, config.split))
    if config.sequences is None and published is not None and len(dataset) != published:
        yield f"{len(dataset)} of the {published} sequences of DAVIS-{config.year} {config.split}"
