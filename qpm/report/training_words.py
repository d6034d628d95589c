"""The trainings of a study in words, from their settings: where they start, what learns, and in what they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qpm.dotted import flat
from qpm.report import style
from qpm.report.load import trial_case
from qpm.report.policy_words import memory

STARTS = {"initial": "an image classifier", "encoders": "an image classifier's encoders", "scratch": "random weights"}
MOST = 4  # settings in which cases differ, that a caption lists


def recipe(trials: Sequence[Mapping[str, Any]]) -> str:
    """Return where all trainings start and what alone learns, if they agree in it, and in what the cases differ."""
    trainings = [(trial_case(trial), trial["config"]["training"]) for trial in trials]
    start = {str(training.get("start", "")) for _, training in trainings}
    stages = [stage for _, training in trainings for stage in training.get("stages", ())]
    learning = {tuple(stage.get("optimiser", {}).get("trained", ())) for stage in stages}
    words = [f"Each starts from {_start(start.pop())}." if len(start) == 1 and any(start) else ""]
    if len(learning) == 1 and (parts := learning.pop()):
        names = " and ".join(part.replace("_", " ") for part in parts)
        words.append(f"Only the {names} {'learns' if len(parts) == 1 else 'learn'}.")
    if any(stage.get("loss", {}).get("bootstrap_final", 1) < 1 for stage in stages):
        words.append("The loss rises by itself as fewer, harder pixels count (bootstrapped cross entropy).")
    return " ".join([*(word for word in words if word), *_differences(trainings)])


def policy(check: Mapping[str, Any]) -> str:
    """Return what the memory of the validation holds; empty where it is not told."""
    chosen = check.get("policy") or {}
    return f" with {memory(chosen)} in memory" if "shelves" in chosen else ""


def _start(start: str) -> str:
    return STARTS.get(start, f"the weights {start}")


def _differences(trainings: Sequence[tuple[str, Mapping[str, Any]]]) -> list[str]:
    """The settings in which cases differ, and a warning where the loss is among them."""
    stages = {case: len(training.get("stages", ())) for case, training in trainings}
    if len(set(stages.values())) > 1:
        return [f"They have {', '.join(f'{n} ({style.label(case)})' for case, n in stages.items())} stages."]
    own_of = {case: dict(flat(training, plain_lists=True)) for case, training in trainings}
    keys = dict.fromkeys(key for settings in own_of.values() for key in settings if key != "seed")
    found = {key: [settings.get(key) for settings in own_of.values()] for key in keys}
    differing = {key: values for key, values in found.items() if any(value != values[0] for value in values)}
    if not differing:
        return []
    said = []
    for key, values in list(differing.items())[:MOST]:
        own = (f"{_short(value)} ({style.label(case)})" for case, value in zip(own_of, values, strict=True))
        said.append(f"{[part for part in key.split('.') if not part.isdigit()][-1]}: {', '.join(own)}")
    words = [f"They differ in {'; '.join(said)}{'; and more' if len(differing) > MOST else ''}."]
    if any(".loss." in key for key in differing):
        words.append("So the levels of their losses do not compare.")
    return words


def _short(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " ".join(map(_short, value)) or "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
