"""One number of a policy by its name, such as ``keep.sigma_m``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from qpm.memory import MemoryPolicy
from qpm.names import unknown


def with_settings(policy: MemoryPolicy, values: Mapping[str, float]) -> MemoryPolicy:
    """The policy with other numbers at the named settings; ranges are checked by `check_setting`."""
    for name, value in values.items():
        policy = _put(policy, _path(policy, name), value)
    return policy


def check_setting(policy: MemoryPolicy, name: str, low: float, high: float) -> None:
    """Raise a ValueError unless the policy has this setting, and all from low to high is a range for it."""
    if not low < high:
        raise ValueError(
            f"setting '{name}': the interval from {low} to {high} is empty; low has to be below high"
        )
    for value in (low, high):
        MemoryPolicy.model_validate(with_settings(policy, {name: value}).model_dump())


def _path(policy: MemoryPolicy, name: str) -> tuple[str, ...]:
    """The steps from the policy to a setting: `keep.sigma_m` is that of the one shelf whose rule has it."""
    first, *rest = name.split(".")
    shelves = {shelf.name: str(place) for place, shelf in enumerate(policy.shelves)}
    if first in shelves:
        path = ("shelves", shelves[first], *rest)
        return path if _is_number(policy, path) else _refuse(policy, name)
    if first == "prior":
        return (first, *rest) if _is_number(policy, (first, *rest)) else _refuse(policy, name)
    paths = [
        path for place in shelves.values() if _is_number(policy, path := ("shelves", place, first, *rest))
    ]
    return paths[0] if len(paths) == 1 else _refuse(policy, name)


def _refuse(policy: MemoryPolicy, name: str) -> tuple[str, ...]:
    raise ValueError(unknown("threshold", name, _names(policy)))


def _names(policy: MemoryPolicy) -> list[str]:
    """Every number of the policy's own rules that may be varied, by its full name."""
    rules: dict[str, BaseModel] = {"prior": policy.prior}
    for shelf in policy.shelves:
        rules |= {f"{shelf.name}.keep": shelf.keep, f"{shelf.name}.evict": shelf.evict}
    return [
        f"{place}.{field}"
        for place, rule in rules.items()
        for field, value in rule
        if isinstance(value, float)
    ]


def _is_number(policy: MemoryPolicy, path: tuple[str, ...]) -> bool:
    value: Any = policy
    for step in path:
        if isinstance(value, tuple):
            value = value[int(step)] if step.isdigit() and int(step) < len(value) else None
        else:
            value = getattr(value, step, None) if step in getattr(type(value), "model_fields", {}) else None
    return isinstance(value, float)


def _put(node: Any, path: tuple[str, ...], value: float) -> Any:
    if not path:
        return value
    step, *rest = path
    if isinstance(node, tuple):
        place = int(step)
        return (*node[:place], _put(node[place], tuple(rest), value), *node[place + 1 :])
    return node.model_copy(update={step: _put(getattr(node, step), tuple(rest), value)})
