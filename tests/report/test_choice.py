"""Which videos a report shows."""

import pandas as pd

from qpm.report.choice import choose
from qpm.rows import check


def changes(differences: dict[str, float]) -> pd.DataFrame:
    rows = [
        {
            "case": case, "sequence": video, "object_id": 1, "frame": "00001", "frame_index": 1, "scored": True,
            "j": 0.5 + (difference if case == "qpm" else 0), "f": 0.5 + (difference if case == "qpm" else 0),
        }
        for video, difference in differences.items()
        for case in ("stm", "qpm")
    ]  # fmt: skip
    return check(pd.DataFrame(rows))


def test_largest_gain_largest_loss_and_median_change_are_shown():
    rows = changes({"a": 0.1, "b": -0.3, "c": 0.0, "d": 0.4, "e": -0.05})
    table = choose(rows, "qpm", "stm", list("abcde"))
    assert dict(zip(table.rule, table.sequence, strict=True)) == {
        "largest gain": "d", "largest loss": "b", "median change": "c",
    }  # fmt: skip
    assert table.difference.round(6).tolist() == [0.4, -0.3, 0.0]


def test_a_gain_is_called_a_gain_only_if_it_is_one():
    def called(*differences: float) -> list[str]:
        rows = changes(dict(zip("abc", differences, strict=False)))
        return choose(rows, "qpm", "stm", list("abc")).rule.tolist()

    assert called(-0.3, -0.05, -0.1) == ["smallest loss", "largest loss", "median change"]
    assert called(0.3, 0.05, 0.1) == ["largest gain", "smallest gain", "median change"]
    assert called(0.0, -0.2, -0.1) == ["no change", "largest loss", "median change"]
    assert called(0.1, 0.0002, 0.05) == ["largest gain", "no change", "median change"]  # it prints as 0.000
    assert called(-0.1) == ["largest loss"] and called(0.1) == ["largest gain"]


def test_a_video_is_chosen_once_and_only_if_it_is_among_those_named():
    rows = changes({"a": 0.1, "b": -0.3, "c": 0.4})
    assert choose(rows, "qpm", "stm", ["a"]).sequence.tolist() == ["a"]
    assert set(choose(rows, "qpm", "stm", ["a", "b"]).sequence) == {"a", "b"}
    assert choose(rows, "qpm", "stm").sequence.tolist() == ["c", "b", "a"]  # none named: all
