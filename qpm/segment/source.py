"""A video of one's own: a folder of frames or a video file, with masks at one frame or more."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from qpm import video_io
from qpm.datasets.folder import own_video
from qpm.datasets.layout import SequenceFiles, image_files
from qpm.datasets.video import Video
from qpm.images import image_size
from qpm.names import unknown

log = logging.getLogger(__name__)

FOLDER_RATE = 24.0  # of an overlay over frames that carry no times


def open_video(
    source: Path, masks: Path | Sequence[str | Path], colours: bool = False, clean: bool = False
) -> Video:
    """The video in a folder of frames or a video file, with given masks.

    Parameters
    ----------
    source : Path
        A folder of frames, or a video file; the frames of a file are named 00000, 00001, ...
    masks : Path, or a sequence
        A mask of the first frame, or of the frame that it is named like; ``FRAME=FILE`` says which. Or a folder of
        masks named like their frames. Objects may enter late: each is taken from the first mask that holds it.
    colours, clean : bool
        See `qpm.datasets.given_masks.MaskReader`.

    Raises
    ------
    FileNotFoundError, ValueError
        If there are no frames, or a mask is missing, broken, of another size, without a new object, or of no frame.
    """
    if source.is_dir():
        files = SequenceFiles(source.resolve().name, image_files(source), {})
        if not files.frames:
            raise FileNotFoundError(f"no frames (.jpg or .png) in {source.absolute()}")
        name, stems, size, read = files.name, files.stems, files.size(), files.read_frame
    else:
        clip = video_io.open_clip(source)
        name, stems, size, read = source.stem, clip.frame_names, clip.size, clip.read_frame
    items = [masks] if isinstance(masks, str | Path) else list(masks)
    placed = place(items, stems)
    for path in placed.values():
        if image_size(path) != size:
            raise ValueError(
                f"mask {path} is {image_size(path)}, the frames of {source} are {size} (height, width); draw it at "
                "the size of the frames"
            )
    video = own_video(name, stems, size, read, placed, colours, clean)
    if len(items) > 1:
        tell_repeats(video, placed)
    return video


def place(items: Sequence[str | Path], stems: tuple[str, ...]) -> dict[int, Path]:
    """Index of a frame -> its mask, from ``FRAME=FILE``, a file, or a folder of files named like their frames.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file or frame, or a frame has two masks.
    """
    placed: dict[int, Path] = {}
    for item in items:
        frame, equals, file = str(item).partition("=")
        named = bool(equals) and not Path(item).exists()
        path = Path(file if named else item)
        if path.is_dir() and not named:
            found = {frame_index(stem, stems): inner for stem, inner in image_files(path, (".png",)).items()}
        elif named:
            found = {frame_index(frame, stems): path}
        else:
            found = {stems.index(path.stem) if path.stem in stems else 0: path}
        for index, one in found.items():
            if index in placed:
                raise ValueError(
                    f"frame {stems[index]} has two masks, {placed[index]} and {one}; use --mask FRAME=FILE"
                )
            if not one.is_file():
                raise FileNotFoundError(f"no mask {one}")
            placed[index] = one
    if not placed:
        raise FileNotFoundError(f"no masks (.png) in {', '.join(map(str, items))}")
    return dict(sorted(placed.items()))


def frame_index(name: str, stems: tuple[str, ...]) -> int:
    """The frame of a name, or of a number as it stands in the name: 42 is 00042.

    Raises
    ------
    ValueError
        If there is no such frame.
    """
    if name in stems:
        return stems.index(name)
    equal = [
        k for k, stem in enumerate(stems) if name.isdigit() and stem.isdigit() and int(stem) == int(name)
    ]
    if len(equal) == 1:
        return equal[0]
    if len(stems) > 10:
        raise ValueError(f"a mask is of frame '{name}', but the frames are {stems[0]} to {stems[-1]}")
    raise ValueError(unknown("frame of a mask", name, stems))


def tell_repeats(video: Video, placed: dict[int, Path]) -> None:
    """Say which objects of a later mask are not taken from it; refuse a mask that brings none.

    Raises
    ------
    ValueError
        If a mask brings no new object.
    """
    for index, path in placed.items():
        labels = (video.read_given or video.read_labels)(index)
        new = [k for k in video.object_ids if video.first_frames[k] == index]
        known = [k for k in video.object_ids if labels is not None and k not in new and (labels == k).any()]
        if not new:
            raise ValueError(f"mask {path} brings no new object: {known} are given before; leave it out")
        if known:
            log.info("%s: objects %s are given before, so only %s are taken from it", path, known, new)


def vanishing(video: Video, max_side: int | None) -> list[str]:
    """A line for each object so small that no pixel of its given mask is left at the size of the network."""
    from qpm.frames import Canvas
    from qpm.masks import onehot

    canvas, lines = Canvas.fit(video.size, max_side), []
    for index in sorted(set(video.first_frames.values())):
        given, ids = video.given(index), [k for k in video.object_ids if video.first_frames[k] == index]
        assert given is not None
        native = onehot(given, ids)
        shown = canvas.masks(native)[0].amax(dim=(1, 2)) > 0.5
        lines += [
            f"object {k} ({int(native[place].sum())} px) vanishes at {max(canvas.resized)} px; raise --max-side"
            for place, k in enumerate(ids)
            if not shown[place]
        ]
    return lines


def frame_rate(source: Path) -> float:
    """Frames a second of a video file; `FOLDER_RATE` for a folder of frames."""
    if source.is_dir():
        return FOLDER_RATE
    with video_io.open_container(source) as container:
        return float(container.streams.video[0].average_rate or FOLDER_RATE)
