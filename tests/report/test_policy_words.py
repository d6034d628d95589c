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
        ("quality_gated", "the previous frame and at most every 5th, if the score is above σm = 0.7", ""),
        ("confidence_gate",
         "the previous frame and at most every 5th, if the decoder's confidence is above σm = 0.93", ""),
        ("random_gate",
         "the previous frame and as many as of the following, but drawn at random: at most every 5th, if the score is "
         "above σm = 0.7", ""),
        ("oracle_prior", "the previous frame and every 5th",
         "the previous mask if its true IoU is above σen = 0.65, else the given one"),
        ("qdmn", "the previous frame and at most every 5th, if the score is above σm = 0.8 (20 at most; "
         "a low score and age make one leave)",
         "the previous mask"),
        ("sam2_fifo", "the last 6 frames", ""),
    ],
)  # fmt: skip
def test_a_preset_is_told_by_what_it_does(name, kept, guided):
    policy = of(name)
    assert (memory(policy), prior(policy["prior"])) == (kept, guided)


@pytest.mark.parametrize(
    ("keep", "words"),
    [
        ({"rule": "random_gate", "like": {"rule": "every_n", "n": 3}},
         "as many as of the following, but drawn at random: every 3rd"),
        ({"rule": "random_gate", "share": 0.5, "n": 5}, "50% of every 5th, drawn at random"),
        ({"rule": "threshold", "signal": "area_ratio", "above": 0.8, "below": 1.2},
         "those whose area ratio is above 0.8 and below 1.2"),
        ({"rule": "any_of", "rules": [{"rule": "every_n", "n": 2}, {"rule": "quality_gate", "sigma_m": 0.9}]},
         "what any of these keep (every 2nd; at most every 5th, if the score is above σm = 0.9)"),
    ],
)  # fmt: skip
def test_every_rule_has_words(keep, words):
    assert memory(of({"keep": keep, "hold_previous": False})) == words


def test_a_memory_that_forgets_otherwise_is_no_window():
    lowest = of({"shelves": [{"name": "best", "keep": {"rule": "always"}, "capacity": 6, "evict": {"rule": "lowest"}}]})
    assert memory(lowest) == "every frame (6 at most; the lowest score leaves)"


def test_no_two_presets_have_the_same_words_and_none_has_a_rules_name():
    said = {name: (memory(of(name)), prior(of(name)["prior"])) for name in PRESETS}
    assert len(set(said.values())) == len(PRESETS)
    assert not [words for words in said.values() if "_" in words[0] + words[1]]


def test_cases_that_are_alike_share_their_words(results):
    assert described(results, ["stm", "quality_gated", "qpm"]) == (
        "Memory beside the given frames: nothing (STM); at most every 5th, if the score is above σm = 0.7 "
        "(quality gated, QPM). Prior: the previous mask if its score is above σen = 0.65, else the given one (QPM)."
    )
