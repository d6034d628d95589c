"""What the reader of a score should know: oddities of the masks, and how much they matter."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from qpm.metrics import summary
from qpm.metrics.scorer.profiles import Profile
from qpm.metrics.scorer.sequence import VOID, SequenceScore


def all_remarks(
    profile: Profile, scores: Sequence[SequenceScore], rows: pd.DataFrame, decay: summary.Decay
) -> list[str]:
    """Warnings about every sequence, then about the whole."""
    objects = summary.objects(rows)
    general = [
        empty_union_remark(rows),
        decay_remark(rows) if decay == "fixed" else "",
        categories_remark(rows) if profile.objects == "listed" else "",
    ]
    by_sequence = [text for score in scores for text in sequence_remarks(profile, score, objects)]
    return by_sequence + [text for text in general if text]


def sequence_remarks(profile: Profile, score: SequenceScore, objects: pd.DataFrame) -> list[str]:
    """Warnings about one sequence, each with its effect.

    Parameters
    ----------
    profile : Profile
        The protocol decides what happens to an oddity.
    score : SequenceScore
        What the sequence showed.
    objects : DataFrame
        The objects of all sequences from `summary.objects`, for the effect of leaving some out.
    """
    return [
        f"{score.folder}: {text}"
        for text in (
            _extra(profile, score),
            _void(profile, score, objects),
            _gaps(score, objects),
            _late(profile, score, objects),
            _never_in_truth(score),
        )
        if text
    ]


def decay_remark(rows: pd.DataFrame) -> str:
    """How the fixed decay differs from the published one; empty where it does not."""
    fixed, compatible = summary.davis(rows, "fixed"), summary.davis(rows, "compatible")
    names = [name for name in ("J_decay", "F_decay") if fixed[name] != compatible[name]]
    if not names:
        return ""
    values = ", ".join(f"{name} {fixed[name]:.4f} instead of {compatible[name]:.4f}" for name in names)
    return (
        f"sequences of more than 256 scored frames: {values}; the public Python evaluators wrap frame numbers at "
        "256, decay='compatible' repeats that"
    )


def empty_union(rows: pd.DataFrame) -> dict[str, float | int]:
    """Frames on which neither truth nor prediction holds an object, and the means without them."""
    empty = summary.has_empty_union(rows)
    without = summary.davis(rows[~empty])
    return {"frames": int(empty.sum())} | {
        f"{name}_without": without[name] for name in ("J&F", "J_mean", "F_mean")
    }


def empty_union_remark(rows: pd.DataFrame) -> str:
    """One line on frames that score 1 because there is nothing to see; empty if there are none."""
    counted = empty_union(rows)
    if not counted["frames"]:
        return ""
    return (
        f"{counted['frames']} object frames are empty in truth and prediction and score 1 by rule: J_mean "
        f"{summary.davis(rows)['J_mean']:.4f} with them, {counted['J_mean_without']:.4f} without"
    )


def categories_remark(rows: pd.DataFrame) -> str:
    """Which columns of seen and unseen categories have no object; empty if none lacks one."""
    missing = [name for name, value in summary.youtube(rows).items() if value != value and name != "overall"]
    return f"no object is scored for {', '.join(missing)}, so overall is undefined" if missing else ""


def _extra(profile: Profile, score: SequenceScore) -> str:
    if not score.extra:
        return ""
    ids = ", ".join(f"{k} ({count} frames)" for k, count in sorted(score.extra.items()))
    elsewhere = "; davis2017-evaluation would give up" if profile.objects == "first frame" else ""
    return f"prediction holds ids that are not scored: {ids}; ignored, no effect but on the pixels they take{elsewhere}"


def _void(profile: Profile, score: SequenceScore, objects: pd.DataFrame) -> str:
    if not score.void or profile.objects == "one":
        return ""
    if profile.objects == "first frame":
        return f"255 in {score.void} truth frames is taken as background; predictions there count as wrong"
    effect = _effect(objects, score.sequence, [VOID])
    return f"255 in {score.void} truth frames is an object like any other{effect}" if effect else ""


def _gaps(score: SequenceScore, objects: pd.DataFrame) -> str:
    if not score.gaps:
        return ""
    ids = ", ".join(map(str, score.gaps))
    effect = _effect(objects, score.sequence, score.gaps)
    return (
        f"ids {ids} are not in the first truth frame but count as objects, as in davis2017-evaluation{effect}"
    )


def _late(profile: Profile, score: SequenceScore, objects: pd.DataFrame) -> str:
    if not score.late:
        return ""
    names = ", ".join(f"{k} (at {stem})" for k, stem in sorted(score.late.items()))
    if profile.objects == "first frame":
        return (
            f"objects enter after the first frame: {names}; not scored unless their id is below its largest"
        )
    effect = _effect(objects, score.sequence, list(score.late))
    return f"objects enter after the first frame: {names}; scored with the frame on which they enter{effect}"


def _never_in_truth(score: SequenceScore) -> str:
    return "" if score.measures else "no object of the truth shows on the scored frames; not scored"


def _effect(objects: pd.DataFrame, sequence: str, ids: Sequence[int]) -> str:
    """J&F without these objects of a sequence; empty if they are not among the rows."""
    chosen = (objects["sequence"] == sequence) & objects["object_id"].isin(ids)
    if not chosen.any():
        return ""
    both = (objects["j_mean"] + objects["f_mean"]) / 2
    return f"; J&F {both.mean():.4f} with them, {both[~chosen].mean():.4f} without"
