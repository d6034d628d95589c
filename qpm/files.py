"""Files that are either whole or not there."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any


def write_atomic(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file so that a reader sees the old content or the new, never a part of it.

    Parameters
    ----------
    path : Path
        The file to make or replace; missing folders above it are made.
    write : callable
        Gets a temporary path beside `path`, with the same suffix, and writes the whole content there.

    Raises
    ------
    Exception
        Whatever `write` raises; the temporary file is removed and `path` is as it was.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.stem}.{uuid.uuid4().hex[:8]}.partial{path.suffix}")
    try:
        write(partial)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write JSON types as an indented file, whole or not at all."""
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    write_atomic(path, lambda partial: partial.write_text(text, encoding="utf-8"))
