"""What a study has measured: the rows of its finished trials, how each came about, and the published numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from qpm import rows as tidy


class NotMeasuredError(ValueError):
    """The rows do not hold what a report needs; the message says what, and what would bring it."""


@dataclass(frozen=True)
class Results:
    """Rows of a study and the records of the trials they come from.

    Attributes
    ----------
    folder : Path
        ``results/<study>``.
    rows : DataFrame
        The tidy table (`qpm.rows`).
    trials : tuple of dict
        ``trial.json`` of each finished trial, with its folder's name as ``"folder"``.
    missing : tuple of str
        What the study asks for and has not measured, by the names of the trials.
    """

    folder: Path
    rows: pd.DataFrame
    trials: tuple[dict[str, Any], ...]
    missing: tuple[str, ...] = ()

    def config(self, case: str) -> Mapping[str, Any]:
        """Return the configuration of a case's first trial; empty if no record says."""
        return next((dict(trial["config"]) for trial in self.trials if trial_case(trial) == case), {})

    def masks(self, case: str) -> Path | None:
        """Return the folder with a case's masks of its lowest seed, ``masks/<sequence>/<frame>.png``; None without."""
        own = sorted(
            (t for t in self.trials if trial_case(t) == case), key=lambda t: int(t["config"].get("seed", 0))
        )
        folders = [self.folder / "trials" / t["folder"] / "masks" for t in own]
        return next((folder for folder in folders if folder.is_dir()), None)


def load(study_dir: Path, required: bool = True) -> Results:
    """Read the finished trials of a study; the ledger has marked what the study no longer asks for as superseded.

    Of a study of trainings alone there are no rows, and the trials are the trainings.

    Parameters
    ----------
    study_dir : Path
        ``results/<study>``, with ``trials/<case>-<hash>/{trial.json, rows.parquet}``.
    required : bool
        Whether there must be a finished trial; else no rows are an answer too.

    Raises
    ------
    FileNotFoundError
        If a trial is required and none is finished.
    """
    study_dir = study_folder(study_dir)
    trials = tuple(_finished(study_dir))
    if not trials and (trainings := trained(study_dir)):
        return Results(study_dir, tidy.check(pd.DataFrame(columns=list(tidy.COLUMNS))), trainings)
    if not trials and not required:
        return Results(study_dir, tidy.check(pd.DataFrame(columns=list(tidy.COLUMNS))), ())
    if not trials:
        raise FileNotFoundError(f"no finished trial under {study_dir / 'trials'}; run the study first")
    files = [study_dir / "trials" / trial["folder"] / "rows.parquet" for trial in trials]
    return Results(study_dir, tidy.read_rows(*files), trials, missing(study_dir))


def trained(study_dir: Path) -> tuple[dict[str, Any], ...]:
    """Return the records of a study's finished trainings, each with its folder's name as ``"folder"``."""
    return tuple(_finished(study_dir, "weights.safetensors"))


def study_folder(named: Path) -> Path:
    """Return the folder as it is named from here, else from one above: Jupyter works in the folder of the notebook."""
    above = Path("..") / named
    return above if above.is_dir() and not named.is_dir() else named


def missing(study_dir: Path) -> tuple[str, ...]:
    """Return the trials that the study asks for (``trials/plan.json``) and that are not finished, by their names."""
    plan = study_dir / "trials" / "plan.json"
    asked = json.loads(plan.read_text(encoding="utf-8")) if plan.is_file() else []
    there = {record["folder"] for record in _finished(study_dir)}
    return tuple(
        trial["title"] for trial in asked if trial["product"] == "rows.parquet" and trial["folder"] not in there
    )


def load_rows(study_dir: Path) -> pd.DataFrame:
    """Return the rows of a study's finished trials, one table."""
    return load(study_dir).rows


def trial_case(trial: Mapping[str, Any]) -> str:
    """Return the case that a trial measured."""
    return str(trial["config"]["case"])


def settings(config: Mapping[str, Any] | list[Any] | tuple[Any, ...], name: str) -> list[Any]:
    """Return every value that the key `name` has anywhere inside a configuration, in order of appearance."""
    found: list[Any] = []
    for key, value in config.items() if isinstance(config, Mapping) else enumerate(config):
        if key == name and value is not None:
            found.append(value)
        elif isinstance(value, Mapping | list | tuple):
            found += settings(value, name)
    return found


def published(study_dir: Path, table: str) -> pd.DataFrame:
    """Return a table as printed in the paper: `results/published/<table>.csv`, beside the study or in the sources.

    Raises
    ------
    FileNotFoundError
        If it is in neither place.
    """
    here = Path(__file__).resolve()
    folders = [
        study_dir.parent / "published",
        here.parents[2] / "results" / "published",
        here.parent / "published",
    ]
    path = next((folder / f"{table}.csv" for folder in folders if (folder / f"{table}.csv").is_file()), None)
    if path is None:
        raise FileNotFoundError(f"{table}.csv is in none of {', '.join(map(str, folders))}")
    return pd.read_csv(path)


def _finished(study_dir: Path, product: str = "rows.parquet") -> Iterator[dict[str, Any]]:
    for path in sorted((study_dir / "trials").glob("*/trial.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        if record.get("status") == "finished" and (path.parent / product).is_file():
            yield record | {"folder": path.parent.name}
