"""What was wrong with a setting, in the words of the study file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from qpm.names import unknown


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """Each fault as ``policy.keep: unknown key 'sigm'; did you mean 'sigma_m'? known: n, sigma_m``.

    Parameters
    ----------
    error : ValidationError
    model : type
        The record that was validated; its fields are what "known" lists.
    """
    return "; ".join(_line(fault, model) for fault in error.errors(include_url=False))


def _line(fault: Any, model: type[BaseModel]) -> str:
    way = [str(step) for step in fault["loc"]]
    if fault["type"] == "extra_forbidden":
        key = way.pop()
        message = unknown("key", key, known_keys(model, way))
    elif fault["type"] == "union_tag_invalid":
        tags = [tag.strip(" '") for tag in fault["ctx"]["expected_tags"].split(",")]
        message = unknown(fault["ctx"]["discriminator"].strip("'"), fault["ctx"]["tag"], tags)
    elif fault["type"] == "missing":
        message = "missing"
    elif fault["type"] == "value_error":
        message = str(fault["ctx"]["error"])
    else:
        message = f"{fault['msg'][:1].lower()}{fault['msg'][1:]}, got {fault['input']!r}"
    place = ".".join(_walk(model, way)[1])
    return f"{place}: {message}" if place else message


def known_keys(model: type[BaseModel], way: Sequence[str]) -> list[str]:
    """Keys that are allowed at a place of a record."""
    return sorted({key for one in _walk(model, way)[0] for key in one.model_fields})


def _walk(model: type[BaseModel], way: Sequence[str]) -> tuple[set[type[BaseModel]], list[str]]:
    """The records that may stand at a place, and the place in the user's words.

    Pydantic's way also names the discriminator's value ("synthetic") and its own validators; these are no keys.
    """
    models, place = {model}, []
    for step in way:
        inside = [one.model_fields[step].annotation for one in models if step in one.model_fields]
        tagged = set() if inside else {one for one in models if step in _tags(one)}
        if not tagged and "[" not in step and "(" not in step:
            place.append(step)
        models = tagged or {found for annotation in inside for found in _models(annotation)} or models
    return models, place


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def _tags(model: type[BaseModel]) -> set[str]:
    """The literal values of a record's fields, such as the dataset's name."""
    return {str(value) for field in model.model_fields.values() for value in get_args(field.annotation)}
