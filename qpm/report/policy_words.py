"""The policies of a study in words, from their settings: what the memory holds, and whose mask guides a frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from qpm.report import signs, style
from qpm.report.load import Results

SIGNALS = {"confidence": "decoder's confidence", "score_raw": "raw score", "iou_true": "true IoU"}
LEAVING = {
    "lowest": "the lowest score leaves",
    "random": "a random one leaves",
    "score_and_recency": "a low score and age make one leave",
}
ENDINGS = {1: "st", 2: "nd", 3: "rd"}


def described(results: Results, cases: Sequence[str]) -> str:
    """Return what the memory of each case holds and which prior it has; cases alike in one of them share its words."""
    known = {case: results.config(case).get("policy") or {} for case in cases}
    policies = {case: policy for case, policy in known.items() if "shelves" in policy}
    kept = _listed(policies, memory)
    guided = _listed(policies, lambda policy: prior(policy.get("prior") or {}))
    return " ".join(
        f"{start}: {words}." for start, words in (("Memory beside the given frames", kept), ("Prior", guided)) if words
    )


def memory(policy: Mapping[str, Any]) -> str:
    """Return what is read beside the given frames: "the previous frame and every 5th"."""
    return " and ".join(_shelf(shelf) for shelf in policy["shelves"]) or "nothing"


def prior(rule: Mapping[str, Any]) -> str:
    """Return whose mask guides a frame, empty where none does."""
    match rule.get("rule"):
        case None | "none":
            return ""
        case "previous":
            return "the previous mask"
        case "first":
            return "the given mask"
        case "selective" | "oracle":
            return f"the previous mask if its {_above(rule, 'sigma_en')}, else the given one"
        case other:
            return f"by {other}"


def _shelf(shelf: Mapping[str, Any]) -> str:
    """What one part of the memory holds."""
    most, keep = shelf.get("capacity"), shelf["keep"]
    leaving = (shelf.get("evict") or {}).get("rule", "oldest")
    if keep.get("rule") == "always" and most and leaving == "oldest":
        return "the previous frame" if most == 1 else f"the last {most} frames"
    which = "" if leaving == "oldest" else f"; {LEAVING.get(leaving, f'{leaving} decides which leaves')}"
    return _kept(keep) + (f" ({most} at most{which})" if most else "")


def _kept(rule: Mapping[str, Any]) -> str:
    """Which frames a rule keeps."""
    match rule.get("rule"):
        case "always":
            return "every frame"
        case "never":
            return "no other"
        case "every_n":
            return f"every {_ordinal(rule['n'])}"
        case "quality_gate" | "oracle_gate":
            return f"at most every {_ordinal(rule['n'])}, if the {_above(rule, 'sigma_m')}"
        case "random_gate" if rule.get("like"):
            return f"as many as of the following, but drawn at random: {_kept(rule['like'])}"
        case "random_gate":
            return f"{rule['share']:.0%} of every {_ordinal(rule['n'])}, drawn at random"
        case "threshold":
            bounds = [f"{side} {rule[side]:g}" for side in ("above", "below") if rule.get(side) is not None]
            return f"those whose {_signal(rule)} is {' and '.join(bounds)}"
        case "all_of" | "any_of" as how:
            parts = "; ".join(_kept(part) for part in rule["rules"])
            return f"what {'all' if how == 'all_of' else 'any'} of these keep ({parts})"
        case "frames":
            return "the frames of a list"
        case other:
            return f"what {other} keeps"


def _above(rule: Mapping[str, Any], threshold: str) -> str:
    """A gate in words: "score is above σm = 0.7"."""
    return f"{_signal(rule)} is above {signs.sign(threshold)} = {rule[threshold]:g}"


def _signal(rule: Mapping[str, Any]) -> str:
    signal = str(rule.get("signal", "score"))
    return SIGNALS.get(signal, signal.replace("_", " "))


def _listed(policies: Mapping[str, Mapping[str, Any]], words: Callable[[Mapping[str, Any]], str]) -> str:
    said: dict[str, list[str]] = {}
    for case, policy in policies.items():
        if told := words(policy):
            said.setdefault(told, []).append(style.label(case))
    return "; ".join(f"{told} ({', '.join(names)})" for told, names in said.items())


def _ordinal(number: int) -> str:
    last = number % 100 if number % 100 in (11, 12, 13) else number % 10
    return f"{number}{ENDINGS.get(last, 'th')}"
