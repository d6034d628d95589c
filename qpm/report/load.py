"""What a study has measured: the rows of its finished trials, how each came about, and the published numbers."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from qpm import rows as tidy

log = logging.getLogger(__name__)

REPEAT = re.compile(r"^(random_gate\w*?)[-_/ ]?(?:seed=?)?(\d+)$")


@dataclass(frozen=True)
class Results:
    """Rows of a study and the records of the trials they come from.

    Attributes
    ----------
    folder : Path
        ``results/<study>``.
    rows : DataFrame
        The tidy table (`qpm.rows`); repeats of a random control are one case, told apart by the column `repeat`.
    trials : tuple of dict
        ``trial.json`` of each finished trial, with its folder's name as ``"folder"``.
    """

    folder: Path
    rows: pd.DataFrame
    trials: tuple[dict[str, Any], ...]

    def config(self, case: str) -> Mapping[str, Any]:
        """Return the configuration of a case's first trial; empty if no record says."""
        return next((dict(trial["config"]) for trial in self.trials if pooled_case(trial_case(trial)) == case), {})

    def masks(self, case: str) -> Path | None:
        """Return the folder with a case's saved masks, ``masks/<sequence>/<frame>.png``; None if none were saved."""
        folders = [self.folder / "trials" / t["folder"] / "masks" for t in self.trials if trial_case(t) == case]
        return next((folder for folder in folders if folder.is_dir()), None)


def load(study_dir: Path, trials: Collection[str] | None = None) -> Results:
    """Read the finished trials of a study.

    Parameters
    ----------
    study_dir : Path
        ``results/<study>``, with ``trials/<case>-<hash>/{trial.json, rows.parquet}``.
    trials : collection of str, optional
        Folder names to read. By default the newest finished trial of each case and seed, so that what an
        earlier version of the study left behind is not mixed in.

    Raises
    ------
    FileNotFoundError
        If no trial is finished.
    """
    records = [record for record in _records(study_dir) if trials is None or record["folder"] in trials]
    chosen = tuple(_newest(records) if trials is None else records)
    if not chosen:
        raise FileNotFoundError(f"no finished trial under {study_dir / 'trials'}; run the study first")
    tables = [tidy.read_rows(study_dir / "trials" / record["folder"] / "rows.parquet") for record in chosen]
    return Results(study_dir, pool(pd.concat(tables, ignore_index=True)), chosen)


def load_rows(study_dir: Path) -> pd.DataFrame:
    """Return the rows of a study's finished trials, one table."""
    return load(study_dir).rows


def pool(rows: pd.DataFrame) -> pd.DataFrame:
    """Make the repeats of a random control one case: ``random_gate_3`` becomes ``random_gate``, column repeat = 3.

    The seed stays what it was: that of the network. Rows without repeats come back as they are.
    """
    repeats = rows.case.str.extract(REPEAT)
    repeated = repeats[0].notna()
    if not repeated.any():
        return rows
    pooled = rows.copy()
    pooled.loc[repeated, "case"] = repeats.loc[repeated, 0]
    pooled["repeat"] = repeats[1].astype("float64")
    return pooled


def pooled_case(case: str) -> str:
    """Return the case that `pool` counts a trial's case to."""
    repeat = REPEAT.match(case)
    return repeat[1] if repeat else case


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
    folders = [study_dir.parent / "published", here.parents[2] / "results" / "published", here.parent / "published"]
    path = next((folder / f"{table}.csv" for folder in folders if (folder / f"{table}.csv").is_file()), None)
    if path is None:
        raise FileNotFoundError(f"{table}.csv is in none of {', '.join(map(str, folders))}")
    return pd.read_csv(path)


def _records(study_dir: Path) -> Iterator[dict[str, Any]]:
    for path in sorted((study_dir / "trials").glob("*/trial.json")):
        record = json.loads(path.read_text())
        if record.get("status") == "finished" and (path.parent / "rows.parquet").is_file():
            yield record | {"folder": path.parent.name}


def _newest(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The last started of each case and seed, in the order of the folders' names."""
    newest: dict[tuple[str, int], dict[str, Any]] = {}
    for record in sorted(records, key=lambda record: str(record.get("started", ""))):
        newest[trial_case(record), int(record["config"]["seed"])] = record
    if len(newest) < len(records):
        log.warning("%d finished trials are older versions of another and are left out", len(records) - len(newest))
    return sorted(newest.values(), key=lambda record: record["folder"])
