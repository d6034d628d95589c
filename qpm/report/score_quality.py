"""How well the predicted score tells the true IoU, in numbers: the table of everything that the figures show."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from sklearn.metrics import roc_curve

from qpm.metrics import calibration
from qpm.report import captions, numbers, signs, style
from qpm.report.load import Results
from qpm.report.score_samples import KINDS, samples
from qpm.report.write import Table

GATES = tuple(signs.PAPER.values())
TAUS = (0.5, 0.7)
WITHOUT = "*"  # marks a column without frames of an empty union


def judge(points: pd.DataFrame, gates: Sequence[float] = GATES) -> dict[str, float]:
    """Return every number about some samples (``video score iou``), by its words; NaN where one is undefined."""
    score, iou, video = (points[name].to_numpy() for name in ("score", "iou", "video"))
    error = score - iou
    found = {
        "samples": len(points),
        "videos": points.video.nunique(),
        "mean absolute error": float(np.abs(error).mean()),
        "root mean squared error": float(np.sqrt((error**2).mean())),
        "bias (score − IoU)": float(error.mean()),
        "calibration error (10 bins)": calibration.calibration_error(score, iou),
        "Pearson": calibration.pearson(score, iou),
        "Spearman": calibration.spearman(score, iou),
        "Spearman, mean over videos": calibration.per_video(calibration.spearman, score, iou, video),
    }
    for tau in TAUS:
        found |= _detection(score, iou, video, tau)
    found |= _selection(score, iou)
    for gate in gates:
        confusion = calibration.gate_confusion(score, iou, gate)
        found |= {f"{passing(gate)}: {words}": confusion[name] for name, words in _GATE_WORDS.items()}
    return found


def passing(gate: float) -> str:
    """Return "score > σm = 0.7" for a threshold of the paper, "score > 0.6" for another."""
    setting = signs.of_paper(gate)
    return f"score > {signs.TEXT[setting]} = {gate:g}" if setting else f"score > {gate:g}"


def prepare(rows: pd.DataFrame, cases: Sequence[str], gates: Sequence[float] = GATES) -> pd.DataFrame:
    """Return `judge` of each case and kind of score, with and without frames of an empty union.

    Returns
    -------
    DataFrame
        ``measure`` and one column per case, kind and treatment: ``qpm relative``, ``qpm relative *`` (without).
        Of recalibrated scores, measures of the pooled order are NaN: each video's curve is fitted without that
        video, which puts the scores of good videos too low and so biases any order between videos.
    """
    columns = {}
    for case in cases:
        for kind, word in KINDS.items():
            for mark, empty_union in (("", True), (f" {WITHOUT}", False)):
                points = samples(rows, case, kind, empty_union)
                if len(points):
                    found = judge(points, gates)
                    columns[f"{case} {word}{mark}"] = _own_order(found) if kind == "recalibrated" else found
    return pd.DataFrame(columns).rename_axis("measure").reset_index()


def quality_table(numeric: pd.DataFrame, caption: str) -> Table:
    """Return the table of score quality as a reader sees it."""
    names = [str(name) for name in numeric.columns[1:]]
    several = len({_split(name)[0] for name in names}) > 1
    cells = pd.DataFrame({"Measure": numeric.measure})
    for name in names:
        case, word = _split(name)
        header = f"{style.label(case)}: {word}" if several else word
        values = zip(numeric.measure, numeric[name], strict=True)
        cells[header] = [_show(measure)(value) for measure, value in values]
    first = [name.startswith(_FIRST_OF_A_GROUP) or name.endswith(": kept") for name in numeric.measure]
    groups = [place for place, rule in enumerate(first) if rule]
    return Table(cells, numeric, caption, "calibration", rules=tuple(groups), left=("Measure",))


def table(results: Results, cases: Sequence[str] = ("qpm",), gates: Sequence[float] = GATES) -> Table:
    """Return the table of score quality of a study, ready to print or write."""
    caption = captions.join(
        f"Quality of the predicted score under {' and '.join(map(style.label, cases))}: as predicted (raw), divided by "
        "the score of the frame where the object was given (relative), and recalibrated by isotonic regression on the "
        f"other videos. {WITHOUT}: without frames where neither truth nor prediction holds the object (their IoU is 1 "
        "by rule). A mask has failed below the IoU named; AUROC (area under the receiver operating characteristic) and "
        "average precision are of finding it by a low score. AURC: area under the risk–coverage curve, the mean risk "
        "1 − IoU of the best-scored share over all shares; excess AURC: beyond an oracle that sorts by the IoU.",
        gate_words(gates),
        "Empty: recalibration keeps the order within a video, and an order between videos is undefined by curves that "
        "were fitted without them.",
        captions.data(results),
        captions.network(results),
    )
    return quality_table(prepare(results.rows, cases, gates), caption)


def gate_words(gates: Sequence[float]) -> str:
    """Return of which gates the paper's thresholds are; nothing where none of `gates` is the paper's."""
    of_paper = [setting for gate in gates if (setting := signs.of_paper(gate))]
    said = [f"{signs.TEXT[setting]} of the {signs.GATES[setting]} gate" for setting in of_paper]
    return f"Thresholds of the paper: {', '.join(said)}." if said else ""


_FIRST_OF_A_GROUP = ("mean absolute", "Pearson", "failed masks", "AURC")
_ORDER = ("Pearson", "Spearman", "AUROC", "average precision", "false alarms", "AURC", "excess AURC", "risk of")
_GATE_WORDS = {
    "kept": "kept", "iou_kept": "mean IoU of the kept", "iou_dropped": "mean IoU of the dropped",
    "bad_in_memory": "failed among the kept", "bad_kept": "kept of the failed", "good_lost": "lost of the good",
}  # fmt: skip
_SHARES = ("failed masks", "false alarms", ": kept", ": failed", ": lost")


def _detection(score: np.ndarray, iou: np.ndarray, video: np.ndarray, tau: float) -> dict[str, float]:
    name = f"IoU < {tau:g}"

    def measure(score: np.ndarray, iou: np.ndarray) -> float:
        return calibration.auroc(score, iou, tau)

    return {
        f"failed masks ({name})": float((iou < tau).mean()),
        f"AUROC ({name})": measure(score, iou),
        f"AUROC, mean over videos ({name})": calibration.per_video(measure, score, iou, video),
        f"average precision ({name})": calibration.average_precision(score, iou, tau),
        f"false alarms where 95 % are found ({name})": _false_alarms(score, iou < tau),
    }


def _false_alarms(score: np.ndarray, failed: np.ndarray) -> float:
    """False positive rate at the threshold that finds 95 % of the failed masks."""
    if not 0 < failed.sum() < len(failed):
        return float("nan")
    false, true, _ = roc_curve(failed, -score)
    return float(false[np.argmax(true >= 0.95)])


def _selection(score: np.ndarray, iou: np.ndarray) -> dict[str, float]:
    curve = calibration.risk_coverage(score, iou)
    at = {f"risk of the best-scored {share:.0%}".replace("%", " %"): share for share in (0.5, 0.8)}
    risks = {name: float(np.interp(share, curve.coverage, curve.risk)) for name, share in at.items()}
    area = calibration.aurc(score, iou)
    return {"AURC": area, "excess AURC": calibration.excess_aurc(score, iou)} | risks


def _own_order(found: dict[str, float]) -> dict[str, float]:
    """Without measures of the order between videos."""
    pooled = [name for name in found if name.startswith(_ORDER) and "over videos" not in name]
    return found | dict.fromkeys(pooled, float("nan"))


def _show(measure: str) -> Callable[[float | None], str]:
    if measure in ("samples", "videos"):
        return numbers.count
    if any(word in measure for word in _SHARES):
        return numbers.share
    return numbers.signed if measure.startswith("bias") else numbers.fixed


def _split(column: str) -> tuple[str, str]:
    """ "qpm relative *" is "qpm" and "relative *"."""
    bare = column.removesuffix(f" {WITHOUT}")
    case, _, word = bare.rpartition(" ")
    return case, word + column[len(bare) :]
