"""A memory policy: shelves of remembered frames and the choice of the prior."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import GetJsonSchemaHandler, PositiveInt, StringConstraints, model_validator
from pydantic_core import CoreSchema

from qpm.memory.evict import Oldest
from qpm.memory.keep import Always
from qpm.memory.presets import PRESETS
from qpm.memory.prior import NoPrior
from qpm.memory.rule import AnyEvictRule, AnyKeepRule, AnyPriorRule, Settings
from qpm.memory.short_form import ShortForm, expand

ANNOTATED = "annotated"  # the implicit shelf of given masks: unbounded, and nothing ever leaves it


class Shelf(Settings):
    """Frames that are kept by one rule.

    Parameters
    ----------
    name : str
        Stands in the rows as the place where a frame was kept.
    keep : KeepRule
        Which frames enter.
    capacity : int, optional
        How many fit, annotated frames not counted; None is unbounded.
    evict : EvictRule
        Who leaves when one too many is there.
    """

    name: Annotated[str, StringConstraints(pattern=r"^[\w-]+$")]
    keep: AnyKeepRule
    capacity: PositiveInt | None = None
    evict: AnyEvictRule = Oldest()

    @property
    def is_window(self) -> bool:
        """Whether the shelf holds the last ``capacity`` frames, among which an annotated frame takes its place."""
        return self.capacity is not None and isinstance(self.keep, Always) and isinstance(self.evict, Oldest)

    @property
    def needs(self) -> frozenset[str]:
        """Signals that the shelf's rules read."""
        return self.keep.needs | (self.evict.needs if self.capacity is not None else frozenset())


class MemoryPolicy(Settings):
    """What is remembered and what enhances the query; the annotated frames are always remembered.

    The bank read at a frame is the union of the shelves: a frame on two shelves is read once. The short form
    of the paper, ``{keep: {rule: quality_gate, sigma_m: 0.7}, hold_previous: true, capacity: null}``, a preset's
    name, and ``{preset: qpm, keep: {sigma_m: 0.6}}`` are read too.
    """

    shelves: tuple[Shelf, ...] = ()
    prior: AnyPriorRule = NoPrior()

    @model_validator(mode="before")
    @classmethod
    def _read_short_forms(cls, value: Any) -> Any:
        return expand(value)

    @model_validator(mode="after")
    def _distinct_names(self) -> MemoryPolicy:
        names = [shelf.name for shelf in self.shelves]
        if len({*names, ANNOTATED}) <= len(names):
            raise ValueError(f"shelves need distinct names other than '{ANNOTATED}': {', '.join(names)}")
        return self

    @property
    def needs(self) -> frozenset[str]:
        """Signals that some rule of the policy reads."""
        return self.prior.needs.union(*(shelf.needs for shelf in self.shelves))

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        full, short = handler(schema), ShortForm.model_json_schema()
        preset = {"type": "string", "enum": sorted(PRESETS)}
        settings = {"preset": preset, "shelves": {}} | dict.fromkeys(ShortForm.model_fields, {})
        changed = {
            "type": "object",
            "description": "A preset with some settings replaced; a rule's settings may be given in part.",
            "properties": settings,
            "required": ["preset"],
            "additionalProperties": False,
        }
        return {"anyOf": [full, short, changed, preset]}
