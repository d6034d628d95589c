"""Print what a generated frame and a training clip cost, per challenge, in milliseconds of processor time."""

from __future__ import annotations

import time

from qpm.datasets.synthetic import SyntheticConfig, SyntheticDataset


def clip_milliseconds(dataset: SyntheticDataset, clips: int = 50) -> float:
    """Opening a training video and reading three of its frames with labels."""
    start = time.process_time()
    for number in range(clips):
        video = dataset[number]
        for index in (3, 8, 14):
            video.read_frame(index)
            video.read_labels(index)
    return 1000 * (time.process_time() - start) / clips


def video_milliseconds(dataset: SyntheticDataset, number: int) -> tuple[float, float]:
    """Opening a video with its first frame, and each frame after that."""
    start = time.process_time()
    video = dataset[number]
    video.read_frame(0)
    opened = time.process_time()
    for index in range(1, len(video)):
        video.read_frame(index)
    done = time.process_time()
    return 1000 * (opened - start), 1000 * (done - opened) / (len(video) - 1)


def main() -> None:
    """One line for a training clip, one for each challenge."""
    stream, val = SyntheticConfig(split="train").open(), SyntheticConfig(split="val").open()
    stream[0].read_frame(0)
    print(f"{'training clip of 3 frames':32s} {clip_milliseconds(stream):6.1f} ms")
    for number in range(10):
        opened, frame = video_milliseconds(val, number)
        print(f"{val.names()[number]:32s} {frame:6.1f} ms a frame, {opened:6.1f} ms to open")


if __name__ == "__main__":
    main()
