"""The canvas: native pixels to the network's input and back."""

import numpy as np
import pytest
import torch

from qpm.frames import MEAN, STD, Canvas


def test_480p_davis_frame_is_padded_by_five_columns_on_each_side():
    canvas = Canvas.fit((480, 854))
    assert canvas.padded == (480, 864)
    assert canvas.padding == (5, 5, 0, 0)


def test_longer_side_is_limited_and_never_enlarged():
    assert Canvas.fit((480, 854), 432).resized == (243, 432)
    assert Canvas.fit((240, 320), 432).resized == (240, 320)


@pytest.mark.parametrize("native", [(33, 50), (64, 64), (17, 16)])
def test_maps_come_back_as_they_went_where_only_padding_is_involved(native):
    canvas = Canvas.fit(native)
    maps = torch.rand(2, *native, generator=torch.Generator().manual_seed(0))
    assert torch.equal(canvas.native_maps(canvas.masks(maps)), maps)


def test_padding_has_the_mean_colour_and_sides_are_multiples_of_sixteen():
    canvas = Canvas.fit((33, 50), 40)
    frame = canvas.frame(np.full((33, 50, 3), 255, dtype=np.uint8))
    assert frame.shape == (1, 3, *canvas.padded)
    assert all(side % 16 == 0 for side in canvas.padded)
    assert frame[0, :, 0, 0].abs().sum() == 0


def test_black_padding_is_zero_before_the_normalisation_and_holds_no_mask():
    canvas = Canvas.fit((16, 24), black=True)
    frame = canvas.frame(np.full((16, 24, 3), 255, dtype=np.uint8))
    masks = canvas.remembered(torch.ones(1, 2, *canvas.padded))
    assert canvas.padding == (4, 4, 0, 0)
    assert torch.allclose(frame[0, :, 0, 0], -torch.tensor(MEAN) / torch.tensor(STD))
    assert torch.allclose(frame[0, :, 0, 4], (1 - torch.tensor(MEAN)) / torch.tensor(STD))
    assert masks[0, 0, 0].tolist() == [0.0] * 4 + [1.0] * 24 + [0.0] * 4


def test_masks_on_padding_of_the_mean_colour_are_remembered_as_they_are():
    masks = torch.ones(1, 2, 16, 32)
    assert Canvas.fit((16, 24)).remembered(masks) is masks


def test_a_limit_below_one_cell_is_refused():
    with pytest.raises(ValueError, match="max_side is 8"):
        Canvas.fit((100, 100), 8)
