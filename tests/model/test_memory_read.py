"""The memory read against Eq. 1 written out as loops."""

import math

import pytest
import torch
from torch.nn.functional import normalize

from qpm.model.memory_read import read_memory


def example(objects=2, frames=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    query = torch.randn(1, 4, 2, 3, generator=generator)
    key = torch.randn(1, objects, 4, frames, 2, 3, generator=generator)
    value = torch.randn(1, objects, 5, frames, 2, 3, generator=generator)
    return query, key, value


def eq_1(query, key, value, top_k=None, cosine=None):
    """y_i = 1/Z sum_j f(k_i, k_j) v_j, one query location and one object at a time."""
    _, objects, _, frames, height, width = key.shape
    result = torch.zeros(1, objects, value.shape[2], height, width)
    places = [(t, y, x) for t in range(frames) for y in range(height) for x in range(width)]
    for o in range(objects):
        for y in range(height):
            for x in range(width):
                q = query[0, :, y, x]
                matches = []
                for t, r, c in places:
                    k = key[0, o, :, t, r, c]
                    dot = float(q @ k)
                    scaled = dot / math.sqrt(len(q)) if cosine is None else cosine * dot / float(q.norm() * k.norm())
                    matches.append((math.exp(scaled), value[0, o, :, t, r, c]))
                matches = sorted(matches, key=lambda match: -match[0])[:top_k]
                z = sum(f for f, _ in matches)
                result[0, o, :, y, x] = sum(f / z * v for f, v in matches)
    return result


@pytest.mark.parametrize("top_k", [None, 1, 4, 18, 50])
def test_read_equals_eq_1_with_the_best_k_matches_and_k_clamped_to_the_memory(top_k):
    assert torch.allclose(read_memory(*example(), top_k=top_k), eq_1(*example(), top_k=top_k), atol=1e-5)


def test_keys_of_unit_length_and_a_scale_compare_directions():
    query, key, value = example()
    expected = eq_1(query, key, value, cosine=7.0)
    read = read_memory(normalize(3 * query, dim=1), normalize(key, dim=2), value, scale=torch.tensor(7.0))
    assert torch.allclose(read, expected, atol=1e-5)


def test_constant_values_are_read_back_whatever_the_keys():
    query, key, value = example()
    assert torch.allclose(read_memory(query, key, torch.full_like(value, 2.5)), torch.tensor(2.5))


def test_order_of_memory_frames_does_not_matter():
    query, key, value = example()
    turned = read_memory(query, key.flip(3), value.flip(3))
    assert torch.allclose(turned, read_memory(query, key, value), atol=1e-6)


def test_empty_memory_is_refused():
    query, key, value = example()
    with pytest.raises(ValueError, match="memory is empty"):
        read_memory(query, key[:, :, :, :0], value[:, :, :, :0])


def test_bfloat16_read_stays_near_float32():
    query, key, value = example()
    half = read_memory(query.bfloat16(), key.bfloat16(), value.bfloat16(), top_k=4)
    assert torch.allclose(half.float(), read_memory(query, key, value, top_k=4), atol=0.1)
