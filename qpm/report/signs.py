"""The paper's two thresholds (Eq. 3 and 4): their values, and how text and drawings show them."""

from __future__ import annotations

PAPER = {"sigma_m": 0.7, "sigma_en": 0.65}
TEXT = {"sigma_m": "σm", "sigma_en": "σen"}
DRAWN = {"sigma_m": "$σ_m$", "sigma_en": "$σ_{en}$"}
GATES = {"sigma_m": "memory", "sigma_en": "prior"}  # whose each is
AXES = {setting: f"{whose} threshold {DRAWN[setting]}" for setting, whose in GATES.items()}
LINES = {"sigma_m": "dashed", "sigma_en": "dotted"}  # where both stand over scores


def sign(setting: str) -> str:
    """Return a threshold as text has it: "sigma_m" is "σm"; other settings as they are."""
    return TEXT.get(setting, setting)


def of_paper(value: float) -> str | None:
    """Return which of the paper's thresholds has this value: 0.7 is "sigma_m"; None for others."""
    return next((setting for setting, own in PAPER.items() if own == value), None)
