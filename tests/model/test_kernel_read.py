"""The kernelized memory read (KMN) against its definition, one pair of locations at a time."""

import math

import pytest
import torch

from qpm.model.memory_read import read_memory

OBJECTS, FRAMES, HEIGHT, WIDTH = 2, 2, 3, 4
PLACES = [(y, x) for y in range(HEIGHT) for x in range(WIDTH)]


@pytest.fixture
def example():
    generator = torch.Generator().manual_seed(0)
    query = torch.randn(1, 6, HEIGHT, WIDTH, generator=generator)
    key = torch.randn(1, OBJECTS, 6, FRAMES, HEIGHT, WIDTH, generator=generator)
    value = torch.randn(1, OBJECTS, 5, FRAMES, HEIGHT, WIDTH, generator=generator)
    return query, key, value


def kernelized(query, key, value, sigma, top_k):
    """Products of match and kernel, the k largest of them normalised; one object: (C, h, w), (C, T, h, w) twice."""
    match = torch.einsum("cyx,ctrs->yxtrs", query, key).div(math.sqrt(len(query))).reshape(len(PLACES), -1)
    product = match.exp()
    for j in range(match.shape[1]):
        best_y, best_x = PLACES[int(match[:, j].argmax())]
        for i, (y, x) in enumerate(PLACES):
            product[i, j] *= math.exp(-((y - best_y) ** 2 + (x - best_x) ** 2) / (2 * sigma**2))
    for row in product:
        row[row.argsort(descending=True)[top_k:]] = 0
    weights = product / product.sum(dim=1, keepdim=True)
    return (value.flatten(1) @ weights.T).unflatten(1, (HEIGHT, WIDTH))


@pytest.mark.parametrize("sigma", [0.7, 5.6])
@pytest.mark.parametrize("top_k", [None, 1, 5, 50])
def test_read_equals_the_definition_for_every_object_of_a_batch(example, sigma, top_k):
    query, key, value = example
    expected = [kernelized(query[0], key[0, o], value[0, o], sigma, top_k or 999) for o in range(OBJECTS)]
    read = read_memory(query, key, value, top_k=top_k, kernel_sigma=sigma)
    assert torch.allclose(read[0], torch.stack(expected), atol=1e-5)


def test_a_wide_kernel_is_none(example):
    assert torch.allclose(read_memory(*example, kernel_sigma=1e4), read_memory(*example), atol=1e-5)


def test_a_location_far_from_its_best_match_is_not_read():
    """The first memory location matches the far corner best, so the near corner does not see it."""
    query = torch.zeros(1, 6, HEIGHT, WIDTH)
    key = torch.zeros(1, 1, 6, 1, HEIGHT, WIDTH)
    value = torch.zeros(1, 1, 5, 1, HEIGHT, WIDTH)
    query[0, 0, -1, -1], query[0, 0, 0, 0] = 3.0, 2.0
    key[0, 0, 0, 0, 0, 0] = 9.0
    value[0, 0, :, 0, 0, 0] = 1.0
    plain, near = read_memory(query, key, value), read_memory(query, key, value, kernel_sigma=0.7)
    assert plain[0, 0, 0, 0, 0] > 0.9 and near[0, 0, 0, 0, 0] < 0.1
    assert near[0, 0, 0, -1, -1] > 0.9


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_low_precision_stays_near_float32(example, dtype):
    low = read_memory(*(tensor.to(dtype) for tensor in example), top_k=4, kernel_sigma=5.6)
    assert low.dtype == dtype
    assert torch.allclose(low.float(), read_memory(*example, top_k=4, kernel_sigma=5.6), atol=0.1)


def test_matches_as_large_as_float16_holds_do_not_overflow(example):
    query, key, value = (tensor.half() for tensor in example)
    read = read_memory(100 * query, 100 * key, value, top_k=4, kernel_sigma=5.6)
    assert read.isfinite().all()
