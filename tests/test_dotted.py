"""Settings by dotted key."""

from qpm.dotted import flat


def test_every_value_has_its_key_and_what_is_empty_is_a_value():
    assert dict(flat({"a": {"b": [1, {"c": None}]}, "d": [], "e": {}})) == {
        "a.b.0": 1, "a.b.1.c": None, "d": [], "e": {},
    }  # fmt: skip


def test_a_list_of_plain_values_may_stay_one():
    settings = {"size": [192, 320], "shapes": [[2, 1]], "stages": [{"rate": 0.1}]}
    assert dict(flat(settings, plain_lists=True)) == {"size": [192, 320], "shapes.0": [2, 1], "stages.0.rate": 0.1}
