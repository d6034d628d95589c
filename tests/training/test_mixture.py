"""Batches: the same clip at the same place, whatever the processes; sources by weight."""

import shutil

import numpy as np
import pytest
import torch

from qpm.training.batches import batches, tensors
from qpm.training.mixture import ClipMixture

TWO = {"shapes": [[4, 1], [2, 2]]}


@pytest.fixture(scope="module")
def sources(root):
    davis = {"source": "davis", "root": str(root), "resolution": "240p"}
    return [davis | {"weight": 3}, davis | {"objects": 2, "pasted": "object"}]


def test_parts_of_a_batch_are_the_large_batch(config):
    whole = ClipMixture(config({"shapes": [[4, 1]]}).stages[0], seed=0).batch(3)
    half = ClipMixture(config({"shapes": [[2, 1]]}).stages[0], seed=0)
    parts = [half.batch(3, part, 2) for part in range(2)]
    assert torch.equal(whole.frames, torch.cat([part.frames for part in parts]))
    assert torch.equal(whole.labels, torch.cat([part.labels for part in parts]))
    assert [number for part in parts for number in part.numbers] == [0, 1, 2, 3]


def test_a_loader_process_draws_what_this_process_draws(config):
    mixture = ClipMixture(config({"accumulate": 2}).stages[0], seed=5)
    here = list(batches(mixture, 3, rank=1, ranks=2, workers=0, pinned=False))
    there = list(batches(mixture, 3, rank=1, ranks=2, workers=1, pinned=False))
    assert len(here) == (6 - 3) * 2
    assert [batch.numbers for batch in here[:2]] == [(2, 3), (6, 7)]  # part 1 and part 3 of four
    for one, other in zip(here, there, strict=True):
        assert torch.equal(one.frames, other.frames) and one.names == other.names


def test_batches_differ_between_iterations_seeds_and_stages(config):
    stage = config().stages[0]
    places = ((0, 0, 0), (0, 0, 1), (1, 0, 0), (0, 1, 0))
    drawn = [ClipMixture(stage, seed, place).batch(iteration) for seed, place, iteration in places]
    assert len({batch.frames.numpy().tobytes() for batch in drawn}) == 4


def test_sources_are_drawn_by_weight_and_fill_their_shape(config, sources):
    mixture = ClipMixture(config({"sources": sources, **TWO}).stages[0], seed=1)
    shapes = [(batch.objects, len(batch.frames)) for batch in (mixture.batch(i) for i in range(80))]
    assert set(shapes) == {(1, 4), (2, 2)}
    assert np.mean([objects == 1 for objects, _ in shapes]) == pytest.approx(0.75, abs=0.12)
    assert len(mixture) == 4  # videos of both sources


def test_a_late_source_waits(config, sources):
    late = [sources[0], sources[1] | {"weight": 1000, "after": 0.5}]
    mixture = ClipMixture(config({"sources": late, "iterations": 10, **TWO}).stages[0], seed=1)
    assert [mixture.batch(i).objects for i in range(10)] == [1] * 5 + [2] * 5


def test_a_slot_that_is_empty_at_first_stays_empty(config):
    batch = ClipMixture(config({"length": 4}).stages[0], seed=0).batch(0)
    labels = batch.labels.clone()
    labels[0, 0] = 0
    frames, masks = tensors(batch._replace(labels=labels, objects=2), torch.device("cpu"))
    assert frames.shape == (2, 4, 3, 64, 64) and masks.shape == (2, 4, 2, 64, 64)
    assert not masks[0].any() and masks[1, :, 0].any() and not masks[:, :, 1].any()


def test_broken_images_are_named_in_the_batch_and_end_a_strict_mixture(root, config, tmp_path):
    copy = shutil.copytree(root, tmp_path / "davis")
    for path in (copy / "JPEGImages/240p/left").iterdir():
        if path.stem != "00000":  # its header gives the size
            path.write_bytes(b"not a picture")
    stage = config({"sources": [{"source": "davis", "root": str(copy), "resolution": "240p"}]}).stages[0]
    drawn = [ClipMixture(stage, seed=0).batch(i) for i in range(4)]
    assert {name for batch in drawn for name in batch.names} == {"right"}
    assert any("left" in told for batch in drawn for told in batch.broken)
    with pytest.raises(ValueError, match="broken image file"):
        strict = ClipMixture(stage, seed=0, strict=True)
        for i in range(8):
            strict.batch(i)
