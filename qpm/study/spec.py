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

EVALUATION = ("dataset", "weights", "policy", "inference", "save_masks", "curves")  # settings that no training has


class StudyFile(BaseModel):
    """The keys of a study file. The first four are for readers and come first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    question: str = Field(min_length=1)
    paper: str = Field(min_length=1)
    expect: str = Field(min_length=1)
    cost: str = Field(min_length=1)
    notebook: str = "evaluate"  # a name in notebooks/, or a path beside the study file
    base: dict[str, Any] = {}
    cases: dict[str, dict[str, Any] | None] = {}  # laid over base; a case may have `seeds` and `notebook` of its own
    grid: dict[str, list[Any]] = {}  # dotted key -> values; every combination is run; training.* concerns trainings
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
    notebooks: Mapping[str, Path]  # by the name that a trial has for it
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
        notebooks={name: find_notebook(name, path) for name in {trial.notebook for trial in trials}},
        cases=cases,
        baseline=file.baseline,
        report=file.report,
        trials=trials,
    )


def expand(file: StudyFile, study: str) -> Iterator[dict[str, Any]]:
    """Settings of each trial, not yet validated: cases x grid x seeds, in the order of the file.

    A case that trains is laid over the base's `training` alone; one that evaluates the weights of such a case is there
    once for every seed of the training.
    """
    points = list(_points(file, study))
    trained: dict[str, list[int]] = {}
    for settings in points:
        if "training" in settings:
            trained.setdefault(settings["case"], []).append(settings["seed"])
    for settings in points:
        yield from _with_each_training(settings, trained)


def _points(file: StudyFile, study: str) -> Iterator[dict[str, Any]]:
    cases = {case: over or {} for case, over in (file.cases or {"": {}}).items()}
    kinds = {case: _trains(file, over) for case, over in cases.items()}
    for case, over in cases.items():
        trains, base, notebook = kinds[case], file.base, file.notebook
        if len(set(kinds.values())) > 1:  # what the one kind of trial is based on, the other does not know
            base = {key: value for key, value in base.items() if key not in (EVALUATION if trains else ("training",))}
            notebook = "train" if trains else "evaluate" if notebook == "train" else notebook
        laid = {"notebook": notebook} | overlay(base, over)
        seeds = laid.pop("seeds", file.seeds)
        axes = {key: values for key, values in file.grid.items() if key.startswith("training.") == trains}
        for point in itertools.product(*axes.values()):
            settings = overlay(laid, {})
            for key, value in zip(axes, point, strict=True):
                put(settings, key, value)
            name = _case_name(case, dict(zip(axes, point, strict=True)))
            for seed in seeds:
                yield {**settings, "study": study, "case": name, "seed": seed}


def _trains(file: StudyFile, over: Mapping[str, Any]) -> bool:
    """Whether a case trains: it says so itself, or says nothing, and the study is one of trainings."""
    own = {key.partition(".")[0] for key in over}
    if "training" in own or own & set(EVALUATION):
        return "training" in own
    notebook = over.get("notebook", file.notebook)
    return notebook == "train" or ("training" in file.base and not file.base.keys() & set(EVALUATION))


def _with_each_training(settings: dict[str, Any], trained: Mapping[str, list[int]]) -> Iterator[dict[str, Any]]:
    weights = settings.get("weights")
    if not isinstance(weights, Mapping) or "trial" not in weights:
        yield settings
        return
    seeds = lookup("training", str(weights["trial"]), trained)
    for seed in [weights["seed"]] if "seed" in weights else seeds:
        if seed not in seeds:
            raise ValueError(f"case '{settings['case']}': '{weights['trial']}' is not trained with seed {seed}")
        yield {**settings, "weights": {**weights, "seed": seed}, "training_seed": seed}


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
