"""Errors end in a line that helps and an exit code that a script can use, never in a traceback."""

import pytest
import typer
from pydantic import BaseModel, ConfigDict, Field
from typer.testing import CliRunner

from qpm.cli.faults import Commands, validated


class Gate(BaseModel):
    model_config = ConfigDict(extra="forbid")

    sigma: float = Field(default=0.7, le=1)


class Trial(BaseModel):
    model_config = ConfigDict(extra="forbid")

    keep: Gate
    frames: int = 3


def run(error: BaseException | None, *arguments: str):
    """Run a command that raises, as the console script would."""
    app = typer.Typer(cls=Commands, pretty_exceptions_enable=False)

    @app.callback()
    def main() -> None:
        pass

    @app.command()
    def work(name: str = "") -> None:
        if error is not None:
            raise error
        typer.echo(name)

    return CliRunner().invoke(app, ["work", *arguments])


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ValueError("unknown keep rule 'qualty'; did you mean 'quality_gate'?"), 2),
        (FileNotFoundError("davis: no folder /data/davis"), 2),
        (ModuleNotFoundError("No module named 'mylab'"), 2),
        (ZeroDivisionError("division by zero"), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_the_kind_of_error_decides_the_exit_code(error, code):
    result = run(error)
    assert result.exit_code == code
    assert "Traceback" not in result.output
    assert result.stdout == ""
    assert str(error) in result.stderr


@pytest.mark.parametrize("error", [ValueError("no such thing"), FloatingPointError("loss is nan in stage 0")])
def test_what_is_wrong_with_values_is_told_as_it_was_raised(error):
    assert run(error).stderr == f"error: {error}\n"


def test_a_bug_of_ours_is_named_as_one():
    assert "ZeroDivisionError: division by zero" in run(ZeroDivisionError("division by zero")).stderr


def test_notes_on_an_error_are_printed_below_it():
    error = ValueError("bad mask")
    error.add_note("in video bear")
    assert run(error).stderr.splitlines() == ["error: bad mask", "in video bear"]


@pytest.mark.parametrize("arguments", [["--debug"], ["--name", "x", "--debug"]])
def test_debug_shows_the_error_itself_wherever_it_stands(arguments):
    error = ValueError("deep inside")
    assert run(error, *arguments).exception is error


def test_debug_after_a_double_dash_is_an_ordinary_word():
    assert run(None, "--", "--debug").exit_code == 2  # `work` takes no argument


def test_a_command_that_succeeds_exits_with_zero():
    result = run(None, "--name", "fish")
    assert (result.exit_code, result.stdout) == (0, "fish\n")


def test_a_wrong_setting_is_told_with_its_place_and_value():
    with pytest.raises(ValueError, match=r"^keep\.sigma: input should be less than or equal to 1, got 3$"):
        validated(Trial, {"keep": {"sigma": 3}})


def test_a_misspelt_key_is_told_with_the_nearest_known_one():
    with pytest.raises(ValueError, match="keep: unknown key 'sigmaa'; did you mean 'sigma'"):
        validated(Trial, {"keep": {"sigmaa": 0.2}})


def test_right_settings_become_the_model():
    assert validated(Trial, {"keep": {"sigma": 0.2}}) == Trial(keep=Gate(sigma=0.2))


def test_a_fault_that_nobody_translated_is_still_one_readable_line():
    with pytest.raises(ValueError) as caught:
        Trial.model_validate({"keep": {}, "frames": "many"})
    result = run(caught.value)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: frames: input should be a valid integer")
    assert len(result.stderr.splitlines()) == 1
