"""In which ways the network behind the numbers differs from the paper's, read from the header of its weights file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from qpm.weights import resolve

# dotted key -> what it is, unit, the authors' value, where it is said. The paper names ResNet-50 (section 3.1) and the
# dot product (Eq. 1); the widths of keys and values are those of MiVOS, on whose basis it builds.
AUTHORS: dict[str, tuple[str, str, Any, str]] = {
    "query_encoder.width": ("ResNet width", "", 64, "paper"),
    "key_channels": ("keys", " channels", 128, "MiVOS"),
    "value_channels": ("values", " channels", 512, "MiVOS"),
    "read.similarity": ("similarity", "", "dot", "paper"),
    "quality.doubt": ("a score that also weighs in the soft mask's doubt", "", False, "paper"),
}


def departures(weights: str, digest: str | None = None) -> str:
    """Return "ResNet width 32 (paper 64), keys 64 channels (MiVOS 128)" for a weights file or shipped name.

    Empty if the file is not here, holds no config, is not the one that was used (its SHA-256 is not `digest`), or
    departs in nothing.
    """
    config = read_config(weights, digest)
    if config is None:
        return ""
    said = []
    for key, (what, unit, theirs, source) in AUTHORS.items():
        value = _at(config, key)
        if value is True:
            said.append(what)
        elif value is not None and value != theirs:
            said.append(f"{what} {value}{unit} ({source} {theirs})")
    return ", ".join(said)


def read_config(weights: str, digest: str | None = None) -> Mapping[str, Any] | None:
    """Return the network's config from the header, without its tensors and without torch; None if it is not there."""
    try:
        path = resolve(weights)
        if digest is not None and _digest(path) != digest:
            return None
        with safe_open(str(path), framework="np") as file:
            header = file.metadata() or {}
    except (
        FileNotFoundError,
        ValueError,
        SafetensorError,
    ):  # a page can be rendered where the weights are not
        return None
    return json.loads(header["qpm"])["config"] if "qpm" in header else None


def _at(config: Mapping[str, Any], key: str) -> Any:
    value: Any = config
    for name in key.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _digest(path: Path) -> str:
    status = path.stat()
    return _digest_of(path, status.st_size, status.st_mtime_ns)


@lru_cache
def _digest_of(path: Path, size: int, changed: int) -> str:
    """SHA-256 of a file; read once as long as its size and time stay, for every caption of a study asks."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
