"""Exit codes, and errors as one readable line each instead of a traceback.

0 all well; 1 some trial failed, some input was refused while others ran, or a bug of ours; 2 usage or configuration;
130 interrupted.
"""

from __future__ import annotations

import sys
from typing import Any

import typer
from typer.core import TyperGroup

from qpm.names import unknown

FAILED, REFUSED, INTERRUPTED = 1, 2, 130
EXPECTED = (ValueError, OSError, ImportError)  # what a wrong name, value, path or file raises


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
        except KeyboardInterrupt:
            typer.echo("interrupted", err=True)
            raise typer.Exit(INTERRUPTED) from None
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
    """The lines that tell a user what was wrong: one per fault."""
    if hasattr(error, "errors") and hasattr(
        error, "title"
    ):  # pydantic.ValidationError, without importing pydantic
        return [f"error: {fault_line(error, fault)}" for fault in error.errors(include_url=False)]
    notes = getattr(error, "__notes__", [])
    if isinstance(error, EXPECTED):
        return [f"error: {error}", *notes]
    return [
        f"error: {type(error).__name__}: {error}",
        *notes,
        "this looks like a bug; --debug shows the traceback",
    ]


def fault_line(error: Any, fault: dict[str, Any]) -> str:
    """One fault of a pydantic.ValidationError as `keep.sigma_m: input should be less than or equal to 1 (got 3)`."""
    place = ".".join(str(part) for part in fault["loc"] if not is_internal(part))
    message = fault["msg"].removeprefix("Value error, ")
    value = fault.get("input")
    if fault["type"] == "extra_forbidden":
        from qpm.cli.keys import known_keys

        keys = known_keys(error, fault["loc"])
        message = unknown("key", fault["loc"][-1], keys) if keys else "unknown key"
    elif fault["type"] != "value_error" and isinstance(value, str | int | float | None):
        message = f"{message[0].lower()}{message[1:]} (got {value!r})"
    return f"{place}: {message}" if place else message


def is_internal(part: object) -> bool:
    """Whether a step of pydantic's path names one of its validators and not a key that a user wrote."""
    return isinstance(part, str) and ("[" in part or "(" in part)
