"""J and F against their definitions, written out the slow way, and against the laws that they obey."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from qpm.metrics.boundary import boundary_f, dilate, outline, tolerance_radius
from qpm.metrics.frame import frame_measures
from qpm.metrics.region import jaccard

SIZES = st.tuples(st.integers(1, 14), st.integers(1, 14))


@st.composite
def mask_pairs(draw):
    """Two masks of one size; runs of pixels, not only noise."""
    size = draw(SIZES)
    masks = []
    for _ in range(2):
        mask = draw(arrays(bool, size, elements=st.booleans(), fill=st.booleans()))
        top, left = draw(st.integers(0, size[0])), draw(st.integers(0, size[1]))
        if draw(st.booleans()):
            mask[top:, left:] = draw(st.booleans())
        masks.append(mask)
    return masks[0], masks[1]


def slow_outline(mask):
    """Pixels that differ from the right, lower or lower right neighbour, as a set of places."""
    height, width = mask.shape
    return {
        (y, x)
        for y in range(height)
        for x in range(width)
        if any(
            y + dy < height and x + dx < width and mask[y, x] != mask[y + dy, x + dx]
            for dy, dx in ((0, 1), (1, 0), (1, 1))
        )
    }


def slow_f(truth, prediction, radius):
    """F by comparing every pixel of one outline with every pixel of the other."""
    truth_edge, edge = slow_outline(truth), slow_outline(prediction)
    if not truth_edge or not edge:
        return float(len(truth_edge) == len(edge))

    def near(points, others):
        hits = sum(any((y - v) ** 2 + (x - u) ** 2 <= radius**2 for v, u in others) for y, x in points)
        return hits / len(points)

    precision, recall = near(edge, truth_edge), near(truth_edge, edge)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


@given(mask_pairs(), st.integers(1, 5))
@settings(max_examples=200, deadline=None)
def test_f_is_the_brute_force_f(pair, radius):
    assert boundary_f(*pair, tolerance=radius) == slow_f(*pair, radius)


@given(mask_pairs())
def test_j_is_counted_pixel_by_pixel(pair):
    truth, prediction = (set(zip(*np.nonzero(mask), strict=True)) for mask in pair)
    expected = len(truth & prediction) / len(truth | prediction) if truth | prediction else 1.0
    assert jaccard(*pair) == expected


@given(mask_pairs())
def test_a_mask_agrees_with_itself(pair):
    assert jaccard(pair[0], pair[0]) == 1
    assert boundary_f(pair[0], pair[0]) == 1


@given(mask_pairs())
def test_truth_and_prediction_may_change_places(pair):
    assert jaccard(*pair) == jaccard(*reversed(pair))
    assert boundary_f(*pair) == boundary_f(*reversed(pair))


@given(mask_pairs(), st.tuples(*[st.integers(1, 9)] * 4))
def test_empty_surroundings_change_nothing_at_one_tolerance(pair, margins):
    truth, prediction = (np.pad(mask, 1) for mask in pair)  # no part of the outline lies on the border
    wide = [np.pad(mask, (margins[:2], margins[2:])) for mask in (truth, prediction)]
    assert jaccard(*wide) == jaccard(truth, prediction)
    assert boundary_f(*wide, tolerance=2) == boundary_f(truth, prediction, tolerance=2)


@given(
    arrays(np.uint8, (12, 17), elements=st.integers(0, 3)),
    arrays(np.uint8, (12, 17), elements=st.integers(0, 3)),
)
@settings(deadline=None)
def test_measures_of_a_frame_are_those_of_its_objects_one_by_one(truth, prediction):
    j, f = frame_measures(truth, prediction, [1, 2, 3])
    assert j.tolist() == [jaccard(truth == k, prediction == k) for k in (1, 2, 3)]
    assert f.tolist() == [boundary_f(truth == k, prediction == k) for k in (1, 2, 3)]


@given(arrays(np.uint8, (9, 11), elements=st.integers(0, 3)), st.permutations([1, 2, 3]))
@settings(deadline=None)
def test_names_of_the_objects_do_not_matter(truth, names):
    prediction = np.roll(truth, 1, axis=1)
    renamed = np.array([0, *names], dtype=np.uint8)
    before, after = (
        frame_measures(truth, prediction, [1, 2, 3]),
        frame_measures(renamed[truth], renamed[prediction], names),
    )
    np.testing.assert_array_equal(before, after)


@given(arrays(bool, SIZES, elements=st.booleans()), st.integers(0, 20))
@settings(deadline=None)
def test_dilation_reaches_what_the_distance_transform_says(points, radius):
    if points.any():
        np.testing.assert_array_equal(
            dilate(points, radius), ndimage.distance_transform_edt(~points) <= radius + 1e-9
        )
    else:
        assert not dilate(points, radius).any()


@pytest.mark.parametrize(
    ("size", "radius"),
    [((256, 448), 5), ((180, 320), 3), ((360, 640), 6), ((480, 854), 8), ((480, 910), 9), ((720, 1280), 12)],
)
def test_tolerance_is_0_8_percent_of_the_diagonal(size, radius):
    assert tolerance_radius(*size) == radius


@pytest.mark.parametrize(("radius", "pixels"), [(8, 197), (12, 441), (18, 1009)])
def test_the_disk_has_the_published_number_of_pixels(radius, pixels):
    point = np.zeros((2 * radius + 3, 2 * radius + 3), bool)
    point[radius + 1, radius + 1] = True
    assert dilate(point, radius).sum() == pixels


def test_outline_is_one_pixel_wide_and_half_a_pixel_up_and_left():
    mask = np.zeros((5, 6), bool)
    mask[2, 3] = True
    assert set(zip(*np.nonzero(outline(mask)), strict=True)) == {(1, 2), (1, 3), (2, 2), (2, 3)}


def test_the_border_of_the_frame_is_no_outline():
    assert not outline(np.ones((4, 5), bool)).any()


def test_nothing_predicted_scores_zero_and_nothing_at_all_one():
    truth, nothing = np.zeros((20, 20), bool), np.zeros((20, 20), bool)
    truth[5:9, 5:9] = True
    assert (jaccard(truth, nothing), boundary_f(truth, nothing)) == (0, 0)
    assert (jaccard(nothing, nothing), boundary_f(nothing, nothing)) == (1, 1)


def test_an_object_that_fills_the_frame_has_no_outline_to_miss():
    full, nothing = np.ones((20, 20), bool), np.zeros((20, 20), bool)
    assert (jaccard(full, nothing), boundary_f(full, nothing)) == (0, 1)


def test_an_outline_just_within_tolerance_counts_and_one_beyond_does_not():
    truth = np.zeros((480, 854), bool)
    truth[:, :400] = True
    at, beyond = np.zeros_like(truth), np.zeros_like(truth)
    at[:, :408] = True
    beyond[:, :409] = True
    assert boundary_f(truth, at) == 1
    assert boundary_f(truth, beyond) == 0
    assert math.isclose(jaccard(truth, at), 400 / 408)


def test_masks_of_two_sizes_are_refused_with_both_named():
    with pytest.raises(ValueError, match=r"truth \(4, 5\), prediction \(5, 4\)"):
        jaccard(np.ones((4, 5), bool), np.ones((5, 4), bool))
    with pytest.raises(ValueError, match="alike"):
        frame_measures(np.ones((4, 5), np.uint8), np.ones((2, 5), np.uint8), [1])
