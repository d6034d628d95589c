"""The study's tables and figures, rendered when something that they depend on has changed."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from qpm.files import write_json
from qpm.provenance import available_cpus, source_root
from qpm.report.load import missing
from qpm.study.execute import Outcome, execute
from qpm.study.identity import file_digest
from qpm.study.ledger import Planned
from qpm.study.notebook import parameter_names
from qpm.study.reach import code_digest, reached
from qpm.study.spec import Study

STAMP = "rendered.json"  # in the trials' folder, so that it is never committed


@dataclass(frozen=True)
class Outputs:
    """The study's tables and figures, whether they were made just now, and a line for each page that failed."""

    files: tuple[Path, ...] = ()
    anew: bool = False
    failures: tuple[str, ...] = ()


def bring_up_to_date(study: Study, study_dir: Path, planned: Sequence[Planned]) -> Outputs:
    """Render the study's reports unless the files on disk are of just these trials, this study and this code."""
    stamp, state = study_dir / "trials" / STAMP, _state(study, study_dir, planned)
    known = json.loads(stamp.read_text(encoding="utf-8")) if stamp.is_file() else {}
    files = tuple(study_dir / name for name in known.get("files", []))
    if known.get("state") == state and all(path.is_file() for path in files):
        return Outputs(files, anew=False)
    made = _make(study, study_dir)
    if not made.failures:  # else the next run tries again
        names = [path.relative_to(study_dir).as_posix() for path in made.files]
        write_json(stamp, {"state": state, "files": names})
    return made


def _make(study: Study, study_dir: Path) -> Outputs:
    """Render every report, and execute the notebook of each that has one, for reading and for changing by hand."""
    from qpm.report.load import load
    from qpm.report.render import context, make

    rendered, shown = make(study_dir, study), context(load(study_dir), study)
    known = {"study_dir": str(study_dir.resolve()), "baseline": shown.baseline, "case": shown.case}
    made = [name for name in study.report if name not in rendered.missing]
    pages = [page for name in made if (page := study.notebook.with_name(f"{name}.ipynb")).is_file()]
    executed = [study_dir / "notebooks" / page.name for page in pages]
    failures = tuple(
        f"report {path.stem} {outcome.status}: {outcome.reason} ({path})"
        for path, outcome in zip(executed, _execute_all(pages, executed, known), strict=True)
        if outcome.status != "finished"
    )
    return Outputs((*rendered.files, *executed), True, failures)


def _execute_all(pages: Sequence[Path], outputs: Sequence[Path], known: Mapping[str, str]) -> list[Outcome]:
    """Execute notebooks side by side; Ctrl-C ends their kernels."""
    from qpm.study import kernel
    from qpm.study.warm_kernel import warm

    launch = uuid.uuid4().hex
    with warm(), ThreadPoolExecutor(available_cpus()) as threads:
        try:
            return list(threads.map(partial(_execute, known, launch), pages, outputs))
        except KeyboardInterrupt:
            kernel.stop(launch)
            raise


def _execute(known: Mapping[str, str], launch: str, notebook: Path, output: Path) -> Outcome:
    names = parameter_names(notebook)
    return execute(notebook, output, {name: value for name, value in known.items() if name in names}, launch=launch)


def _state(study: Study, study_dir: Path, planned: Sequence[Planned]) -> str:
    """SHA-256 over the trials, what the study says in words, the report's code, its templates, the paper's tables
    and servers' answers."""
    words = [study.name, study.question, study.paper, study.expect, study.cost, study.baseline, study.report]
    code = {name: code_digest(path) for name, path in reached(["qpm.report.render"], leave_out=()).items()}
    root = source_root()
    paths = [*(root / "qpm" / "report" / "templates").glob("*"), *(root / "results" / "published").glob("*.csv")]
    paths += (study_dir / "imported").glob("*.json")
    others = {path.name: file_digest(path) for path in paths if path.is_file()}
    facts = [sorted(entry.name for entry in planned), missing(study_dir), words, code, others]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
