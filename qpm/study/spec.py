"""A study file becomes trials: named cases laid over a base, times a grid of settings, times seeds."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, ValidationError

from qpm.names import lookup, unknown
from qpm.provenance import source_root
from qpm.study.faults import explain
from qpm.study.identity import Trial
from qpm.study.layers import overlay, put


class StudyFile(BaseModel):
    """The keys of a study file. The first four are for readers and come first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    question: str = Field(min_length=1)
    paper: str = Field(min_length=1)
    expect: str = Field(min_length=1)
    cost: str = Field(min_length=1)
    notebook: str = "evaluate"  # a name in notebooks/, or a path beside the study file
    base: dict[str, Any] = {}
    cases: dict[str, dict[str, Any] | None] = {}  # laid over base; a case may have `seeds` of its own
    grid: dict[str, list[Any]] = {}  # dotted key -> values; every combination is run
    seeds: tuple[NonNegativeInt, ...] = (0,)
    report: tuple[str, ...] = ()
    baseline: str | None = None


@dataclass(frozen=True)
class Study:
    """A study, read and checked: what it asks, and every trial that answers it."""

    name: str
    path: Path
    question: str
    paper: str
    expect: str
    cost: str
    notebook: Path
    cases: tuple[str, ...]
    baseline: str | None
    report: tuple[str, ...]
    trials: tuple[Trial, ...]


def load_study(path: Path, overrides: Sequence[str] = ()) -> Study:
    """Read a study file.

    Parameters
    ----------
    path : Path
        YAML with the keys of `StudyFile`; its stem is the study's name.
    overrides : sequence of str
        ``a.b.c=value`` in the words of the file, such as ``base.dataset.videos=2``; values are YAML.

    Raises
    ------
    FileNotFoundError, ValueError
        For a missing file, an unknown key (with the nearest known one), a value that does not fit, or a
        baseline that is no case.
    """
    path = Path(path)
    file = _validate(path, _overridden(_read(path), overrides))
    for place, override in enumerate(overrides):
        others = [*overrides[:place], *overrides[place + 1 :]]
        _refuse_idle(override, file, _validate(path, _overridden(_read(path), others)))
    trials = tuple(_trial(path, settings) for settings in expand(file, path.stem))
    cases = tuple(dict.fromkeys(trial.case for trial in trials))
    if file.baseline is not None and file.baseline not in cases:
        raise ValueError(f"{path}: {unknown('baseline', file.baseline, cases)}")
    return Study(
        name=path.stem,
        path=path,
        question=file.question,
        paper=file.paper,
        expect=file.expect,
        cost=file.cost,
        notebook=find_notebook(file.notebook, path),
        cases=cases,
        baseline=file.baseline,
        report=file.report,
        trials=trials,
    )


def expand(file: StudyFile, study: str) -> Iterator[dict[str, Any]]:
    """Settings of each trial, not yet validated: cases x grid x seeds, in the order of the file."""
    common = {"study": study, "notebook": file.notebook}
    for case, over in (file.cases or {"": {}}).items():
        laid = overlay(file.base, over or {})
        seeds = laid.pop("seeds", file.seeds)
        for point in itertools.product(*file.grid.values()):
            settings = overlay(laid, {})
            for key, value in zip(file.grid, point, strict=True):
                put(settings, key, value)
            name = _case_name(case, dict(zip(file.grid, point, strict=True)))
            for seed in seeds:
                yield {**settings, **common, "case": name, "seed": seed}


def find_notebook(name: str, study: Path) -> Path:
    """The notebook of a study: a path beside the study file, or a name in the nearest ``notebooks`` folder."""
    file = name if name.endswith(".ipynb") else f"{name}.ipynb"
    beside = study.resolve().parent
    folders = [beside, beside.parent / "notebooks", Path.cwd() / "notebooks", source_root() / "notebooks"]
    for folder in folders:
        if (folder / file).is_file():
            return folder / file
    raise FileNotFoundError(f"no notebook '{file}' in {', '.join(str(folder) for folder in folders)}")


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        known = sorted(file.stem for file in path.parent.glob("*.yaml"))
        hint = f"; {unknown('study', path.stem, known)}" if known else ""
        raise FileNotFoundError(f"no study file {path}{hint}")
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not YAML: {error}") from error
    if not isinstance(raw, dict):
        raise ValueError(f"{path} is no study: expected keys such as {', '.join(list(StudyFile.model_fields)[:5])}")
    return raw


def _overridden(raw: dict[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    for override in overrides:
        _apply(raw, override)
    return raw


def _refuse_idle(override: str, file: StudyFile, without: StudyFile) -> None:
    """Refuse an override that changes the file and yet no trial: every case says otherwise."""
    if file != without and file.base != without.base and list(expand(file, "")) == list(expand(without, "")):
        raise ValueError(f"--set {override} changes no trial: every case sets that itself; set cases.NAME... instead")


def _apply(raw: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise ValueError(f"--set '{override}' is not key=value; for example --set base.dataset.videos=2")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"--set {key}: '{text}' is no YAML value") from error
    if key.startswith("stages."):  # what a training's study is mostly asked to change
        key = f"base.training.{key}"
    top, _, rest = key.partition(".")
    lookup("study key", top, StudyFile.model_fields)
    if top == "cases" and rest:
        lookup("case", rest.split(".")[0], raw.get("cases") or {})
    if top == "grid" and rest:  # the grid's keys are dotted themselves
        raw["grid"] = dict(raw.get("grid") or {}) | {rest: value}
    else:
        put(raw, key, value)


def _validate(path: Path, raw: Mapping[str, Any]) -> StudyFile:
    try:
        return StudyFile.model_validate(raw)
    except ValidationError as error:
        raise ValueError(f"{path}: {explain(error, StudyFile)}") from None


def _trial(path: Path, settings: Mapping[str, Any]) -> Trial:
    model = _record(settings)
    try:
        return model.model_validate(settings)  # type: ignore[return-value]
    except ValidationError as error:
        raise ValueError(f"{path}: case '{settings['case']}': {explain(error, model)}") from None


def _record(settings: Mapping[str, Any]) -> type[BaseModel]:
    if settings["notebook"] == "train" or "training" in settings:
        from qpm.study.train import TrainTrial

        return TrainTrial
    from qpm.study.config import TrialConfig

    return TrialConfig


def _case_name(case: str, point: Mapping[str, Any]) -> str:
    """``qpm,sigma_m=0.7``: the case and its place in the grid, each axis by the shortest ending that is its own."""
    axes = [f"{_short(key, list(point))}={_text(value)}" for key, value in point.items()]
    return ",".join(([case] if case else []) + axes) or "only"


def _short(key: str, keys: Sequence[str]) -> str:
    parts = key.split(".")
    for count in range(1, len(parts) + 1):
        ending = ".".join(parts[-count:])
        if sum(f".{other}".endswith(f".{ending}") for other in keys) == 1:
            return ending
    return key


def _text(value: Any) -> str:
    text = str(value["name"] if isinstance(value, Mapping) and "name" in value else value)
    return "".join(letter if letter.isalnum() or letter in "._+-" else "-" for letter in text)
