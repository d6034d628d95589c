"""How large a video is for the network."""

import pytest
from pydantic import ValidationError

from qpm.frames import Canvas
from qpm.study.config import InferenceConfig


@pytest.mark.parametrize(
    ("native", "resized"),
    [((720, 1280), (480, 853)), ((1280, 720), (853, 480)), ((1080, 1920), (480, 853)), ((720, 960), (480, 640))],
)
def test_the_short_side_is_480_whatever_the_shape(native, resized):
    assert Canvas.fit(native, InferenceConfig(short_side=480).longest(native)).resized == resized


def test_a_smaller_video_keeps_its_size():
    assert Canvas.fit((180, 320), InferenceConfig(short_side=480).longest((180, 320))).resized == (180, 320)


def test_max_side_is_the_same_for_every_video():
    assert InferenceConfig(max_side=432).longest((720, 1280)) == 432
    assert InferenceConfig().longest((720, 1280)) is None


def test_two_sizes_at_once_are_refused():
    with pytest.raises(ValidationError, match="give one of them"):
        InferenceConfig(max_side=432, short_side=480)
