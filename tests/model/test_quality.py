"""The quality head's departure: a score that weighs in how undecided the mask is."""

import torch

from qpm.model.quality import QualityConfig, QualityHead, mask_doubt


def disc(radius: float, soft: float) -> torch.Tensor:
    rows, columns = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    return torch.sigmoid((radius - ((rows - 32) ** 2 + (columns - 32) ** 2).sqrt()) / soft)


def head(doubt: bool) -> QualityHead:
    torch.manual_seed(0)
    return QualityHead(QualityConfig(channels=4, hidden=8, pooling="average_max", doubt=doubt), in_channels=6)


def test_a_decided_mask_has_no_doubt_and_an_undecided_one_as_much_as_can_be():
    decided = (disc(20, 1) > 0.5).float()
    everywhere = torch.full((64, 64), 0.5)
    assert mask_doubt(torch.stack([decided, everywhere, torch.zeros(64, 64)])).tolist() == [0, 2, 0]


def test_doubt_is_a_mean_over_the_mask_by_its_definition():
    p = disc(15, 3)
    expected = sum(4 * v * (1 - v) for v in p.flatten().tolist()) / sum(p.flatten().tolist())
    assert torch.isclose(mask_doubt(p[None])[0], torch.tensor(expected), rtol=1e-4)


def test_a_blurred_outline_is_more_doubtful_than_a_sharp_one():
    sharp, blurred = mask_doubt(torch.stack([disc(20, 0.5), disc(20, 4)])).tolist()
    assert sharp < blurred


def test_of_two_masks_with_the_same_feature_the_undecided_one_scores_lower():
    f16, masks = torch.randn(1, 6, 4, 4).expand(2, -1, -1, -1), torch.stack([disc(20, 0.5), disc(20, 4)])
    weighed, plain = head(doubt=True)(f16, masks), head(doubt=False)(f16, masks)
    assert weighed[1] < weighed[0]
    assert plain[1] == plain[0]


def test_the_paper_s_head_has_no_parameter_for_doubt():
    names = {name for name, _ in head(doubt=False).named_parameters()}
    assert {name for name, _ in head(doubt=True).named_parameters()} - names == {"doubt"}
