"""A server's answer to a submission, as numbers under our names, with its origin."""

from __future__ import annotations

import csv
import datetime
import hashlib
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from qpm.files import write_json

FOLDER = "imported"
ROUNDING = 0.001  # servers and papers print three decimals
PARTS = ("J_seen", "J_unseen", "F_seen", "F_unseen")
# Their names, in small letters and without signs, by ours.
NAMES: dict[str, dict[str, tuple[str, ...]]] = {
    "davis": {
        "J&F": ("globalmean", "jfmean", "jf"),
        "J_mean": ("jmean",),
        "J_recall": ("jrecall",),
        "J_decay": ("jdecay",),
        "F_mean": ("fmean",),
        "F_recall": ("frecall",),
        "F_decay": ("fdecay",),
    },
    "youtube-vos": {
        "overall": ("overall", "overallscore", "g"),
        "J_seen": ("jseen",),
        "J_unseen": ("junseen",),
        "F_seen": ("fseen",),
        "F_unseen": ("funseen",),
    },
}


class ServerScores(BaseModel):
    """What a server answered for one case of a study.

    Attributes
    ----------
    case : str
        The case whose masks were submitted.
    server : str
        "davis" or "youtube-vos".
    scores : mapping
        Our names -> 0..1.
    source, date : str
        Where the answer is from, and the day.
    file, sha256 : str
        Name and digest of the file that was read.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    case: str
    server: Literal["davis", "youtube-vos"]
    scores: dict[str, float]
    source: str
    date: datetime.date
    file: str
    sha256: str

    @property
    def origin(self) -> str:
        """Source, date, file and digest in a line."""
        return f"{self.source}, {self.date}, {self.file} (SHA-256 {self.sha256[:12]})"


def import_scores(
    path: Path, study_dir: Path, case: str, source: str = "", date: datetime.date | None = None
) -> ServerScores:
    """Read a server's file and keep its numbers as ``<study_dir>/imported/<case>.json``.

    Parameters
    ----------
    source : str
        Such as "CodaLab 6066, submission 123"; by default the server's name.
    date : date, optional
        Of the answer; by default that of the file.

    Raises
    ------
    FileNotFoundError, ValueError
        See `read_scores`.
    """
    server, scores = read_scores(path)
    answer = ServerScores(
        case=case,
        server=server,
        scores=scores,
        source=source or f"server of {server}",
        date=date or datetime.date.fromtimestamp(path.stat().st_mtime),
        file=path.name,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
    )
    write_json(study_dir / FOLDER / f"{case}.json", answer.model_dump(mode="json"))
    return answer


def imported(study_dir: Path) -> dict[str, ServerScores]:
    """The answers that were imported for a study, by case."""
    files = sorted((study_dir / FOLDER).glob("*.json"))
    answers = [ServerScores.model_validate_json(path.read_text(encoding="utf-8")) for path in files]
    return {answer.case: answer for answer in answers}


def read_scores(path: Path) -> tuple[Literal["davis", "youtube-vos"], dict[str, float]]:
    """Which server wrote a file, and its numbers under our names, 0..1.

    Lines ``name: value`` (or with ``=``, a comma or a tab), or a CSV with the names in its first line. Percentages
    are divided by 100.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, names are missing, a value is no score, or the overall score is not the mean of its
        parts.
    """
    if not path.is_file():
        raise FileNotFoundError(f"no file {path}")
    told = _named_values(path.read_text(encoding="utf-8-sig"))
    found = {server: _ours(told, names) for server, names in NAMES.items()}
    server: Literal["davis", "youtube-vos"] = (
        "youtube-vos" if len(found["youtube-vos"]) >= len(found["davis"]) else "davis"
    )
    scores = found[server]
    if missing := [name for name in NAMES[server] if name not in scores]:
        known = ", ".join(told) or "nothing of the form name: value"
        raise ValueError(f"{path}: no {', '.join(missing)} of the server of {server}; it holds {known}")
    scale = 100.0 if max(map(abs, scores.values())) > 1 else 1.0
    scores = {name: value / scale for name, value in scores.items()}
    if fault := mean_fault(server, scores):
        raise ValueError(f"{path}: {fault}")
    return server, scores


def mean_fault(server: str, scores: Mapping[str, float]) -> str:
    """What is wrong with numbers as scores; empty if the overall one is the mean of its parts."""
    whole, parts = ("overall", PARTS) if server == "youtube-vos" else ("J&F", ("J_mean", "F_mean"))
    if wrong := [name for name in (whole, *parts) if not 0 <= scores[name] <= 1]:
        return f"{wrong[0]} is {scores[wrong[0]]}; scores are 0..1, or percentages throughout"
    mean = math.fsum(scores[name] for name in parts) / len(parts)
    if abs(mean - scores[whole]) > ROUNDING + 1e-9:
        return f"{whole} is {scores[whole]:.4f}, but the mean of {', '.join(parts)} is {mean:.4f}"
    return ""


def _ours(told: Mapping[str, float], names: Mapping[str, tuple[str, ...]]) -> dict[str, float]:
    plain = {re.sub(r"[^a-z]", "", name.lower()): value for name, value in told.items()}
    return {ours: plain[name] for ours, theirs in names.items() for name in theirs if name in plain}


def _named_values(text: str) -> dict[str, float]:
    """Names and numbers as they stand in the file."""
    rows = [[cell.strip() for cell in row] for row in csv.reader(text.splitlines()) if any(row)]
    if len(rows) > 1 and len(rows[0]) > 2 and all(_number(cell) is None for cell in rows[0]):
        pairs = list(zip(rows[0], rows[1], strict=False))
    else:
        lines = (
            re.match(r'\s*"?([^:=,;\t\d]+?)"?\s*[:=,;\t ]\s*(\S+)\s*$', line) for line in text.splitlines()
        )
        pairs = [(line[1], line[2]) for line in lines if line]
    return {name: value for name, cell in pairs if (value := _number(cell)) is not None}


def _number(cell: str) -> float | None:
    try:
        return float(cell.strip().rstrip("%"))
    except ValueError:
        return None
