"""The short ways to write a policy: the paper's one gate, a preset's name, a preset with changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, PositiveInt

from qpm.memory.evict import Oldest
from qpm.memory.keep import Always, Never
from qpm.memory.presets import PRESETS
from qpm.memory.prior import NoPrior
from qpm.memory.rule import AnyEvictRule, AnyKeepRule, AnyPriorRule, Settings
from qpm.names import lookup, unknown

PREVIOUS = {"name": "previous", "keep": Always(), "capacity": 1, "evict": Oldest()}
RULES = ("keep", "prior", "evict")


class ShortForm(Settings):
    """One gate beside the previous frame: the policy of the paper in one line."""

    keep: AnyKeepRule = Field(Never(), description="which frames enter the long-term memory")
    hold_previous: bool = Field(True, description="whether the previous frame can always be read")
    capacity: PositiveInt | None = Field(None, description="how many kept frames fit; null = unbounded")
    evict: AnyEvictRule = Field(Oldest(), description="which entry leaves when the memory is full")
    prior: AnyPriorRule | None = Field(NoPrior(), description="whose mask enhances the query; null = none")

    def full(self) -> dict[str, Any]:
        """The same policy as shelves."""
        shelves: list[dict[str, Any]] = [PREVIOUS] if self.hold_previous else []
        if not isinstance(self.keep, Never):
            shelves.append(
                {"name": "long", "keep": self.keep, "capacity": self.capacity, "evict": self.evict}
            )
        return {"shelves": shelves, "prior": self.prior or NoPrior()}


def expand(value: Any) -> Any:
    """Rewrite any short form as ``{shelves: [...], prior: {...}}``; a full form is returned as it is."""
    if isinstance(value, str):
        value = {"preset": value}
    if not isinstance(value, Mapping):
        return value
    settings = dict(value)
    if "preset" in settings:
        settings = with_changes(settings.pop("preset"), settings)
    _check_names(settings)
    if settings.keys() - {"prior"} and "shelves" not in settings:
        return ShortForm.model_validate(settings).full()
    if "prior" in settings and settings["prior"] is None:
        settings["prior"] = NoPrior()
    return settings


def with_changes(preset: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """A preset's settings with some replaced.

    A rule's settings are merged unless the change names another rule; shelves are merged by name if the change
    is ``{shelves: {recent: {capacity: 4}}}``.
    """
    merged = dict(lookup("policy preset", preset, PRESETS))
    for name, change in changes.items():
        if name in RULES:
            merged[name] = merge_rule(merged.get(name), change)
        elif name == "shelves" and isinstance(change, Mapping):
            merged[name] = _merge_shelves(preset, merged.get(name, []), change)
        else:
            merged[name] = change
    return merged


def merge_rule(base: Any, change: Any) -> Any:
    """A rule's settings with some replaced; another rule's settings replace them all."""
    if isinstance(change, str):
        change = {"rule": change}
    if not (isinstance(base, Mapping) and isinstance(change, Mapping)):
        return change
    if change.get("rule", base.get("rule")) != base.get("rule"):
        return change
    nested = {
        name: merge_rule(base.get(name), value)
        for name, value in change.items()
        if isinstance(value, Mapping)
    }
    return {**base, **change, **nested}


def _merge_shelves(
    preset: str, shelves: list[dict[str, Any]], changes: Mapping[str, Any]
) -> list[dict[str, Any]]:
    names = [shelf["name"] for shelf in shelves]
    for name in changes:
        if name not in names:
            raise ValueError(unknown(f"shelf of preset {preset}", name, names))
    return [_merge_shelf(shelf, changes.get(shelf["name"], {})) for shelf in shelves]


def _merge_shelf(shelf: dict[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    rules = {name: merge_rule(shelf.get(name), change[name]) for name in RULES if name in change}
    return {**shelf, **change, **rules}


def _check_names(settings: Mapping[str, Any]) -> None:
    known = {*ShortForm.model_fields, "shelves", "preset"}
    for name in settings:
        if name not in known:
            raise ValueError(unknown("setting of a memory policy", str(name), known))
    short = settings.keys() & (ShortForm.model_fields.keys() - {"prior"})
    if "shelves" in settings and short:
        raise ValueError(
            f"a policy with shelves has no {', '.join(sorted(short))} of its own; "
            "set it on a shelf: {shelves: {NAME: {...}}} changes a preset's"
        )
