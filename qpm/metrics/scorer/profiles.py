"""The protocols that `qpm score` knows: which objects and frames of a result folder count.

The same J and F everywhere; protocols differ in what they are averaged over, and numbers of two protocols are
never compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from qpm.names import lookup

Objects = Literal["first frame", "one", "appeared", "listed"]
"""How the objects of a sequence are found.

first frame: ids 1 to the largest of the first truth frame, 255 taken as background, gaps included.
one: every non-zero pixel is the object.
appeared: every id of the scored truth frames, counted from the frame where truth or prediction first show it.
listed: the objects and frames of a ``meta.json``.
"""


@dataclass(frozen=True)
class Profile:
    """A protocol.

    Attributes
    ----------
    name, meaning : str
        The meaning is printed with every report.
    objects : str
        See `Objects`.
    depth : int
        Parts of a mask's path; 3 has a folder per object.
    leave_out_first, leave_out_last : bool
        Whether the first and the last frame are not scored: those of the sequence, or with listed objects those
        of each object.
    """

    name: str
    meaning: str
    objects: Objects
    depth: int = 2
    leave_out_first: bool = True
    leave_out_last: bool = True

    def with_ends(self, leave_out_first: bool | None, leave_out_last: bool | None) -> Profile:
        """The profile with its switches set; only youtube-vos leaves them open.

        Raises
        ------
        ValueError
            If another protocol's ends are changed: its numbers would no longer be what its name says.
        """
        if leave_out_first is None and leave_out_last is None:
            return self
        if self.objects != "listed":
            raise ValueError(
                f"{self.name} fixes which frames are left out; only youtube-vos has these switches"
            )
        first = self.leave_out_first if leave_out_first is None else leave_out_first
        last = self.leave_out_last if leave_out_last is None else leave_out_last
        return Profile(self.name, self.meaning, self.objects, self.depth, first, last)


PROFILES = {
    profile.name: profile
    for profile in (
        Profile(
            "davis2017",
            "as davis2017-evaluation, semi-supervised: objects of the first frame, first and last frame left out",
            "first frame",
        ),
        Profile(
            "davis2016",
            "DAVIS 2016: every non-zero pixel is the one object, first and last frame left out",
            "one",
        ),
        Profile(
            "vos-benchmark",
            "as vos-benchmark: every id of the truth from where it first appears, first and last frame left out",
            "appeared",
        ),
        Profile(
            "youtube-vos",
            "J and F over seen and unseen categories; a reading of the published rules, not the servers' program",
            "listed",
            leave_out_last=False,
        ),
        Profile(
            "sa-v",
            "as sam2's sav evaluator: a folder of binary masks per object, its first and last frame left out",
            "appeared",
            depth=3,
        ),
    )
}


def find_profile(name: str) -> Profile:
    """The profile of a name; an unknown one is answered with the known ones."""
    return lookup("protocol", name, PROFILES)
