"""Which frames are scored."""

import numpy as np
import pytest

from qpm.metrics.protocols import scored_frames


def frames(*arguments, **settings):
    return np.flatnonzero(scored_frames(*arguments, **settings)).tolist()


def test_davis_leaves_out_the_first_and_the_last_frame():
    assert frames("davis2017", 6) == [1, 2, 3, 4]


def test_youtube_vos_leaves_out_the_given_frame_and_counts_the_last():
    assert frames("youtube-vos", 6) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(("protocol", "scored"), [("davis2017", [4]), ("youtube-vos", [4, 5])])
def test_an_object_counts_from_the_frame_after_its_mask_was_given(protocol, scored):
    assert frames(protocol, 6, first_frame=3) == scored


def test_only_frames_with_truth_count_and_the_last_of_them_is_the_last():
    assert frames("youtube-vos", 20, truth_frames=[0, 5, 10, 15]) == [5, 10, 15]
    assert frames("davis2017", 20, truth_frames=[0, 5, 10, 15]) == [5, 10]


def test_two_frames_leave_nothing_to_score_under_davis():
    assert frames("davis2017", 2) == []


def test_an_unknown_protocol_is_named():
    with pytest.raises(ValueError, match="unknown protocol 'davis'.*did you mean 'davis201"):
        scored_frames("davis", 5)
