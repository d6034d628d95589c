"""The ways to write a policy in a study file, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from qpm.memory import (
    Always,
    EveryN,
    KeepRule,
    MemoryPolicy,
    NoPrior,
    OracleGate,
    QualityGate,
    RandomGate,
    Selective,
    Shelf,
)
from tests.memory.scripted import frame, kept

PREVIOUS = Shelf(name="previous", keep=Always(), capacity=1)


class EntropyGate(KeepRule):
    """A rule as somebody outside the package would write it."""

    tau: float = 0.3

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"confidence"})

    def __call__(self, frame: Any) -> bool:
        return 1 - frame.value("confidence") < self.tau


class Misspelt(EntropyGate):
    """Needs a signal that does not exist."""

    @property
    def needs(self) -> frozenset[str]:
        return frozenset({"confidnce"})


def read(value: Any) -> MemoryPolicy:
    return MemoryPolicy.model_validate(value)


def test_the_short_form_of_the_paper_is_two_shelves() -> None:
    policy = read({"keep": {"rule": "quality_gate", "sigma_m": 0.7}, "hold_previous": True, "capacity": None})
    assert policy == MemoryPolicy(
        shelves=(PREVIOUS, Shelf(name="long", keep=QualityGate(sigma_m=0.7))), prior=NoPrior()
    )


def test_a_rule_without_settings_may_be_written_as_its_name() -> None:
    assert read({"keep": "quality_gate", "prior": "selective"}) == read("qpm")


def test_no_prior_is_none_or_null_or_left_out() -> None:
    assert (
        read({"keep": "quality_gate", "prior": None})
        == read({"keep": "quality_gate"})
        == read("quality_gated")
    )
    assert read({"shelves": [], "prior": None}).prior == NoPrior()
    assert read({"preset": "qpm", "prior": None}) == read("quality_gated")


def test_a_capacity_bounds_the_long_shelf_and_not_the_previous_frame() -> None:
    policy = read({"keep": "every_n", "capacity": 4, "evict": "lowest"})
    assert [shelf.capacity for shelf in policy.shelves] == [1, 4]
    assert policy.needs == {"score"}


def test_qpm_is_the_gate_and_the_selective_prior_with_the_numbers_of_the_paper() -> None:
    policy = read("qpm")
    assert policy.shelves[1].keep == QualityGate(n=5, sigma_m=0.7, signal="score", over="mean")
    assert policy.prior == Selective(sigma_en=0.65)


def test_a_preset_with_changes_keeps_what_is_not_changed() -> None:
    policy = read({"preset": "qpm", "keep": {"sigma_m": 0.6}})
    assert policy.shelves[1].keep == QualityGate(sigma_m=0.6)
    assert policy.prior == read("qpm").prior


def test_another_rule_replaces_the_preset_s_settings_too() -> None:
    policy = read({"preset": "qpm", "keep": {"rule": "every_n", "n": 3}})
    assert policy.shelves[1].keep == EveryN(n=3)
    assert read({"preset": "qpm", "keep": "oracle_gate"}).shelves[1].keep == OracleGate()


def test_the_gate_that_a_random_gate_controls_can_be_changed_in_place() -> None:
    policy = read({"preset": "random_gate", "keep": {"like": {"sigma_m": 0.9}, "seed": 3}})
    assert policy.shelves[1].keep == RandomGate(like=QualityGate(sigma_m=0.9), seed=3)


def test_shelves_of_a_preset_are_changed_by_name() -> None:
    policy = read({"preset": "dam4sam", "shelves": {"recent": {"capacity": 5}}})
    assert {shelf.name: shelf.capacity for shelf in policy.shelves} == {
        "previous": 1,
        "recent": 5,
        "distractor": 3,
    }


def test_a_rule_outside_the_package_is_named_by_its_import_path() -> None:
    written = {"keep": {"rule": f"{__name__}:EntropyGate", "tau": 0.2}}
    policy = read(written)
    rule = policy.shelves[1].keep
    assert rule == EntropyGate(tau=0.2)
    assert policy.needs == {"confidence"}
    assert MemoryPolicy.model_validate_json(policy.model_dump_json()) == policy
    assert kept(rule, [0.7, 0.9, 0.81, 0.1]) == [2, 3]


def test_a_rule_written_in_python_can_be_used_as_it_is() -> None:
    policy = MemoryPolicy(shelves=(Shelf(name="sure", keep=EntropyGate()),))
    assert json.loads(policy.model_dump_json())["shelves"][0]["keep"]["rule"] == f"{__name__}:EntropyGate"


@pytest.mark.parametrize(
    ("written", "answer"),
    [
        ("qmp", "unknown policy preset 'qmp'; did you mean 'qpm'?"),
        ({"keep": "qualty"}, "unknown keep rule 'qualty'; did you mean 'quality_gate'?"),
        ({"prior": {"rule": "selectiv"}}, "unknown prior rule 'selectiv'; did you mean 'selective'?"),
        ({"keep": "always", "evict": "oldst"}, "unknown evict rule 'oldst'; did you mean 'oldest'?"),
        ({"keep": {"rule": "quality_gate", "sigma": 0.6}}, "'sigma'; did you mean 'sigma_m'?"),
        (
            {"keep": {"rule": "quality_gate", "signal": "scor"}},
            "unknown signal 'scor'; did you mean 'score'?",
        ),
        (
            {"keep": {"rule": f"{__name__}:Misspelt"}},
            "unknown signal 'confidnce'; did you mean 'confidence'?",
        ),
        ({"keep": {"rule": "quality_gate", "sigma_m": "high"}}, "sigma_m"),
        ({"keep": {"sigma_m": 0.6}}, r"a keep rule is \{rule: NAME, ...\}"),
        ({"kep": "always"}, "unknown setting of a memory policy 'kep'; did you mean 'keep'?"),
        ({"keep": "always", "capacity": 0}, "capacity"),
        ({"preset": "dam4sam", "keep": "always"}, "a policy with shelves has no keep of its own"),
        ({"preset": "dam4sam", "shelves": {"recnt": {}}}, "'recnt'; did you mean 'recent'?"),
        ({"keep": {"rule": "nowhere.rules:Gate"}}, "cannot import the keep rule 'nowhere.rules:Gate'.*on PYTHONPATH"),
        ({"keep": {"rule": "pathlib:Path"}}, "not a subclass of qpm.memory.KeepRule"),
        ({"prior": {"rule": f"{__name__}:EntropyGate"}}, "not a subclass of qpm.memory.PriorRule"),
        ({"shelves": [{"name": "a", "keep": "always"}, {"name": "a", "keep": "never"}]}, "distinct names"),
        ({"shelves": [{"name": "annotated", "keep": "always"}]}, "other than 'annotated'"),
        ({"shelves": [{"name": "a;b", "keep": "always"}]}, "name"),
        (7, "valid dictionary"),
    ],
)
def test_a_mistake_is_refused_with_what_would_be_right(written: Any, answer: str) -> None:
    with pytest.raises(ValueError, match=answer):
        read(written)


def test_the_schema_for_editors_knows_the_presets_and_the_rules() -> None:
    schema = json.dumps(MemoryPolicy.model_json_schema())
    assert '"qdmn"' in schema and '"quality_gate"' in schema and '"sigma_en"' in schema


def test_a_policy_is_hashable_and_equal_to_its_copy() -> None:
    assert len({read("qpm"), read("qpm"), read("stm")}) == 2


def test_a_rule_that_does_not_answer_is_a_mistake_of_its_author() -> None:
    class Silent(KeepRule):
        rule: str = "silent"

    with pytest.raises(TypeError, match="Silent does not say which frames it keeps"):
        Silent()(frame())
