"""The answer of the scorer: numbers, what they are about, and what to beware of."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from qpm.files import write_atomic
from qpm.metrics import summary
from qpm.metrics.scorer.remarks import empty_union
from qpm.rows import write_rows


@dataclass(frozen=True)
class ScoreReport:
    """Scores of one result folder under one protocol.

    Attributes
    ----------
    protocol, meaning : str
        Name and one-line rule of the protocol.
    settings : mapping
        What was left open by the protocol, as it was chosen.
    truth, prediction : Path
        What was scored.
    rows : DataFrame
        Every scored object and frame, see `qpm.rows`.
    warnings : tuple of str
        Oddities of the masks with their effect.
    left_out : tuple of str
        Sequences of the truth that were not scored, where a subset was asked for.
    """

    protocol: str
    meaning: str
    settings: Mapping[str, Any]
    truth: Path
    prediction: Path
    rows: pd.DataFrame
    warnings: tuple[str, ...]
    left_out: tuple[str, ...]

    @property
    def scores(self) -> dict[str, float]:
        """The set's numbers, 0..1: the DAVIS table, or for youtube-vos the one of seen and unseen categories."""
        if self.protocol == "youtube-vos":
            return summary.youtube(self.rows)
        return summary.davis(self.rows, self.settings["decay"])

    @property
    def ends(self) -> str:
        """What happens to the first and the last frame, in words, and which switches change it."""
        choice = self.settings
        first, last = (
            "left out" if choice[end] else "scored" for end in ("leave_out_first", "leave_out_last")
        )
        if choice["ends_of"] == "object":
            why, note = ", whose mask is given,", "--leave-out-* and --keep-* change it"
        else:
            why, note = "", "fixed by the protocol"
        return f"the first of each {choice['ends_of']}{why} is {first}, the last is {last} ({note})"

    @property
    def objects(self) -> pd.DataFrame:
        """One row per object: sequence, object_id, the means, recalls and decays of J and F, frames."""
        table = summary.objects(self.rows, self.settings["decay"])
        names = {name.lower(): name for name in summary.DAVIS_NAMES}
        return table[["sequence", "object_id", *names, "frames"]].rename(columns=names)

    def to_json(self, per_frame: bool = False) -> dict[str, Any]:
        """Everything as plain values; what is undefined (NaN) is None.

        Parameters
        ----------
        per_frame : bool
            Also give J and F of every object and frame, as `frames`.
        """
        answer = {
            "protocol": self.protocol,
            "meaning": self.meaning,
            "settings": dict(self.settings),
            "truth": str(self.truth),
            "prediction": str(self.prediction),
            "sequences": sorted(self.rows["sequence"].unique()),
            "left_out": list(self.left_out),
            "global": self.scores,
            "empty_union": empty_union(self.rows),
            "objects": self.objects.to_dict("records"),
            "warnings": list(self.warnings),
        }
        if per_frame:
            names = {"sequence": "sequence", "object_id": "object_id", "frame": "frame", "j": "J", "f": "F"}
            answer["frames"] = self.rows[list(names)].rename(columns=names).to_dict("records")
        return plain(answer)

    def to_csv(self, path: Path) -> None:
        """Write one line per object, in full precision."""
        write_atomic(Path(path), lambda temporary: self.objects.to_csv(temporary, index=False))

    def to_parquet(self, path: Path) -> None:
        """Write the rows."""
        write_rows(Path(path), self.rows)


def plain(value: Any) -> Any:
    """The value without NaN, which JSON does not have, and without numpy's types."""
    if isinstance(value, dict):
        return {key: plain(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and math.isnan(value) else value
