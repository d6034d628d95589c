"""Keys before training: the features' principal directions, centred, of unit size."""

import numpy as np
import pytest
import torch
from torch import Tensor

from qpm.weights.principal import principal_keys


@pytest.fixture
def features() -> Tensor:
    """Correlated features (N, C) far from the origin."""
    generator = torch.Generator().manual_seed(0)
    mixing = torch.randn(24, 24, generator=generator) * torch.linspace(0.1, 2, 24)
    return torch.randn(2000, 24, generator=generator) @ mixing + 5


def test_the_directions_are_orthogonal_and_equally_long(features: Tensor) -> None:
    weight, _ = principal_keys(features, channels=8)
    products = weight @ weight.T
    torch.testing.assert_close(products / products[0, 0], torch.eye(8), rtol=0, atol=1e-5)


def test_keys_have_mean_zero_and_mean_square_one(features: Tensor) -> None:
    weight, bias = principal_keys(features, channels=8)
    keys = features @ weight.T + bias
    torch.testing.assert_close(keys.mean(dim=0), torch.zeros(8), rtol=0, atol=1e-4)
    assert keys.square().mean().item() == pytest.approx(1, abs=1e-4)


def test_channels_are_uncorrelated_and_come_by_falling_variance(features: Tensor) -> None:
    weight, bias = principal_keys(features, channels=8)
    covariance = torch.cov((features @ weight.T + bias).T)
    variances = covariance.diagonal()
    assert variances.tolist() == sorted(variances.tolist(), reverse=True)
    torch.testing.assert_close(covariance, variances.diag(), rtol=0, atol=1e-3)


def test_no_projection_of_that_rank_keeps_more_variance(features: Tensor) -> None:
    weight, _ = principal_keys(features, channels=8)
    centred = (features - features.mean(dim=0)).numpy().astype(np.float64)
    singular = np.linalg.svd(centred, compute_uv=False)
    directions = (weight / weight[0].norm()).numpy()
    assert np.square(centred @ directions.T).sum() == pytest.approx(np.square(singular[:8]).sum(), rel=1e-6)


def test_the_sign_is_fixed_by_the_largest_entry(features: Tensor) -> None:
    weight, _ = principal_keys(features, channels=8)
    mirrored, _ = principal_keys(-features, channels=8)
    assert (weight.gather(1, weight.abs().argmax(dim=1, keepdim=True)) > 0).all()
    torch.testing.assert_close(mirrored, weight)


def test_too_few_varying_directions_are_an_error(features: Tensor) -> None:
    with pytest.raises(ValueError, match="8 key channels asked of features that vary in 4 directions"):
        principal_keys(features[:5], channels=8)
    with pytest.raises(ValueError, match="25 key channels asked of features that vary in 24 directions"):
        principal_keys(features, channels=25)
    with pytest.raises(ValueError, match="vary in 0 directions"):
        principal_keys(torch.ones(10, 24), channels=8)


def test_feature_maps_must_be_flattened_first(features: Tensor) -> None:
    with pytest.raises(ValueError, match=r"shape \(1, 24, 5, 5\); expected \(N, C\)"):
        principal_keys(torch.zeros(1, 24, 5, 5))
