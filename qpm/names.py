"""Look a name up in a table of known names, and help when it is not there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TypeVar

Value = TypeVar("Value")


def lookup(kind: str, name: str, table: Mapping[str, Value]) -> Value:
    """Return ``table[name]``, or say which names there are.

    Raises
    ------
    ValueError
        ``unknown keep rule 'qualty'; did you mean 'quality_gate'? known: every_n, quality_gate``
    """
    if name not in table:
        raise ValueError(unknown(kind, name, table))
    return table[name]


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Return the message about a name that is not among the known ones, with the nearest one if any is near."""
    names = sorted(known)
    lowered = {candidate.lower(): candidate for candidate in names}
    nearest = get_close_matches(str(name).lower(), lowered, n=1, cutoff=0.5)
    hint = f"did you mean '{lowered[nearest[0]]}'? " if nearest else ""
    return f"unknown {kind} '{name}'; {hint}known: {', '.join(names)}"
