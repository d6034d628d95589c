"""Weights that come with the package, and where training starts from.

A shipped network is two files beside this one, `<name>.safetensors` and its model card `<name>.md`; what they
derive from, with the licences, is in `NOTICE.md`.
"""

from __future__ import annotations

from pathlib import Path

from qpm.names import lookup
from qpm.weights.elsewhere import how_to_get

__all__ = ["path", "resolve", "shipped"]

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


def resolve(weights: str | Path) -> Path:
    """Return the file of shipped weights by name, or the path itself where it names a file.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or no weights of that name are shipped.
    """
    file = Path(weights).expanduser()
    if file.is_file():
        return file
    if file.suffix or len(file.parts) > 1:
        hint = how_to_get(file) or f"shipped by name: {', '.join(shipped()) or 'none'}"
        raise FileNotFoundError(f"no weights file {file.absolute()}; {hint}")
    return path(str(weights))
