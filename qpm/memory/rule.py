"""The base of all memory rules, and how a rule is read from a study file."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema, core_schema

from qpm.memory.signals import check_signals
from qpm.memory.state import EntryState, FrameState
from qpm.names import lookup, unknown


class Settings(BaseModel):
    """Frozen, and without room for a misspelt key."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Rule(Settings):
    """A pure function of plain numbers that is nothing but its settings; it holds no tensors and no history."""

    rule: str

    @model_validator(mode="before")
    @classmethod
    def _name_of_an_outside_rule(cls, settings: Any) -> Any:
        """A rule outside the package is called by its import path."""
        if isinstance(settings, dict) and cls.model_fields["rule"].is_required():
            return {"rule": f"{cls.__module__}:{cls.__qualname__}"} | settings
        return settings

    @property
    def needs(self) -> frozenset[str]:
        """Names of the signals that the rule reads; the loop computes only what somebody needs."""
        return frozenset()


class KeepRule(Rule):
    """Whether a finished frame is memorized (Eq. 3)."""

    @property
    def per_object(self) -> bool:
        """Whether the rule is asked once per object (``over: each``) and not once per frame."""
        return False

    def __call__(self, frame: FrameState) -> bool:
        """Return True to keep the frame."""
        raise TypeError(f"{type(self).__name__} does not say which frames it keeps: define __call__")


class PriorRule(Rule):
    """Which frame's mask enhances the next query (mask_i in Eq. 4)."""

    def __call__(self, previous: FrameState) -> int | None:
        """Return the index of the previous or of an annotated frame, or None for no enhancement."""
        raise TypeError(f"{type(self).__name__} does not choose a frame: define __call__")


class EvictRule(Rule):
    """Which entry leaves a full shelf. Annotated frames never take part."""

    def __call__(self, entries: Sequence[EntryState], newcomer: EntryState) -> int:
        """Return the position, in ``[*entries, newcomer]``, of the one that leaves; the newcomer may lose."""
        raise TypeError(f"{type(self).__name__} does not choose an entry: define __call__")


class Registered:
    """Marks a field that holds any rule of a kind: a registered name, or ``module:Class`` outside the package.

    ``{rule: quality_gate, sigma_m: 0.6}``, ``"quality_gate"`` and ``{rule: "mylab.rules:EntropyGate"}`` are read.
    """

    def __init__(self, kind: str, base: type[Rule], table: str) -> None:
        self.kind, self.base, self.table = kind, base, table

    def known(self) -> dict[str, type[Rule]]:
        """The registry, which the package assembles after this module is loaded."""
        return getattr(importlib.import_module("qpm.memory"), self.table)

    def read(self, value: Any) -> Rule:
        """Return the rule that the value names."""
        if isinstance(value, self.base):
            return value
        settings = {"rule": value} if isinstance(value, str) else value
        if not isinstance(settings, dict) or not isinstance(settings.get("rule"), str):
            names = ", ".join(sorted(self.known()))
            raise ValueError(f"a {self.kind} is {{rule: NAME, ...}}, not {value!r}; known: {names}")
        rule = self._class(settings["rule"])
        for name in settings:
            if name not in rule.model_fields:
                raise ValueError(
                    unknown(f"setting of {self.kind} {settings['rule']}", name, rule.model_fields)
                )
        read = rule.model_validate(settings)
        check_signals(read.needs)
        return read

    def _class(self, name: str) -> type[Rule]:
        if ":" not in name:
            return lookup(self.kind, name, self.known())
        module, _, attribute = name.partition(":")
        try:
            found = getattr(importlib.import_module(module), attribute)
        except (ImportError, AttributeError) as error:
            wanted = f"put the folder that holds {module.partition('.')[0]} on PYTHONPATH, or install it"
            raise ValueError(f"cannot import the {self.kind} '{name}': {error}; {wanted}") from error
        if not (isinstance(found, type) and issubclass(found, self.base)):
            raise ValueError(f"{self.kind} '{name}' is not a subclass of qpm.memory.{self.base.__name__}")
        return found

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        write = core_schema.plain_serializer_function_ser_schema(
            lambda rule, info: rule.model_dump(mode=info.mode), info_arg=True
        )
        return core_schema.no_info_plain_validator_function(self.read, serialization=write)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        names = {"type": "string", "enum": sorted(self.known())}
        outside = {"type": "string", "pattern": "^[^:]+:[^:]+$"}
        settings: dict[str, Any] = {}
        for rule in self.known().values():
            settings |= {
                name: {"description": field.description or name} for name, field in rule.model_fields.items()
            }
        settings["rule"] = {
            "anyOf": [names, outside],
            "description": f"name of the {self.kind}, or module:Class",
        }
        return {"anyOf": [names, {"type": "object", "required": ["rule"], "properties": settings}]}


if TYPE_CHECKING:
    AnyKeepRule = KeepRule
    AnyPriorRule = PriorRule
    AnyEvictRule = EvictRule
else:
    from typing import Annotated

    AnyKeepRule = Annotated[KeepRule, Registered("keep rule", KeepRule, "KEEP_RULES")]
    AnyPriorRule = Annotated[PriorRule, Registered("prior rule", PriorRule, "PRIOR_RULES")]
    AnyEvictRule = Annotated[EvictRule, Registered("evict rule", EvictRule, "EVICT_RULES")]
