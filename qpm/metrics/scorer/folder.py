"""Score a folder or zip of masks against the truth."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from qpm.metrics.scorer.checks import check_files
from qpm.metrics.scorer.parallel import Progress, score_all
from qpm.metrics.scorer.plan import Plan, plan
from qpm.metrics.scorer.profiles import Profile, find_profile
from qpm.metrics.scorer.refusal import Refusal
from qpm.metrics.scorer.remarks import all_remarks
from qpm.metrics.scorer.report import ScoreReport
from qpm.metrics.scorer.sequence import SequenceScore
from qpm.metrics.scorer.store import MaskStore, open_store, store_name
from qpm.metrics.scorer.youtube import Meta, read_meta, without_category
from qpm.metrics.summary import Decay
from qpm.rows import check


def score_folder(
    gt: Path,
    pred: Path,
    protocol: str,
    *,
    subset: bool = False,
    decay: Decay = "fixed",
    jobs: int = 1,
    meta: Path | None = None,
    categories: Path | None = None,
    leave_out_first: bool | None = None,
    leave_out_last: bool | None = None,
    progress: Progress | None = None,
) -> ScoreReport:
    """Score a method's masks under a protocol.

    Every file is checked first; if one cannot be scored, nothing is.

    Parameters
    ----------
    gt : Path
        Folder of the truth: ``<sequence>/<frame>.png``, or a dataset's root with ``Annotations``.
    pred : Path
        Folder or zip of predictions, laid out alike; pixel value = object id.
    protocol : str
        Name in `qpm.metrics.scorer.profiles.PROFILES`.
    subset : bool
        Score the sequences that both have; else one that is missing in the prediction is a fault.
    decay : {"fixed", "compatible"}
        See `qpm.metrics.summary.decay`.
    jobs : int
        Number of processes; sequences are shared out among them.
    meta, categories : Path, optional
        For youtube-vos, see `qpm.metrics.scorer.youtube.read_meta`.
    leave_out_first, leave_out_last : bool, optional
        For youtube-vos: whether the first (default yes) and last (default no) frame of each object's list are
        left out.
    progress : callable, optional
        Called with the number of frames done and of all frames.

    Returns
    -------
    ScoreReport

    Raises
    ------
    Refusal
        Names every file that is missing, unreadable, of another size or no label map.
    ValueError
        If the protocol is unknown or has no such switch.
    """
    profile = find_profile(protocol).with_ends(leave_out_first, leave_out_last)
    truth, prediction = open_store(gt, profile.depth), open_store(pred, profile.depth)
    folders, left_out = shared_folders(truth, prediction, subset)
    objects = _meta(profile, Path(gt), meta, categories, folders)
    planned = plan(profile, truth, folders, objects)
    scores = _measure(planned, truth, prediction, jobs, progress)
    rows = _rows(scores, store_name(pred), objects)
    spare = [name for name in prediction.folders if name not in truth.folders]
    return ScoreReport(
        protocol=profile.name,
        meaning=profile.meaning,
        settings=_settings(profile, decay, subset),
        truth=Path(gt),
        prediction=Path(pred),
        rows=rows,
        warnings=(
            *planned.remarks,
            *all_remarks(profile, scores, rows, decay),
            *(f"{name}: predicted, but not in the truth" for name in spare),
        ),
        left_out=left_out,
    )


def _measure(
    planned: Plan, truth: MaskStore, prediction: MaskStore, processes: int, progress: Progress | None
) -> list[SequenceScore]:
    """Check every file, then measure; whatever is wrong with any of them is one refusal."""
    faults = [*planned.faults, *check_files(planned.jobs, truth, prediction)]
    if faults or not planned.jobs:
        raise Refusal(faults or planned.remarks)
    scores = score_all(planned.jobs, truth, prediction, processes, progress)
    if faults := [fault for score in scores for fault in score.faults]:
        raise Refusal(faults)
    if not any(score.measures for score in scores):
        raise Refusal(["no object of the truth shows on a scored frame"])
    return scores


def shared_folders(
    truth: MaskStore, prediction: MaskStore, subset: bool
) -> tuple[list[str], tuple[str, ...]]:
    """Folders to score, and those of the truth that a subset leaves out.

    Raises
    ------
    Refusal
        If a folder has no prediction and no subset was asked for, or none has one.
    """
    missing = tuple(name for name in truth.folders if name not in prediction.folders)
    if len(missing) == len(truth.folders):
        raise Refusal(
            [f"{prediction.root} and {truth.root} share no sequence: {_few(prediction)} and {_few(truth)}"]
        )
    if missing and not subset:
        raise Refusal(
            f"{prediction.root}: sequence '{name}' is missing; to score only what is there, ask for the subset"
            for name in missing
        )
    return [name for name in truth.folders if name in prediction.folders], missing


def _meta(profile: Profile, gt: Path, meta: Path | None, categories: Path | None, videos: list[str]) -> Meta:
    if profile.objects != "listed":
        return {}
    objects = read_meta(gt, meta, categories)
    if faults := without_category(objects, videos):
        raise Refusal(faults)
    return objects


def _rows(scores: list[SequenceScore], case: str, meta: Meta) -> pd.DataFrame:
    names = ("sequence", "object_id", "frame_index", "frame", "present", "j", "f")
    measured = [(score.sequence, *measure) for score in scores for measure in score.measures]
    rows = pd.DataFrame(measured, columns=list(names)).assign(case=case, scored=True)
    listed = [meta.get(key[0], {}).get(key[1]) for key in zip(rows.sequence, rows.object_id, strict=True)]
    if meta:
        rows["category"] = [entry.category if entry else "" for entry in listed]
        rows["seen"] = [entry.seen if entry else None for entry in listed]
    return check(rows)


def _settings(profile: Profile, decay: str, subset: bool) -> Mapping[str, Any]:
    ends = {"leave_out_first": profile.leave_out_first, "leave_out_last": profile.leave_out_last}
    of = "object" if profile.objects == "listed" else "sequence"
    return {**ends, "ends_of": of, "decay": decay, "subset": subset}


def _few(store: MaskStore) -> str:
    names = list(store.folders)
    return ", ".join(names[:3]) + (" ..." if len(names) > 3 else "")
