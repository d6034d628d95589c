"""Image files that cannot be decoded: another clip takes their place, and their names are kept for the log."""

from __future__ import annotations

from collections.abc import Callable

from qpm.datasets.clip import Clip
from qpm.images import BrokenImage

MOST = 20  # broken images in a row before the data is said to be broken as a whole


class BrokenImages:
    """Notes what was passed over; `strict` passes over nothing."""

    def __init__(self, strict: bool = False) -> None:
        self.strict = strict
        self.told: list[str] = []

    def passing(self, draw: Callable[[], Clip]) -> Clip:
        """The first clip whose files can all be read.

        Raises
        ------
        BrokenImage
            For the first broken file if `strict`, else after many in a row.
        """
        for _ in range(MOST):
            try:
                return draw()
            except BrokenImage as error:
                if self.strict:
                    raise
                self.told.append(str(error))
        raise BrokenImage(f"{MOST} broken images in a row, the last one: {self.told[-1]}")

    def drain(self) -> tuple[str, ...]:
        """What was passed over since the last call."""
        told, self.told = tuple(self.told), []
        return told
