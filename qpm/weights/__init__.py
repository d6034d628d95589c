"""Weights that come with the package, and where training starts from.

A shipped network is two files beside this one, `<name>.safetensors` and its model card `<name>.md`; what they
derive from, with the licences, is in `NOTICE.md`.
"""

from __future__ import annotations

from pathlib import Path

from qpm.names import lookup

__all__ = ["path", "shipped"]

FOLDER = Path(__file__).parent


def shipped() -> tuple[str, ...]:
    """Return the names of the shipped weights, in alphabetical order."""
    return tuple(sorted(file.stem for file in FOLDER.glob("*.safetensors")))


def path(name: str) -> Path:
    """Return the file of the shipped weights of that name.

    Raises
    ------
    ValueError
        If no weights of that name are shipped; the message lists those that are.
    """
    return lookup("weights", name, {known: FOLDER / f"{known}.safetensors" for known in shipped()})
