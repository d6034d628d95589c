"""What commands print: tables for people, JSON for programs, progress that does not flood a log."""

import json

from qpm.cli.output import counted, seldom, show


def test_a_table_has_every_column_that_some_row_has(capsys):
    show([{"case": "stm", "j": 0.5}, {"case": "qpm", "why": "never run"}])
    header, _, first, second = capsys.readouterr().out.splitlines()
    assert header.split() == ["case", "j", "why"]
    assert first.split() == ["stm", "0.5"]
    assert second.split() == ["qpm", "never", "run"]


def test_numbers_are_printed_as_they_are_given(capsys):
    show([{"hash": "0123e4"}])
    assert capsys.readouterr().out.splitlines()[-1] == "0123e4"


def test_json_holds_the_same_rows(capsys):
    show([{"case": "stm", "j": None}], as_json=True)
    assert json.loads(capsys.readouterr().out) == [{"case": "stm", "j": None}]


def test_nothing_to_show_is_said_on_stderr(capsys):
    show([], empty="no studies here")
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "no studies here\n")


def test_progress_away_from_a_terminal_is_silent_when_it_is_quick(capsys):
    with counted("videos") as tell:
        for done in range(1, 4):
            tell(done, 3)
    assert capsys.readouterr() == ("", "")


def test_slow_progress_tells_how_far_it_is_but_not_that_it_is_done(capsys):
    tell = seldom("videos", quiet=0.0)
    for done in (1, 2, 3):
        tell(done, 3)
    assert capsys.readouterr().err.splitlines() == [
        f"videos: {done} of 3, about 0 min left" for done in (1, 2)
    ]
