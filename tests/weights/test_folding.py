"""A folded convolution computes what the convolution and its surroundings compute."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from qpm.frames import normalise
from qpm.weights.folding import CAFFE_MEAN_BGR, Convolution, for_normalised_rgb


@pytest.fixture
def generator() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def convolution(generator: np.random.Generator) -> Convolution:
    return Convolution(generator.normal(size=(5, 3, 3, 3)), generator.normal(size=5))


def apply(convolution: Convolution, images: Tensor, **options: int) -> Tensor:
    return F.conv2d(
        images, torch.from_numpy(convolution.weight), torch.from_numpy(convolution.bias), **options
    )


def channels(values: np.ndarray) -> Tensor:
    return torch.from_numpy(values).view(1, -1, 1, 1)


def test_a_batch_norm_folds_into_the_convolution_before_it(
    convolution: Convolution, generator: np.random.Generator
) -> None:
    images = torch.from_numpy(generator.normal(size=(2, 3, 8, 9)))
    mean, shift = generator.normal(size=5), generator.normal(size=5)
    variance, gain = generator.uniform(0.2, 2, size=5), generator.normal(size=5)
    statistics = [torch.from_numpy(values) for values in (mean, variance, gain, shift)]
    expected = F.batch_norm(apply(convolution, images), *statistics, eps=1e-5)
    folded = convolution.shifted(-mean).scaled(gain / np.sqrt(variance + 1e-5)).shifted(shift)
    torch.testing.assert_close(apply(folded, images), expected, rtol=0, atol=1e-10)


def test_an_affine_change_of_the_input_folds_into_the_convolution_after_it(
    convolution: Convolution, generator: np.random.Generator
) -> None:
    images = torch.from_numpy(generator.normal(size=(2, 3, 8, 9)))
    factor, offset = generator.uniform(0.5, 2, size=3), generator.normal(size=3)
    expected = apply(convolution, channels(factor) * images + channels(offset))
    torch.testing.assert_close(
        apply(convolution.on_input(factor, offset), images), expected, rtol=0, atol=1e-10
    )


def test_the_border_is_exact_when_the_padding_is_what_zero_becomes(
    convolution: Convolution, generator: np.random.Generator
) -> None:
    images = torch.from_numpy(generator.normal(size=(1, 3, 6, 6)))
    factor, offset = generator.uniform(0.5, 2, size=3), generator.normal(size=3)
    expected = apply(convolution, channels(factor) * images + channels(offset), padding=1)
    zero = channels(-offset / factor)
    padded = F.pad(images - zero, (1, 1, 1, 1)) + zero
    folded = convolution.on_input(factor, offset)
    torch.testing.assert_close(apply(folded, padded), expected, rtol=0, atol=1e-10)
    assert not torch.allclose(apply(folded, images, padding=1), expected, atol=1e-3)


def test_the_stem_sees_our_frames_as_it_saw_caffes_images(
    convolution: Convolution, generator: np.random.Generator
) -> None:
    frame = torch.from_numpy(generator.integers(0, 256, size=(1, 3, 8, 8)))
    caffe = frame.flip(1).double() - channels(np.asarray(CAFFE_MEAN_BGR))
    found = apply(for_normalised_rgb(convolution), normalise(frame).double())
    torch.testing.assert_close(found, apply(convolution, caffe), rtol=0, atol=1e-3)  # normalise gives float32
