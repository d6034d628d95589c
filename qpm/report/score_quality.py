"""How well the predicted score tells the true IoU, in numbers: the table beside the calibration figure."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from qpm.metrics import calibration
from qpm.report import captions, numbers, style
from qpm.report.load import Results
from qpm.report.write import Table

KINDS = {"score_raw": "raw", "score": "relative"}


def prepare(rows: pd.DataFrame, cases: Sequence[str]) -> pd.DataFrame:
    """Return `qpm.metrics.calibration.calibration_table` of some cases, in their order."""
    table = calibration.calibration_table(rows[rows.case.isin(cases)])
    if table.empty:
        return table
    order = table.case.map({case: position for position, case in enumerate(cases)})
    return (
        table.assign(order=order)
        .sort_values("order", kind="stable")
        .drop(columns="order")
        .reset_index(drop=True)
    )


def quality_table(numeric: pd.DataFrame, caption: str) -> Table:
    """Return the table of score quality as a reader sees it."""
    cells = pd.DataFrame({"Score": [KINDS.get(score, score) for score in numeric.score]})
    if numeric.case.nunique() > 1:
        cells.insert(0, "Policy", [style.label(case) for case in numeric.case])
    cells["Empty"] = ["with" if empty else "without" for empty in numeric.empty_union]
    headers = {
        "spearman": "Spearman", "spearman_video": "per video", "auroc": "AUROC", "auroc_video": "per video ",
        "failed": "IoU<0.5", "mae": "MAE", "bias": "Bias", "ece": "ECE", "ece_recalibrated": "ECE recal.",
        "excess_aurc": "E-AURC",
    }  # fmt: skip
    for name, header in headers.items():
        show = numbers.signed if name == "bias" else numbers.fixed
        cells[header] = [show(value) for value in numeric[name]]
    cells["n"] = [numbers.count(value) for value in numeric.n]
    cells["Videos"] = [numbers.count(value) for value in numeric.videos]
    return Table(cells, numeric, caption, "calibration", left=("Policy", "Score", "Empty"))


def table(results: Results, cases: Sequence[str] = ("qpm",)) -> Table:
    """Return the table of score quality of a study, ready to print or write."""
    caption = captions.join(
        f"Quality of the predicted score under {' and '.join(map(style.label, cases))}: rank correlation with the "
        "true IoU, detection of failed masks (IoU < 0.5), "
        "calibration error before and after isotonic recalibration on the other videos, excess of the area under the "
        "risk-coverage curve over an oracle's. Per video: computed in each video, then averaged. "
        "Empty: with or without frames where neither truth nor prediction holds the object (IoU 1 by rule).",
        captions.data(results),
        captions.network(results),
    )
    return quality_table(prepare(results.rows, cases), caption)
