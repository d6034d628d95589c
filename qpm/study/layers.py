"""Settings laid over settings: plain dictionaries with dotted keys, before anything is validated."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

# Two mappings that differ in one of these describe different things; their keys are not mixed.
KIND = ("rule", "name", "preset", "source")
# Settings whose own keys are dotted: a mapping from other settings.
WHOLE = ("curves",)


def overlay(base: Any, over: Any) -> Any:
    """Lay one setting over another: mappings key by key, anything else replaces.

    A mapping whose `rule`, `name`, `preset` or `source` differs from the one below replaces it whole: the threshold of
    a quality gate means nothing to ``every_n``. Keys of `over` may be dotted (``policy.keep.sigma_m: 0.8``).
    """
    if not (isinstance(base, Mapping) and isinstance(over, Mapping)) or _other_kind(base, over):
        return _undotted(over)
    result = dict(base)
    for key, value in over.items():
        if "." in key:
            put(result, key, value)
        else:
            result[key] = _laid(result, key, value)
    return result


def put(settings: dict[str, Any] | list[Any], dotted: str, value: Any) -> None:
    """Set one value by its dotted key, making mappings on the way; a preset's name on the way becomes its mapping.

    ``put({"policy": "qpm"}, "policy.keep.sigma_m", 0.6)`` gives
    ``{"policy": {"preset": "qpm", "keep": {"sigma_m": 0.6}}}``; ``sources.0.root`` is the first source's root.

    Raises
    ------
    ValueError
        If a step names no place of a list, or leads below a plain value.
    """
    step, _, rest = dotted.partition(".")
    here: Any = settings  # a mapping with names, or a list with places
    key: Any = _place(settings, step) if isinstance(settings, list) else step
    known = isinstance(settings, list) or step in settings
    if not rest:
        here[key] = _laid(here if known else {}, key, value)
        return
    below = here[key] if known else {}
    if isinstance(below, str):
        below = {"preset": below}
    if not isinstance(below, Mapping | list | None):
        raise ValueError(f"'{step}' is {below!r} and has no '{rest}' below it")
    here[key] = list(below) if isinstance(below, list) else dict(below or {})
    put(here[key], rest, value)


def _laid(below: Any, key: Any, value: Any) -> Any:
    """A value laid over what a mapping or list has in that place, if anything."""
    if key in WHOLE:
        return copy.deepcopy(value)
    known = isinstance(below, list) or key in below
    return overlay(below[key], value) if known else _undotted(value)


def _place(items: list[Any], step: str) -> int:
    if not step.isdigit() or int(step) >= len(items):
        raise ValueError(f"'{step}' names no place of a list of {len(items)}; use 0 to {len(items) - 1}")
    return int(step)


def _other_kind(base: Mapping[str, Any], over: Mapping[str, Any]) -> bool:
    return any(key in base and key in over and base[key] != over[key] for key in KIND)


def _undotted(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return copy.deepcopy(value)
    result: dict[str, Any] = {}
    for key, part in value.items():
        put(result, key, part)
    return result
