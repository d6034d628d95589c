"""Are the files in a study's folder what its rows say? They are made again, elsewhere, and compared byte for byte."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from qpm.report.render import render
from qpm.study import ledger
from qpm.study.identity import file_digest
from qpm.study.spec import Study

SAME, DIFFERS, ABSENT = "the same", "differs", "is not there"
BESIDE = ("trials", "imported")  # what reports read in the study's folder, and
ABOVE = ("published",)  # beside it


@dataclass(frozen=True)
class Checked:
    """A file by its path in the study's folder, and what was found: `SAME`, `DIFFERS` or `ABSENT`."""

    file: str
    found: str

    @property
    def good(self) -> bool:
        """Whether nothing is wrong with it."""
        return self.found == SAME


def verify(study: Study, results: Path) -> list[Checked]:
    """Check the rows against their digests in the ledger, and every table and figure against the rows.

    Raises
    ------
    FileNotFoundError
        If no trial is finished.
    """
    folder = (results / study.name).resolve()
    checked = _rows(folder)
    with TemporaryDirectory(prefix="qpm-") as place:
        copy = Path(place) / study.name
        copy.mkdir()
        for name, source, target in [(n, folder, copy) for n in BESIDE] + [(n, results, Path(place)) for n in ABOVE]:
            if (source / name).is_dir():
                (target / name).symlink_to((source / name).resolve())
        for path in render(copy, study):
            name = path.relative_to(copy).as_posix()
            checked.append(Checked(name, _compared(path, folder / name)))
    return checked


def _rows(folder: Path) -> list[Checked]:
    """What finished trials have written, where the ledger knows its digest."""
    found = []
    for record in ledger.records(folder):
        if record["status"] == "finished" and record.get("product_sha256"):
            path = record["folder"] / record["product"]
            state = ABSENT if not path.is_file() else SAME
            if state == SAME and file_digest(path) != record["product_sha256"]:
                state = DIFFERS
            found.append(Checked(path.relative_to(folder).as_posix(), state))
    return found


def _compared(made: Path, there: Path) -> str:
    if not there.is_file():
        return ABSENT
    return SAME if made.read_bytes() == there.read_bytes() else DIFFERS
