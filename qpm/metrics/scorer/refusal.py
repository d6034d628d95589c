"""Input that cannot be scored."""

from __future__ import annotations

from collections.abc import Iterable


class Refusal(ValueError):
    """Names everything that is wrong at once; no number is given beside it.

    A subclass says with `outcome` what was not done.

    Attributes
    ----------
    faults : tuple of str
        One line each: the file, what was found and what would be right.
    """

    outcome = "nothing was scored"

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(dict.fromkeys(faults))
        count = "1 fault" if len(self.faults) == 1 else f"{len(self.faults)} faults"
        super().__init__("\n  ".join([f"{self.outcome}, {count}:", *self.faults]))

    def __reduce__(self) -> tuple[type[Refusal], tuple[tuple[str, ...]]]:
        """Survive the way back from a worker process."""
        return type(self), (self.faults,)
