"""A clip on its way through the network: which frames are remembered, whose mask guides, which masks are scored."""

import pytest
import torch

from qpm.model import build
from qpm.training.clip_model import ClipModel
from qpm.training.config import LossConfig
from qpm.training.draws import Draws

PLAIN = {"prior_dropped": 0, "corrupted_score": 0}


@pytest.fixture
def network():
    torch.manual_seed(0)
    return build("tiny").train()


def clip(frames=4, clips=2, objects=2):
    """Noise with two squares; the second clip holds the first one alone."""
    pixels = torch.randn(clips, frames, 3, 48, 64, generator=torch.Generator().manual_seed(1))
    masks = torch.zeros(clips, frames, objects, 48, 64)
    masks[:, :, 0, 8:24, 8:24] = 1
    masks[0, :, 1, 8:24, 32:56] = 1
    return pixels, masks


def draws():
    return Draws(0, 0, 0, range(2))


def spied(network, name):
    """The arguments of every call of a method."""
    calls, method = [], getattr(network, name)

    def call(*arguments):
        calls.append(arguments)
        return method(*arguments)

    setattr(network, name, call)
    return calls


def test_long_clips_remember_every_nth_frame_and_the_previous_one(network):
    calls = spied(network, "segment")
    ClipModel(network, LossConfig(**PLAIN, memorize_every=3)).rollout(*clip(frames=8), draws())
    assert [key.shape[3] for _, key, _ in calls] == [1, 2, 2, 2, 3, 3, 3]  # 0 | 0 1 | 0 2 | 0 3 | 0 3 4 | 0 3 5 | 0 3 6


def test_the_prior_is_the_previous_mask_where_it_is_good_else_the_first(network):
    frames, masks = clip()
    for rule, sigma, expected in (("previous", 0.65, -1), ("selective", -1.0, -1), ("selective", 1.0, 0)):
        calls = spied(network, "enhance")
        seen = ClipModel(network, LossConfig(**PLAIN, prior=rule, sigma_en=sigma)).rollout(frames, masks, draws())
        before = [seen.masks[0] if expected == 0 else seen.masks[t] for t in range(3)]
        for (_, prior), mask in zip(calls, before, strict=True):
            assert torch.equal(prior, mask.amax(dim=1, keepdim=True)) and not prior.requires_grad


def test_a_random_prior_is_the_first_or_the_previous_mask_of_each_clip(network):
    calls = spied(network, "enhance")
    model, (frames, masks) = ClipModel(network, LossConfig(**PLAIN, prior="random")), clip()
    chosen = set()
    for iteration in range(6):
        calls.clear()
        seen = model.rollout(frames, masks, Draws(0, 0, iteration, range(2)))
        for number in range(2):
            options = [seen.masks[t][number].amax(dim=0) for t in (0, 2)]
            chosen.add((number, [torch.equal(calls[2][1][number, 0], option) for option in options].index(True)))
    assert chosen == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_a_dropped_prior_reaches_no_frame(network):
    seen = ClipModel(network, LossConfig(prior_dropped=1)).rollout(*clip(), draws())
    assert seen.gates == [None] * 4


def test_an_absent_object_stays_absent_and_counts_nowhere(network):
    model, (frames, masks) = ClipModel(network, LossConfig(**PLAIN)), clip()
    seen = model.rollout(frames, masks, draws())
    assert seen.present.tolist() == [[True, True], [True, False]]
    assert all(mask[1, 1].max() < 1e-6 for mask in seen.masks)
    judged = model(frames, masks, 0.0, draws())["judged"]
    assert judged.shape == (3 * 4, 2) and int(judged[:, 1].isnan().sum()) == 3


def test_the_paper_scores_the_predictions_alone(network):
    frames, masks = clip(frames=3)
    heads = {}
    for first, damaged in ((False, 0), (True, 0), (True, 1)):
        calls = spied(network, "memorize")
        loss = LossConfig(prior_dropped=0, score_first=first, corrupted_score=damaged)
        heads[first, damaged] = float(ClipModel(network, loss)(frames, masks, 0.0, draws())["score"])
        assert len(calls) == 3 + damaged
    seen = ClipModel(network, LossConfig(**PLAIN)).rollout(frames, masks, draws())
    first_error = float((((seen.scores[0] - 1) ** 2) * seen.present).sum(1).div(seen.present.sum(1)).mean())
    assert heads[True, 0] == pytest.approx((2 * heads[False, 0] + first_error) / 3, rel=1e-5)
    assert heads[True, 1] > heads[True, 0]


def test_a_network_without_a_gate_must_drop_the_prior():
    network = build("tiny")
    network.prior_gate = None
    with pytest.raises(ValueError, match="prior_dropped is below 1 but the network has no prior gate"):
        ClipModel(network, LossConfig())
