"""What a picture of a mask shows."""

import numpy as np
import pytest

from qpm.report.load import NotMeasuredError
from qpm.report.pictures import (
    FALSE_NEGATIVE,
    FALSE_POSITIVE,
    frames_of,
    mark_errors,
    overlaid,
    saved,
    stand_out,
    with_errors,
    with_mask_and_truth,
    with_truth,
)

FRAME = np.full((40, 60, 3), (10, 200, 30), np.uint8)


def squares(*places: tuple[int, int]) -> np.ndarray:
    """A label map with an object of 10 x 10 pixels at each place, of one id after the other."""
    labels = np.zeros(FRAME.shape[:2], np.uint8)
    for object_id, (top, left) in enumerate(places, start=1):
        labels[top : top + 10, left : left + 10] = object_id
    return labels


def test_a_right_mask_keeps_its_colours_and_the_rest_turns_grey():
    marked = mark_errors(FRAME, squares((10, 10)), squares((10, 10)))
    assert marked[15, 15].tolist() == [10, 200, 30]
    assert len(set(marked[35, 50].tolist())) == 1


def test_what_is_lacking_and_what_is_too_much_differ_in_colour_and_in_pattern():
    lacking = mark_errors(FRAME, squares(), squares((10, 10)))[10:20, 10:20].reshape(-1, 3)
    assert (lacking == FALSE_NEGATIVE).all()
    extra = mark_errors(FRAME, squares((10, 10)), squares())[12:18, 12:18].reshape(-1, 3)
    assert {tuple(pixel) for pixel in extra.tolist()} == {FALSE_POSITIVE, (255, 255, 255)}  # striped


def test_pixels_of_one_object_given_to_another_are_false_positives():
    swapped = mark_errors(FRAME, squares((0, 0), (10, 10)), squares((10, 10)))[12:18, 12:18]
    assert (swapped.reshape(-1, 3) == FALSE_POSITIVE).all(axis=1).any()


def test_a_few_wrong_pixels_stay_in_their_colour():
    labels = squares()
    labels[20, 31] = 1
    assert mark_errors(FRAME, labels, squares())[20, 31].tolist() == list(FALSE_POSITIVE)


def test_outside_the_mask_a_frame_is_grey_and_the_truth_is_outlined():
    shown = stand_out(FRAME, squares((10, 10)), squares((10, 30)))
    assert len(set(shown[35, 50].tolist())) == 1 and len(set(shown[15, 35].tolist())) == 1
    assert len(set(shown[15, 15].tolist())) == 3
    assert (shown[10, 30:40] == 255).all() and not (shown[10, 10:20] == 255).all(axis=1).any()


def test_pictures_are_read_from_the_dataset_and_the_saved_masks(saved_study):
    results = saved_study("stm")
    frames, masks = frames_of(results, "stm"), saved(results, "stm")
    tinted = overlaid(frames, masks)("a", 1, "00001")
    assert abs(int(tinted[0, 0, 0]) - 200) < 5 and tinted[8, 14, 0] != tinted[8, 14, 2]
    wrong = with_errors(frames, masks)("a", 1, "00001")
    assert wrong[8, 8].tolist() == list(FALSE_NEGATIVE)  # the saved mask is shifted to the right
    own = with_mask_and_truth(frames, masks)("a", 1, "00001")
    assert own[8, 6].tolist() == [255] * 3 and len(set(own[8, 14].tolist())) > 1 and own[8, 8].std() == 0
    assert abs(int(with_truth(frames)("a", 1, "00001")[8, 8, 0]) - 200) < 5
    assert overlaid(frames, {})("a", 1, "00001").std() < 2  # without a mask the frame as it is


def test_a_case_without_saved_masks_says_how_to_save_them(saved_study):
    with pytest.raises(NotMeasuredError, match="no masks of case 'qpm' were saved; name videos under save_masks"):
        saved(saved_study("stm"), "qpm")
