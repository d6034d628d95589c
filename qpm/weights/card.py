"""The model card of a weights file: what it is, what it was made from, what it reaches and where it fails."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import BaseModel, ConfigDict, Field
from safetensors import safe_open

from qpm.files import write_atomic

TEMPLATE = "card.md.jinja"


class _Facts(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Facts):
    """Something the weights were made from."""

    name: str
    licence: str
    used_for: str


class Measured(_Facts):
    """J and F (0..1) of one group of objects; NaN where there is no truth."""

    name: str
    objects: int = Field(ge=1)
    j: float
    f: float

    @property
    def j_and_f(self) -> float:
        """The mean of J and F."""
        return (self.j + self.f) / 2


class Results(_Facts):
    """One table of results and the conditions they hold under: data, size, policy, frames, seeds."""

    conditions: str
    groups: tuple[Measured, ...] = Field(min_length=1)


class ScoreQuality(_Facts):
    """How well a score orders frames by their true IoU."""

    data: str
    score: str  # score_raw | score
    spearman: float  # mean over videos of the rank correlation within a video
    auroc: float  # of finding the object masks with IoU < 0.5


class Training(_Facts):
    """How the weights can be made again."""

    command: str
    commit: str
    seed: int
    iterations: int = Field(ge=1)
    minutes: float = Field(gt=0)
    machine: str


class CardFacts(_Facts):
    """All that a model card tells, apart from what is read from the weights file itself."""

    summary: str
    sources: tuple[Source, ...] = Field(min_length=1)
    training: Training
    departures: tuple[str, ...]  # from the paper's network and training
    policies: Results
    sequences: Results  # real video
    attributes: Results
    score_quality: tuple[ScoreQuality, ...] = Field(min_length=1)
    limits: tuple[str, ...] = Field(min_length=1)


def render_card(weights: Path, facts: CardFacts | Mapping[str, Any]) -> str:
    """Return the model card of a safetensors file as Markdown; the same facts give the same bytes.

    Raises
    ------
    pydantic.ValidationError
        If a fact is missing, unknown or of the wrong kind.
    """
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=loader, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["number"] = _number
    template = environment.get_template(TEMPLATE)
    return (
        template.render(file=read_file_facts(weights), facts=CardFacts.model_validate(facts)).rstrip() + "\n"
    )


def write_card(weights: Path, facts: CardFacts | Mapping[str, Any]) -> Path:
    """Write the model card beside the weights, `half.md` for `half.safetensors`, and return its path."""
    card = weights.with_suffix(".md")
    text = render_card(weights, facts)

    def write(path: Path) -> None:
        path.write_text(text, encoding="utf-8", newline="\n")

    write_atomic(card, write)
    return card


def read_file_facts(weights: Path) -> dict[str, Any]:
    """Return name, SHA-256, size in MB, number of parameters and stored precisions of a safetensors file."""
    with safe_open(weights, framework="numpy") as opened:
        tensors = [opened.get_slice(name) for name in opened.keys()]
        parameters = sum(math.prod(tensor.get_shape()) for tensor in tensors)
        precisions = sorted({tensor.get_dtype() for tensor in tensors})
    return {
        "name": weights.stem,
        "file": weights.name,
        "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "megabytes": weights.stat().st_size / 1e6,
        "parameters": parameters,
        "precision": ", ".join(precisions),
    }


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"
