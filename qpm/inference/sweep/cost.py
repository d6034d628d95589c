"""What a sweep has cost, beside what its runs would have cost one by one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """Frames that went through the network; sums over videos with ``+``.

    Parameters
    ----------
    encoded : int
        Frames through the query encoder.
    segmented : int
        Frames that were segmented (memory read, decoder) and encoded for the memory.
    alone : int
        Frames that as many independent runs send through both.
    """

    encoded: int = 0
    segmented: int = 0
    alone: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.encoded + other.encoded, self.segmented + other.segmented, self.alone + other.alone)

    @property
    def encoded_share(self) -> float:
        """Passes of the query encoder over those of independent runs."""
        return self.encoded / self.alone if self.alone else 1.0

    @property
    def segmented_share(self) -> float:
        """Segmented frames over those of independent runs."""
        return self.segmented / self.alone if self.alone else 1.0

    def __str__(self) -> str:
        return (
            f"segmented {self.segmented} of {self.alone} frames ({self.segmented_share:.1%}), "
            f"query encoder {self.encoded} ({self.encoded_share:.1%})"
        )
