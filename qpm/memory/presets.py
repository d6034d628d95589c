"""Policies by name: the rows of the paper's ablation, their controls, and others' published rules.

The last group are *rules of* other methods: they run on our network and our signals, not on theirs.
"""

from __future__ import annotations

from typing import Any

EVERY_5 = {"rule": "every_n", "n": 5}
GATE = {"rule": "quality_gate", "sigma_m": 0.7}
SELECTIVE = {"rule": "selective", "sigma_en": 0.65}
PREVIOUS = {"name": "previous", "keep": {"rule": "always"}, "capacity": 1}


def above(signal: str, bound: float, missing: str = "refuse") -> dict[str, Any]:
    """Keep an object's frame if the signal exceeds the bound, decided per object as the SAM 2 family does."""
    return {"rule": "threshold", "signal": signal, "above": bound, "over": "each", "missing": missing}


PRESETS: dict[str, dict[str, Any]] = {
    # STM and MiVOS: the annotated and the previous frame, and every 5th
    "stm": {"keep": EVERY_5, "hold_previous": True},
    "every_n": {"keep": EVERY_5, "hold_previous": False},
    "first_only": {"keep": {"rule": "never"}, "hold_previous": False},
    "first_previous": {"keep": {"rule": "never"}, "hold_previous": True},
    "every_frame": {"keep": {"rule": "always"}, "hold_previous": False},
    # QPM: Table 2 adds the gate (Eq. 3), then the selective prior (Eq. 4)
    "quality_gated": {"keep": GATE, "hold_previous": True},
    "prior_only": {"keep": EVERY_5, "hold_previous": True, "prior": SELECTIVE},
    "qpm": {"keep": GATE, "hold_previous": True, "prior": SELECTIVE},
    # QDMN (ECCV 2022) as its authors meant it: the released eviction can drop the annotated frame
    "qdmn": {
        "keep": {"rule": "quality_gate", "sigma_m": 0.8},
        "hold_previous": True,
        "capacity": 20,
        "evict": {"rule": "score_and_recency"},
        "prior": {"rule": "previous"},
    },
    # controls: Eq. 3 on the decoder's own confidence, which needs no quality head (clips of the training split average
    # an IoU of 0.7 there); the count of quality_gated without its choice; the ceilings of Eq. 3 and Eq. 4
    "confidence_gate": {"keep": GATE | {"signal": "confidence", "sigma_m": 0.93}, "hold_previous": True},
    "random_gate": {"keep": {"rule": "random_gate", "like": GATE, "n": 5, "seed": 0}, "hold_previous": True},
    "oracle_gate": {"keep": {"rule": "oracle_gate", "sigma_m": 0.7}, "hold_previous": True},
    "oracle_prior": {"keep": EVERY_5, "hold_previous": True, "prior": {"rule": "oracle", "sigma_en": 0.65}},
    # rule of SAM 2: the last 6 frames, whatever they look like
    "sam2_fifo": {"shelves": [{"name": "recent", "keep": {"rule": "always"}, "capacity": 6}]},
    # rule of SAMURAI: the newest 6 that pass three scores, and t-1 (there t-1 takes one of the 6 places)
    "samurai_gate": {
        "shelves": [
            PREVIOUS,
            {
                "name": "recent",
                "keep": {
                    "rule": "all_of",
                    "rules": [
                        above("score_raw", 0.5),
                        above("presence", 0.5),
                        above("motion_iou", 0.0, "keep"),
                    ],
                },
                "capacity": 6,
            },
        ]
    },
    # rule of SAM2Long's memory at the paper's threshold, without its tree of hypotheses
    "sam2long_gate": {
        "shelves": [
            PREVIOUS,
            {
                "name": "recent",
                "keep": {"rule": "all_of", "rules": [above("score_raw", 0.3), above("presence", 0.5)]},
                "capacity": 6,
            },
        ]
    },
    # rule of DAM4SAM with the fixed split of its multi-object form; a distractor shows here as probability mass
    # away from the object, for want of several mask hypotheses
    "dam4sam": {
        "shelves": [
            PREVIOUS,
            {
                "name": "recent",
                "keep": {"rule": "all_of", "rules": [EVERY_5, above("presence", 0.5)]},
                "capacity": 3,
            },
            {
                "name": "distractor",
                "keep": {
                    "rule": "all_of",
                    "rules": [
                        {"rule": "every_n", "n": 6},
                        above("score_raw", 0.8),
                        above("area_ratio", 0.8) | {"below": 1.2},
                        above("distractor", 0.1),
                    ],
                },
                "capacity": 3,
            },
        ]
    },
    # rule of Cutie: every 5th, 5 in all with the annotated frame; its t-1 lives in a sensory memory we lack
    "cutie_fifo": {"keep": EVERY_5, "hold_previous": False, "capacity": 4},
}
