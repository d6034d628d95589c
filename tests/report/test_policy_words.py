"""Policies in words."""

import pytest

from qpm.memory.policy import MemoryPolicy
from qpm.memory.presets import PRESETS
from qpm.report.policy_words import described, memory, prior


def of(name):
    """A preset as a trial's settings hold it."""
    return MemoryPolicy.model_validate(name).model_dump(mode="json")


@pytest.mark.parametrize(
    ("name", "kept", "guided"),
    [
        ("stm", "the previous frame and every 5th", ""),
        ("first_only", "nothing", ""),
        ("first_previous", "the previous frame", ""),
        ("every_frame", "every frame", ""),
        ("quality_gated", "the previous frame and at most every 5th, if its score is above σm = 0.7", ""),
        ("confidence_gate",
         "the previous frame and at most every 5th, if its decoder's confidence is above σm = 0.93", ""),
        ("random_gate",
         "the previous frame and as many, drawn at random, as a gate keeps whose score is above σm = 0.7", ""),
        ("oracle_prior", "the previous frame and every 5th",
         "the previous mask if its true IoU is above σen = 0.65, else the given one"),
        ("qdmn", "the previous frame and at most every 5th, if its score is above σm = 0.8 (20 at most)",
         "the previous mask"),
        ("sam2_fifo", "the last 6 frames", ""),
    ],
)  # fmt: skip
def test_a_preset_is_told_by_what_it_does(name, kept, guided):
    policy = of(name)
    assert (memory(policy), prior(policy["prior"])) == (kept, guided)


def test_every_preset_has_words():
    assert all(memory(of(name)) for name in PRESETS)


def test_cases_that_are_alike_share_their_words(results):
    assert described(results, ["stm", "quality_gated", "qpm"]) == (
        "Memory beside the given frames: nothing (STM); at most every 5th, if its score is above σm = 0.7 "
        "(quality gated, QPM). Prior: the previous mask if its score is above σen = 0.65, else the given one (QPM)."
    )
