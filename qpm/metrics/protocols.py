"""Which frames count for an object.

A video's given masks are input, so they are never scored. The two conventions differ in the rest.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from qpm.names import lookup

LEAVES_OUT_LAST = {"davis2017": True, "davis2016": True, "youtube-vos": False}
"""Protocol of a dataset -> whether the video's last frame with truth is left out.

davis2017 and davis2016 leave out a video's first frame and, for historical reasons, its last. youtube-vos
leaves out each object's own first frame and counts the last: what others who rebuilt it do; the servers'
program is not public.
"""


def scored_frames(
    protocol: str, frames: int, first_frame: int = 0, truth_frames: Sequence[int] | None = None
) -> np.ndarray:
    """Frames on which an object is scored.

    Parameters
    ----------
    protocol : str
        Name in `LEAVES_OUT_LAST`.
    frames : int
        Number of frames of the video.
    first_frame : int
        Index at which the object's mask is given; this frame and those before it are not scored. For an
        object of the first frame this is the DAVIS rule; DAVIS itself has no objects that enter late.
    truth_frames : sequence of int, optional
        Indices of the frames that have truth; default all.

    Returns
    -------
    ndarray, (frames,) bool

    Raises
    ------
    ValueError
        If the protocol is unknown.
    """
    leaves_out_last = lookup("protocol", protocol, LEAVES_OUT_LAST)
    scored = np.zeros(frames, dtype=bool)
    with_truth = np.arange(frames) if truth_frames is None else np.unique(np.asarray(truth_frames, dtype=int))
    scored[with_truth[with_truth > first_frame]] = True
    if leaves_out_last and len(with_truth):
        scored[with_truth[-1]] = False
    return scored
