"""What every rule in the registries must satisfy; a new rule passes without a change here."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from pydantic import ValidationError

from qpm.memory import EVICT_RULES, KEEP_RULES, PRESETS, PRIOR_RULES, EntryState, MemoryPolicy, Rule
from tests.memory.scripted import NAN, frame, kept

SCORES = [0.9, 0.2, 0.75, NAN, 0.71, 0.3, 0.95, 0.65, 0.0, 0.8, 1.1, 0.69] * 3


def examples(table: dict[str, type[Any]]) -> list[Rule]:
    """Every rule of a registry, with its defaults or as its examples set it."""
    return [
        rule.model_validate({"rule": name} | settings)
        for name, rule in table.items()
        for settings in (rule.model_config.get("json_schema_extra") or {}).get("examples", [{}])
    ]


KEEP, PRIOR, EVICT = examples(KEEP_RULES), examples(PRIOR_RULES), examples(EVICT_RULES)


def name(rule: Any) -> str:
    return rule if isinstance(rule, str) else rule.rule


@pytest.mark.parametrize("table", [KEEP_RULES, PRIOR_RULES, EVICT_RULES])
def test_a_rule_is_registered_under_its_own_name(table: dict[str, type[Any]]) -> None:
    assert [rule.rule for rule in examples(table)] == [
        key for key, rule in table.items() for _ in range(len(examples({key: rule})))
    ]


@pytest.mark.parametrize("rule", [*KEEP, *PRIOR, *EVICT], ids=name)
def test_a_rule_is_frozen(rule: Rule) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        rule.rule = "other"


@pytest.mark.parametrize("rule", [*KEEP, *PRIOR, *EVICT], ids=name)
def test_a_rule_survives_json(rule: Rule) -> None:
    assert type(rule).model_validate_json(rule.model_dump_json()) == rule


@pytest.mark.parametrize("rule", [*KEEP, *PRIOR, *EVICT], ids=name)
def test_a_rule_refuses_a_setting_it_does_not_know(rule: Rule) -> None:
    with pytest.raises(ValidationError, match="extra_forbidden"):
        type(rule).model_validate(rule.model_dump() | {"sigma_x": 0.5})


@pytest.mark.parametrize("rule", KEEP, ids=name)
def test_a_keep_rule_is_pure(rule: Any) -> None:
    one_by_one = [rule(frame(index, score)) for index, score in enumerate(SCORES, 1)]
    backwards = [rule(frame(index, score)) for index, score in reversed(list(enumerate(SCORES, 1)))]
    assert one_by_one == backwards[::-1]
    assert all(isinstance(answer, bool) for answer in one_by_one)


@pytest.mark.parametrize("rule", KEEP, ids=name)
def test_a_video_after_another_is_judged_as_if_it_came_first(rule: Any) -> None:
    alone = kept(rule, SCORES)
    kept(rule, SCORES[::-1])
    assert kept(rule, SCORES) == alone


@pytest.mark.parametrize("rule", [rule for rule in KEEP if rule.needs], ids=name)
def test_a_frame_of_unknown_quality_is_never_kept(rule: Any) -> None:
    assert kept(rule, [NAN] * 30) == []


@pytest.mark.parametrize("rule", [rule for rule in KEEP if getattr(rule, "sigma_m", None)], ids=name)
def test_a_gate_opens_strictly_above_its_threshold(rule: Any) -> None:
    below, above = math.nextafter(rule.sigma_m, 0), math.nextafter(rule.sigma_m, 1)
    assert [rule(frame(score=score)) for score in (below, rule.sigma_m, above)] == [False, False, True]


@pytest.mark.parametrize("rule", PRIOR, ids=name)
def test_a_prior_rule_picks_the_previous_frame_or_an_annotated_one_or_none(rule: Any) -> None:
    for index, score in enumerate(SCORES, 21):
        previous = frame(index, score, annotated_index=20, first_annotated_index=3)
        assert rule(previous) in {index, 20, 3, None}
        assert rule(previous) == rule(previous)


@pytest.mark.parametrize("rule", [rule for rule in PRIOR if getattr(rule, "sigma_en", None)], ids=name)
def test_eq_4_picks_frame_t_minus_1_strictly_above_sigma_en_and_else_frame_1(rule: Any) -> None:
    scores = [math.nextafter(rule.sigma_en, 0), rule.sigma_en, math.nextafter(rule.sigma_en, 1), NAN]
    assert [rule(frame(7, score)) for score in scores] == [0, 0, 7, 0]


@pytest.mark.parametrize("rule", EVICT, ids=name)
def test_an_evict_rule_names_one_of_the_contestants_and_always_the_same(rule: Any) -> None:
    for count in (1, 2, 6):
        entries = [entry(place, score) for place, score in enumerate(SCORES[:count])]
        newcomer = entry(count, 0.5)
        chosen = rule(entries, newcomer)
        assert 0 <= chosen <= count
        assert rule(entries, newcomer) == chosen


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_survives_json_in_every_form(preset: str) -> None:
    policy = MemoryPolicy.model_validate(preset)
    assert MemoryPolicy.model_validate_json(policy.model_dump_json()) == policy
    assert MemoryPolicy.model_validate(json.loads(json.dumps(PRESETS[preset]))) == policy
    assert MemoryPolicy.model_validate(policy.model_dump()) == policy
    assert MemoryPolicy.model_validate({"preset": preset}) == policy


def entry(place: int, score: float) -> EntryState:
    """The place-th entry of a shelf that keeps every 5th frame."""
    state = frame(5 * place + 5, score)
    return EntryState(state.objects, state.signals, state.index, inserted=place)
