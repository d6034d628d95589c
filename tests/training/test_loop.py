"""The training loop on a miniature dataset: it learns, resumes exactly, and stops on nonsense."""

import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from qpm.model import load_network
from qpm.training.config import OptimiserConfig, TrainConfig
from qpm.training.loop import train
from qpm.training.sources import DavisSource


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """Two DAVIS sequences of a bright square that moves over noise."""
    root = tmp_path_factory.mktemp("davis")
    rng = np.random.default_rng(0)
    (root / "ImageSets/2016").mkdir(parents=True)
    (root / "ImageSets/2016/train.txt").write_text("left\nright\n")
    for name, step in (("left", -2), ("right", 2)):
        frames, masks = root / f"JPEGImages/240p/{name}", root / f"Annotations/240p/{name}"
        frames.mkdir(parents=True), masks.mkdir(parents=True)
        for t in range(6):
            frame = rng.integers(0, 90, (64, 96, 3), dtype=np.uint8)
            mask = np.zeros((64, 96), dtype=np.uint8)
            x = 40 + step * t
            mask[16:48, x : x + 32] = 255
            frame[mask > 0] += 150
            Image.fromarray(frame).save(frames / f"{t:05d}.jpg")
            Image.fromarray(mask).save(masks / f"{t:05d}.png")
    return root


def config(root, **changes):
    settings = dict(  # noqa: C408 - keywords, as the caller writes them
        network="tiny",
        start="scratch",
        sources=(DavisSource(root=root, resolution="240p"),),
        shapes=((2, 1),),
        size=64,
        iterations=6,
        optimiser=OptimiserConfig(warm_up=2, rate=3e-3),
        precision="32",
        workers=0,
        log_every=2,
        checkpoint_every=3,
    )
    return TrainConfig(**{**settings, **changes})


def test_training_writes_weights_that_load_and_one_row_an_iteration(root, tmp_path):
    calls = []
    weights = train(config(root), tmp_path, lambda done, total, measures: calls.append((done, total, measures)))
    assert load_network(weights).config.key_channels == 16
    rows = pd.read_parquet(tmp_path / "metrics.parquet")
    assert rows["iteration"].tolist() == [0, 1, 2, 3, 4, 5]
    assert [call[:2] for call in calls] == [(2, 6), (4, 6), (6, 6)]
    assert calls[-1][2]["loss"] == pytest.approx(rows["loss"][4:].mean())


def test_resumed_training_gives_the_same_weights_and_losses_bit_for_bit(root, tmp_path):
    straight = train(config(root), tmp_path / "straight")

    def stop_after_four(done, total, measures):
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(config(root), tmp_path / "broken", stop_after_four)
    resumed = train(config(root), tmp_path / "broken")  # from the checkpoint of iteration 3
    one, other = load_file(str(straight)), load_file(str(resumed))
    assert all(torch.equal(one[name], other[name]) for name in one)
    logs = [pd.read_parquet(tmp_path / name / "metrics.parquet") for name in ("straight", "broken")]
    pd.testing.assert_frame_equal(*logs)


def test_a_finished_training_is_not_repeated(root, tmp_path):
    first = train(config(root), tmp_path).read_bytes()
    calls = []
    assert train(config(root), tmp_path, lambda *call: calls.append(call)).read_bytes() == first
    assert calls == []


def test_loss_falls_while_training(root, tmp_path):
    train(config(root, iterations=40, checkpoint_every=40), tmp_path)
    loss = pd.read_parquet(tmp_path / "metrics.parquet")["segmentation"]
    assert loss[-8:].mean() < 0.8 * loss[:8].mean()


def test_a_loss_that_is_not_finite_stops_and_keeps_the_batch(root, tmp_path):
    weights = train(config(root, iterations=1), tmp_path / "one")
    network = load_network(weights)
    with torch.no_grad():
        network.decoder.pred.bias.fill_(float("nan"))
    from qpm.model import save_network

    broken = save_network(network, tmp_path / "broken.safetensors")
    with pytest.raises(FloatingPointError, match="iteration 0"):
        train(config(root, start=str(broken)), tmp_path / "nan")
    assert np.load(tmp_path / "nan/bad_batch.npz")["frames"].shape == (2, 3, 64, 64, 3)


def test_sources_and_batch_shapes_must_agree(root, tmp_path):
    with pytest.raises(ValueError, match=r"sources fill \[2\] objects"):
        train(config(root, sources=(DavisSource(root=root, resolution="240p", objects=2),)), tmp_path)


def test_a_missing_dataset_is_told_before_anything_runs(tmp_path):
    with pytest.raises((ValueError, FileNotFoundError), match="nowhere"):
        train(config(tmp_path / "nowhere"), tmp_path / "run")
    shutil.rmtree(tmp_path / "run", ignore_errors=True)
