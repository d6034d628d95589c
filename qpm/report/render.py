"""All reports of a study, from its rows to its files."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from qpm.names import lookup
from qpm.report import (
    ablation,
    architecture,
    attributes,
    calibration,
    cost,
    leaderboard,
    origin,
    page,
    player,
    policies,
    published_weights,
    qualitative,
    server_ablation,
    thresholds,
    timelines,
    trainings,
)
from qpm.report.load import NotMeasuredError, Results, load
from qpm.report.publish import Section
from qpm.report.write import Table

log = logging.getLogger(__name__)

WITHOUT_TRIALS = {"leaderboard", "server_ablation"}  # a server's answers fill these, and the printed rows stand alone
PREFERRED = ("qpm", "quality_gated", "prior_only")  # the case that single-case figures show, if it was run


class StudyLike(Protocol):
    """What a report asks of a study (`qpm.study.spec.Study`)."""

    @property
    def name(self) -> str: ...
    @property
    def question(self) -> str: ...
    @property
    def paper(self) -> str: ...
    @property
    def expect(self) -> str: ...
    @property
    def cost(self) -> str: ...
    @property
    def baseline(self) -> str | None: ...
    @property
    def report(self) -> Sequence[str]: ...


@dataclass(frozen=True)
class Context:
    """The cases that a report speaks about: the one compared with, and the one shown alone."""

    baseline: str
    case: str


Report = Callable[[Results, Context], Section]

REPORTS: dict[str, Report] = {
    "ablation": lambda results, c: ablation.report(results, {"baseline": c.baseline}),
    "leaderboard": lambda results, c: leaderboard.report(results, c.case),
    "server_ablation": lambda results, c: server_ablation.report(results),
    "published_weights": lambda results, c: published_weights.report(results),
    "policies": lambda results, c: policies.report(results, c.baseline),
    "cost": lambda results, c: cost.report(results),
    "architecture": lambda results, c: architecture.report(results, c.case),
    "attributes": lambda results, c: attributes.report(results, baseline=c.baseline),
    "thresholds": lambda results, c: thresholds.report(results),
    "calibration": lambda results, c: calibration.report(results, c.case),
    "trainings": lambda results, c: trainings.report(results, c.baseline),
    "timeline": lambda results, c: timelines.report(results, c.case, c.baseline),
    "qualitative": lambda results, c: qualitative.report(results, c.case, c.baseline),
}


@dataclass(frozen=True)
class Rendered:
    """What `make` wrote: the sections of the page, the reports that could not be made and why, provenance, the page."""

    sections: tuple[Section, ...]
    missing: Mapping[str, str]
    provenance: Path
    page: Path

    @property
    def files(self) -> list[Path]:
        """Every file, the page last."""
        return [path for section in self._all() for path in section.files] + [self.provenance, self.page]

    @property
    def tables(self) -> list[Table]:
        """The tables, for a terminal."""
        return [section.table for section in self._all() if section.table is not None]

    def _all(self) -> list[Section]:
        return [each for section in self.sections for each in section.all()]


def render(study_dir: Path, study: StudyLike) -> list[Path]:
    """Make every report that the study lists, and its page; return the files. See `make`."""
    return make(study_dir, study).files


def make(study_dir: Path, study: StudyLike) -> Rendered:
    """Make every report that the study lists, and its page; the same rows give the same bytes.

    Parameters
    ----------
    study_dir : Path
        ``results/<study>``, with the finished trials below it.
    study : Study
        Its `report` names entries of `REPORTS`.

    Returns
    -------
    Rendered
        A report that the rows cannot give (`NotMeasuredError`), or whose dataset is not on this machine, is logged,
        and the page says why.

    Raises
    ------
    FileNotFoundError
        If no trial is finished, and a report needs one.
    ValueError
        If a report is unknown.
    """
    makers = {name: lookup("report", name, REPORTS) for name in study.report}
    results = load(study_dir, required=not makers.keys() <= WITHOUT_TRIALS)
    chosen = context(results, study)
    sections: list[Section] = []
    missing: dict[str, str] = {}
    for name, maker in makers.items():
        try:
            sections.append(maker(results, chosen))
        except (NotMeasuredError, FileNotFoundError) as error:
            log.warning("no %s: %s", name, error)
            missing[name] = str(error)
    written = page.write_page(results, study, sections, missing, _videos(results, chosen))
    return Rendered(tuple(sections), missing, origin.write_provenance(results), written)


def _videos(results: Results, chosen: Context) -> Mapping[str, Any] | None:
    """The page's player; None where the study saved no masks, or its videos are not on this machine."""
    if not results.trials:
        return None
    try:
        return player.player(results, chosen.case, chosen.baseline)
    except (NotMeasuredError, FileNotFoundError) as error:
        log.info("no player: %s", error)
        return None


def context(results: Results, study: StudyLike) -> Context:
    """Return the study's baseline (its first case if it names none) and the case to show alone."""
    known = list(dict.fromkeys(results.rows.case)) or [PREFERRED[0]]
    baseline = study.baseline or ("stm" if "stm" in known else known[0])
    shown = [case for case in PREFERRED if case in known] or [case for case in known if case != baseline]
    return Context(baseline, (shown or [baseline])[0])
