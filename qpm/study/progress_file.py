"""How far a trial is, told by its kernel to the host through a small file."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from qpm.files import write_json

NAME = "progress.json"
EVERY = 0.5  # seconds between writes


@dataclass(frozen=True)
class Progress:
    """`done` of `total` units (frames or iterations), what is being worked on, and the device it runs on.

    Work on a sweep that trials share is marked; for it `left` are the seconds left, once they can be told.
    """

    done: int
    total: int
    phase: str = ""
    device: str = ""
    shared: bool = False
    left: float | None = None


class ProgressFile:
    """Call it as often as you like; the file is written at most twice a second, and at the end."""

    def __init__(self, folder: Path) -> None:
        self.path = Path(folder) / NAME
        self._written = -EVERY

    def __call__(self, done: int, total: int, phase: str = "", device: str = "", **sweep: Any) -> None:
        if done < total and time.monotonic() - self._written < EVERY:
            return
        write_json(self.path, asdict(Progress(done, total, phase, device, **sweep)))
        self._written = time.monotonic()


def read(folder: Path) -> Progress | None:
    """What the trial last told; None if it has told nothing yet."""
    try:
        return Progress(**json.loads((folder / NAME).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
