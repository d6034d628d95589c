"""Which keys a configuration knows at a place, so that a misspelt one can be told apart and helped."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError


def known_keys(error: ValidationError, place: Sequence[int | str]) -> list[str]:
    """Keys of the model in which the last step of a fault's place was not found; empty if that is not certain."""
    models = [model for model in every_model(BaseModel) if model.__name__ == error.title]
    for step in place[:-1]:
        models = [inner for model in models for inner in step_into(model, step)]
    keys = {tuple(model.model_fields) for model in models}
    return list(keys.pop()) if len(keys) == 1 else []


def every_model(base: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """All models derived from a base."""
    for model in base.__subclasses__():
        yield model
        yield from every_model(model)


def step_into(model: type[BaseModel], step: int | str) -> Iterator[type[BaseModel]]:
    """Models that one step of a fault's place can lead to: the value of a key, an item, or the variant of that tag."""
    field = model.model_fields.get(str(step))
    if field is not None:
        yield from models_in(field.annotation)
    elif isinstance(step, int) or names_itself(model, step):
        yield model


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """Models named anywhere in an annotation, as in `tuple[A | B, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in typing.get_args(annotation):
        yield from models_in(argument)


def names_itself(model: type[BaseModel], tag: str) -> bool:
    """Whether one of the model's literal fields is the tag that selects it in a union."""
    return any(tag in typing.get_args(field.annotation) for field in model.model_fields.values())
