"""Exit codes, and errors as one readable line each instead of a traceback.

0 all well; 1 some trial failed, some input was refused while others ran, or a bug of ours; 2 usage or configuration;
130 interrupted, 143 terminated.
"""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar, cast

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from pydantic import BaseModel

Model = TypeVar("Model", bound="BaseModel")

FAILED, REFUSED, INTERRUPTED = 1, 2, 130
EXPECTED = (ValueError, OSError, ImportError)  # what a wrong name, value, path or file raises


class Terminated(KeyboardInterrupt):
    """SIGTERM: a batch system's word means what Ctrl-C means, but for its exit code."""

    exit_code = 128 + signal.SIGTERM


def terminated(number: int, frame: FrameType | None) -> None:
    """Answer SIGTERM."""
    raise Terminated


class Commands(TyperGroup):
    """The command group: `--debug` may stand anywhere, and errors end in a line and an exit code."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take `--debug` out of the arguments, wherever it stands before a `--`."""
        end = args.index("--") if "--" in args else len(args)
        ctx.meta["qpm.debug"] = "--debug" in args[:end]
        return super().parse_args(ctx, [a for a in args[:end] if a != "--debug"] + args[end:])

    def invoke(self, ctx: Any) -> Any:
        """Run a command; translate what it raises."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            typer.echo("interrupted", err=True)
            raise typer.Exit(getattr(error, "exit_code", INTERRUPTED)) from None
        except BrokenPipeError:  # `qpm ... | head`
            sys.stderr.close()
            raise typer.Exit(0) from None
        except Exception as error:
            if ctx.meta["qpm.debug"] or hasattr(
                error, "exit_code"
            ):  # click's own errors know how to print themselves
                raise
            for line in explain(error):
                typer.echo(line, err=True)
            raise typer.Exit(REFUSED if isinstance(error, EXPECTED) else FAILED) from None


def explain(error: Exception) -> list[str]:
    """The lines that tell a user what was wrong."""
    notes = getattr(error, "__notes__", [])
    if type(error).__name__ == "ValidationError":  # pydantic's, which need not be loaded here
        from pydantic import BaseModel

        from qpm.study.faults import explain as explain_settings

        return [f"error: {explain_settings(cast(Any, error), BaseModel)}", *notes]
    if isinstance(error, (*EXPECTED, FloatingPointError)):  # a loss that is not finite is told with its batch
        return [f"error: {error}", *notes]
    return [
        f"error: {type(error).__name__}: {error}",
        *notes,
        "this looks like a bug; --debug shows the traceback",
    ]


def validated(model: type[Model], settings: Any) -> Model:
    """Settings as a checked model; what does not fit is told with the keys that the model knows.

    Raises
    ------
    ValueError
        One line, such as ``keep: unknown key 'sigm'; did you mean 'sigma_m'? known: n, sigma_m``.
    """
    from pydantic import ValidationError

    from qpm.study.faults import explain as explain_settings

    try:
        return model.model_validate(settings)
    except ValidationError as error:
        raise ValueError(explain_settings(error, model)) from None
