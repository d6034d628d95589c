"""Nested settings, flat: a dotted key for each value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def flat(value: Any, key: str = "", plain_lists: bool = False) -> Iterator[tuple[str, Any]]:
    """Yield every value with its dotted key: ``{"policy": {"n": [5]}}`` gives ``("policy.n.0", 5)``.

    Parameters
    ----------
    value : mappings and lists of settings, or one value
    key : what the keys begin with
    plain_lists : a list of plain values is one value; ``("policy.n", [5])``
    """
    if isinstance(value, Mapping) and value:
        parts = [(str(name), part) for name, part in value.items()]
    elif isinstance(value, list | tuple) and value and not (plain_lists and _is_plain(value)):
        parts = [(str(place), part) for place, part in enumerate(value)]
    else:
        yield key, value
        return
    for name, part in parts:
        yield from flat(part, f"{key}.{name}" if key else name, plain_lists)


def _is_plain(values: list[Any] | tuple[Any, ...]) -> bool:
    return not any(isinstance(value, Mapping | list | tuple) for value in values)
