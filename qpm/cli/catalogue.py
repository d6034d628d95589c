"""`qpm list` and `qpm schema`: what there is to choose from, and how it is written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from qpm.cli.output import show
from qpm.names import lookup

Rows = Iterator[dict[str, Any]]


def list_(
    kind: Annotated[
        str, typer.Argument(metavar="policies|datasets|studies|weights|networks", help="What to list.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False,
) -> None:
    """List policies, datasets, studies, weights or networks.

    \b
    Example:
      qpm list policies
    """
    rows = lookup("list", kind, KINDS)()
    show(list(rows), as_json=as_json, empty=f"no {kind} here")


def policies() -> Rows:
    """Preset memory policies and how each is written out."""
    from qpm.memory import PRESETS as presets
    from qpm.memory import MemoryPolicy

    for name in presets:
        policy = MemoryPolicy.model_validate(name)
        shelves = [f"{shelf.name}{last(shelf.capacity)}: {written(shelf.keep)}" for shelf in policy.shelves]
        yield {
            "policy": name,
            "kept beside given masks": "; ".join(shelves) or "nothing",
            "prior": written(policy.prior),
        }


def written(rule: Any) -> str:
    """A rule and its numbers: `quality_gate n=5 sigma_m=0.7`."""
    numbers = {key: value for key, value in rule.model_dump().items() if isinstance(value, int | float)}
    return " ".join([rule.rule, *(f"{key}={value}" for key, value in numbers.items())])


def last(capacity: int | None) -> str:
    """How many frames fit on a shelf, if that is limited."""
    return "" if capacity is None else f" (at most {capacity})"


def datasets() -> Rows:
    """Datasets and the keys of their settings."""
    from qpm.datasets import DATASETS

    for name, config in DATASETS.items():
        keys = ", ".join(key for key in config.model_fields if key != "name")
        yield {"dataset": name, "what": summary(config), "keys": keys}


def studies() -> Rows:
    """Study files in ./studies, with the question each one asks."""
    import yaml

    for path in sorted(Path("studies").glob("*.yaml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        yield {
            "study": str(path),
            "question": one_line(content.get("question", "")),
            "cost": one_line(content.get("cost", "")),
        }


def weights() -> Rows:
    """Weights that came with the package."""
    from qpm.weights import path, shipped

    for name in shipped():
        yield {
            "weights": name,
            "MB": f"{path(name).stat().st_size / 1e6:.1f}",
            "card": path(name).with_suffix(".md"),
        }


def networks() -> Rows:
    """Network presets and their number of parameters."""
    import torch

    from qpm.model import PRESETS, build

    for name in PRESETS:
        with torch.device("meta"):  # shapes only, nothing is allocated
            count = sum(parameter.numel() for parameter in build(name).parameters())
        yield {"network": name, "parameters": f"{count / 1e6:.2f} M"}


KINDS: dict[str, Callable[[], Rows]] = {
    "policies": policies,
    "datasets": datasets,
    "studies": studies,
    "weights": weights,
    "networks": networks,
}


def summary(thing: object) -> str:
    """The first line of a docstring."""
    return (thing.__doc__ or "").strip().split("\n")[0]


def one_line(text: object) -> str:
    """Text of a YAML block on one line."""
    return " ".join(str(text).split())


def schema() -> None:
    """JSON schema of study files, for editors.

    \b
    Example:
      qpm schema > qpm.schema.json     and in a study: # yaml-language-server: $schema=../qpm.schema.json
    """
    typer.echo(json.dumps(study_schema(), indent=2))


def study_schema() -> dict[str, Any]:
    """A study file's schema, in which the base and every case are parts of a trial's settings."""
    from qpm.study.config import TrialConfig
    from qpm.study.spec import StudyFile

    study, trial = StudyFile.model_json_schema(), TrialConfig.model_json_schema()
    settings = {
        key: value for key, value in trial["properties"].items() if key not in ("study", "case", "notebook")
    }
    # keys may also be dotted, such as policy.keep.sigma_m
    part = {
        "type": "object",
        "properties": settings,
        "patternProperties": {r"^\w+\.": {}},
        "additionalProperties": False,
    }
    case = part | {"properties": settings | {"seeds": study["properties"]["seeds"]}}
    study["properties"] |= {"base": part, "cases": {"type": "object", "additionalProperties": case}}
    return study | {"$defs": study.get("$defs", {}) | trial.get("$defs", {})}
