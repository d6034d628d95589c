"""Which videos a report shows: chosen by what a case changes, never by hand."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from qpm.report import numbers
from qpm.report.cases import average_seeds


def choose(
    rows: pd.DataFrame, case: str, baseline: str, sequences: Collection[str] | None = None
) -> pd.DataFrame:
    """Choose the videos that J&F gains most and loses most against the baseline, and that of the median change.

    Parameters
    ----------
    rows : DataFrame
        The tidy table (`qpm.rows`).
    case, baseline : str
    sequences : collection of str, optional
        Videos to choose from; all if none are named.

    Returns
    -------
    DataFrame
        ``sequence rule difference``: best, worst and median, each video once. `rule` says what is true (`best`,
        `worst`): "largest gain" of videos that all lose is "smallest loss".
    """
    scored = rows[rows.scored & rows.case.isin([case, baseline])]
    scored = scored[scored.sequence.isin(sequences)] if sequences is not None else scored
    means = average_seeds(scored).groupby(["sequence", "case"])[["j", "f"]].mean().mean(axis=1).unstack()
    change = (means[case] - means[baseline]).dropna().sort_values(kind="stable")
    rule_of: dict[str, str] = {}
    if len(change):
        rule_of[str(change.index[-1])] = best(change.iloc[-1], alone=len(change) == 1)
        rule_of.setdefault(str(change.index[0]), worst(change.iloc[0]))
        rule_of.setdefault(str(change.index[(len(change) - 1) // 2]), "median change")
    entries = [(sequence, rule, float(change[sequence])) for sequence, rule in rule_of.items()]
    return pd.DataFrame(entries, columns=["sequence", "rule", "difference"])


def best(difference: float, alone: bool = False) -> str:
    """Return how the video of the highest difference is called; one alone that loses has the largest loss."""
    return worst(difference) if alone and difference < 0 else _sided(difference, "largest gain", "smallest loss")


def worst(difference: float) -> str:
    """Return how the video of the lowest difference is called."""
    return _sided(difference, "smallest gain", "largest loss")


def _sided(difference: float, gain: str, loss: str) -> str:
    if numbers.signed(difference).strip("0.") == "":  # what prints as zero is neither
        return "no change"
    return gain if difference > 0 else loss
