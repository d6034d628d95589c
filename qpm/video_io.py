"""Video files in and out through PyAV: frames by number without holding the video in memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from fractions import Fraction
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np

from qpm.files import write_atomic

if TYPE_CHECKING:
    from av.container import InputContainer

HELD = 8  # decoded frames kept, so that looking back a few frames costs no seek
FAR = 100  # frames ahead from which on a seek is tried in place of decoding up to it


class VideoFile:
    """The frames of a video file by number.

    Reading forward decodes each frame once; going back, or far ahead, seeks to the key frame before. At most
    `HELD` frames are in memory, whatever the length of the video.

    Attributes
    ----------
    times : list of int
        Presentation times of the frames, ascending, in units of the stream's time base.
    size : (int, int)
        Height and width of the frames as read, after the rotation that a telephone writes into the file.
    rate : Fraction
        Average frames a second.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._container = open_container(path)
        self._stream = self._container.streams.video[0]
        self._stream.thread_type = "AUTO"
        self.rate: Fraction = self._stream.average_rate or Fraction(25)
        self.times = presentation_times(path)
        self._position = {time: index for index, time in enumerate(self.times)}
        self._held: OrderedDict[int, np.ndarray] = OrderedDict()
        self._frames = self._container.decode(self._stream)
        self._next = 0
        self.size: tuple[int, int] = (0, 0)
        self.size = self.read_frame(0).shape[0], self.read_frame(0).shape[1]

    def __len__(self) -> int:
        return len(self.times)

    @property
    def frame_names(self) -> tuple[str, ...]:
        """00000, 00001, ...: the names that frames extracted from the video would have."""
        return tuple(f"{index:05d}" for index in range(len(self)))

    def read_frame(self, index: int) -> np.ndarray:
        """Frame `index`, uint8 (H, W, 3), RGB.

        Raises
        ------
        IndexError
            If the video has no such frame.
        ValueError
            If the file ends or breaks before it.
        """
        if not 0 <= index < len(self.times):
            raise IndexError(f"{self.path}: frame {index} of {len(self.times)}")
        if index not in self._held:
            self._decode_to(index)
        return self._held[index].copy()

    def _decode_to(self, index: int) -> None:
        if index < self._next or index > self._next + FAR:
            self._container.seek(self.times[index], stream=self._stream, backward=True)
            self._frames = self._container.decode(self._stream)
        try:
            for frame in self._frames:
                position = -1 if frame.pts is None else self._position.get(frame.pts, -1)
                if position < 0:
                    continue  # a frame that is decoded for the sake of others and never shown
                self._next = position + 1
                if position >= index - HELD // 2:
                    self._hold(position, upright(frame))
                if position >= index:
                    break
        except av.FFmpegError as error:
            raise ValueError(f"{self.path}: cannot decode frame {index}: {error}") from error
        if index not in self._held:
            raise ValueError(f"{self.path}: frame {index} of {len(self.times)} is listed but not in the file")

    def _hold(self, index: int, frame: np.ndarray) -> None:
        self._held[index] = frame
        self._held.move_to_end(index)
        while len(self._held) > HELD:
            self._held.popitem(last=False)


def open_clip(path: Path) -> VideoFile:
    """Open a video file for reading by frame number; an error names the file and what is wrong with it."""
    return VideoFile(path)


def open_container(path: Path) -> InputContainer:
    """Open a media file that has a video stream.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no file, it is no media file, or it holds no video.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no video file {path}")
    try:
        container = av.open(str(path))
    except av.FFmpegError as error:
        raise ValueError(f"{path} is not a video that can be read: {error}") from error
    if not container.streams.video:
        raise ValueError(f"{path} holds no video stream")
    return container


def presentation_times(path: Path) -> list[int]:
    """When each shown frame is shown, ascending, read from the packets without decoding.

    Raises
    ------
    ValueError
        If packets carry no times (a raw stream): frames could not be found by number.
    """
    with open_container(path) as container:
        packets = [p for p in container.demux(video=0) if p.size and not p.is_discard]
    if not packets or any(packet.pts is None for packet in packets):
        raise ValueError(
            f"{path}: no frame times in the file; convert it first: ffmpeg -i {path.name} clip.mp4"
        )
    return sorted({packet.pts for packet in packets if packet.pts is not None})


def upright(frame: av.VideoFrame) -> np.ndarray:
    """The picture as a player shows it: RGB uint8 (H, W, 3), turned by the rotation that the file asks for."""
    picture = frame.to_ndarray(format="rgb24")
    return np.ascontiguousarray(np.rot90(picture, round(frame.rotation / 90))) if frame.rotation else picture


def write_video(path: Path, frames: Iterable[np.ndarray], rate: float = 24.0, quality: int = 18) -> None:
    """Write frames as they come to an mp4 that every browser plays (H.264, yuv420p).

    Parameters
    ----------
    path : Path
        Written under a temporary name first; an interrupted run leaves no broken file.
    frames : iterable of uint8 (H, W, 3)
        Of one size. An odd height or width is made even by repeating the last row or column, as the format demands.
    rate : float
        Frames a second.
    quality : int
        x264's constant rate factor: 0 lossless, 18 visually lossless, 51 worst.

    Raises
    ------
    ValueError
        If there are no frames, or one differs in size from the first.
    """
    iterator = iter(frames)
    first = next(iterator, None)
    if first is None:
        raise ValueError(f"no frames to write to {path}")
    write_atomic(
        path, partial(_encode, frames=chain([first], iterator), shape=first.shape, rate=rate, quality=quality)
    )


def _encode(
    path: Path, frames: Iterable[np.ndarray], shape: tuple[int, ...], rate: float, quality: int
) -> None:
    with av.open(str(path), mode="w", format="mp4", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=Fraction(rate).limit_denominator(1001))
        stream.height, stream.width = shape[0] + shape[0] % 2, shape[1] + shape[1] % 2
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": str(quality), "preset": "veryfast"}
        for frame in frames:
            if frame.shape != shape:
                raise ValueError(f"{path.name}: frame {frame.shape} after frames of {shape}")
            even = np.pad(frame, ((0, shape[0] % 2), (0, shape[1] % 2), (0, 0)), mode="edge")
            container.mux(stream.encode(av.VideoFrame.from_ndarray(even, format="rgb24")))
        container.mux(stream.encode())
