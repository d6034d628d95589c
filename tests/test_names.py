"""Looking a name up."""

import pytest

from qpm.names import lookup, unknown

TABLE = {"every_n": 1, "quality_gate": 2}


def test_a_known_name_gives_its_value() -> None:
    assert lookup("keep rule", "every_n", TABLE) == 1


def test_an_unknown_name_is_answered_with_the_nearest_and_all_known_ones() -> None:
    with pytest.raises(ValueError) as error:
        lookup("keep rule", "qualty", TABLE)
    assert str(error.value) == (
        "unknown keep rule 'qualty'; did you mean 'quality_gate'? known: every_n, quality_gate"
    )


def test_a_name_like_no_other_gets_no_suggestion() -> None:
    assert unknown("keep rule", "xyz", TABLE) == "unknown keep rule 'xyz'; known: every_n, quality_gate"


def test_case_does_not_hide_the_nearest_name() -> None:
    assert "did you mean 'J&F'?" in unknown("metric", "j&f", ["J&F", "overall"])
