"""The state of a training on disk: written whole, the last few kept, read back to continue exactly where it stopped."""

from __future__ import annotations

import logging
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from qpm.dotted import flat
from qpm.files import write_atomic

FOLDER = "checkpoints"
log = logging.getLogger(__name__)


def checkpoints(folder: Path) -> list[Path]:
    """The checkpoints of a training, oldest first."""
    return sorted((folder / FOLDER).glob("[0-9]*.pt"))


def save_state(folder: Path, done: int, state: dict[str, Any], keep: int) -> Path:
    """Write the state after `done` iterations, all or nothing, then remove all but it and the `keep` - 1 before.

    Raises
    ------
    OSError
        If the disk is full or cannot be written; earlier checkpoints stay as they are.
    """
    path = folder / FOLDER / f"{done:08d}.pt"
    with room_for(path, folder):
        write_atomic(path, lambda temporary: torch.save(state, temporary))
    up_to_this = [file for file in checkpoints(folder) if file <= path]  # a later one was found damaged
    for old in up_to_this[:-keep]:
        old.unlink()
    return path


@contextmanager
def room_for(path: Path, folder: Path) -> Iterator[None]:
    """Tell of a file of the training in `folder` that cannot be written, and what is kept.

    Raises
    ------
    OSError
        If the writing fails.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:  # torch reports a full disk as a RuntimeError
        earlier = checkpoints(folder)
        told = f"; checkpoint {earlier[-1].name} is kept" if earlier else ""
        why = (str(error) or type(error).__name__).splitlines()[0]
        raise OSError(
            f"cannot write {path} ({why}){told}: make room or choose another "
            "folder, then start again to go on from there"
        ) from error


def load_state(folder: Path) -> dict[str, Any] | None:
    """The newest state that can be read, or None where the training has not begun; tensors and plain values only."""
    for partial in (folder / FOLDER).glob(".*.partial.pt"):
        partial.unlink(missing_ok=True)  # of a process that was killed while writing; others clear up too
    for path in reversed(checkpoints(folder)):
        if zipfile.is_zipfile(path):
            state: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
            return state
        log.warning("%s is damaged, as by a crash of the machine; going back to the one before", path)
    return None


def same_training(before: dict[str, Any], now: dict[str, Any], folder: Path) -> None:
    """Refuse to go on with a checkpoint whose settings were others.

    Raises
    ------
    ValueError
        With the first setting that differs.
    """
    old, new = dict(flat(before)), dict(flat(now))
    for key in sorted(old.keys() | new.keys()):
        if old.get(key) != new.get(key):
            raise ValueError(
                f"{folder} holds a training with {key} = {old.get(key)!r}, not {new.get(key)!r}; "
                "choose another folder, or the settings that it was begun with"
            )
