"""The training loop on a miniature dataset: it learns, resumes exactly, goes through stages, stops on nonsense."""

import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from qpm.model import load_network, save_network
from qpm.model.checkpoint import read_header
from qpm.training.checkpoint import checkpoints, load_state
from qpm.training.clip_model import ClipModel
from qpm.training.log import TIMES
from qpm.training.loop import train
from qpm.training.stage import Stage


def same_weights(one, other):
    one, other = load_file(str(one)), load_file(str(other))
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def first_gradient(folder):
    """The gradient of the first iteration: Adam's first moment is a tenth of it."""
    state = load_state(folder)["optimizer"]["state"]
    return torch.cat([entry["exp_avg"].flatten() for entry in state.values()]).numpy()


def distance(one, other):
    """Distance of two networks, in lengths of one."""
    one, other = (torch.cat([value.flatten() for value in load_file(str(path)).values()]) for path in (one, other))
    return float((one - other).norm() / one.norm())


def history(folder):
    """What was logged, without how fast it went."""
    return pd.read_parquet(folder / "metrics.parquet").drop(columns=list(TIMES))


def stopping_after(iterations):
    def stop(done, total, measures):
        if done == iterations:
            raise RuntimeError("power cut")

    return stop


def test_training_writes_weights_that_load_and_a_row_every_few_iterations(config, tmp_path):
    calls = []
    weights = train(config(), tmp_path, lambda *call: calls.append(call))
    assert load_network(weights).config.key_channels == 16
    rows = pd.read_parquet(tmp_path / "metrics.parquet")
    assert rows["iteration"].tolist() == [2, 4, 6] == [done for done, _, _ in calls]
    assert {"iou", "score_error", "score_correlation", "first_score", "gradient_norm", "rate"} <= {*rows}
    assert rows["loss"].tolist() == pytest.approx(rows["segmentation"] + 2 * rows["score"])
    assert rows["data_wait"].between(0, 1).all()
    assert (rows["clips_per_second"] * rows["seconds"]).tolist() == pytest.approx([2, 2, 2])
    told = read_header(weights)[1]
    assert told["iterations"] == 6 and set(told["data"]) == {"0.davis#0"}
    assert told["metrics"]["loss"] == rows["loss"].iloc[-1] and "root" not in str(told)


def test_resumed_training_gives_the_same_weights_and_losses_bit_for_bit(config, tmp_path):
    straight = train(config(log_every=4), tmp_path / "straight")  # a row across the checkpoint
    with pytest.raises(RuntimeError, match="power cut"):
        train(config(log_every=4), tmp_path / "broken", stopping_after(4))
    resumed = train(config(log_every=4), tmp_path / "broken")  # from the checkpoint of iteration 3
    assert same_weights(straight, resumed)
    pd.testing.assert_frame_equal(history(tmp_path / "straight"), history(tmp_path / "broken"))


def test_a_finished_training_is_not_repeated(config, tmp_path):
    first = train(config(), tmp_path).rename(tmp_path / "first.safetensors")
    calls = []
    assert same_weights(train(config(), tmp_path, lambda *call: calls.append(call)), first)
    assert calls == []


def test_the_last_checkpoints_are_kept_and_a_damaged_one_falls_back_to_the_one_before(config, tmp_path):
    first = train(config(checkpoint_every=1), tmp_path).rename(tmp_path / "first.safetensors")
    assert [path.stem for path in sorted((tmp_path / "checkpoints").iterdir())] == ["00000005", "00000006"]
    (tmp_path / "checkpoints/00000006.pt").write_bytes(b"half a file")
    calls = []
    assert same_weights(train(config(checkpoint_every=1), tmp_path, lambda *call: calls.append(call)), first)
    assert [done for done, _, _ in calls] == [6]


def test_a_stage_starts_from_the_weights_of_the_one_before(config, settings, tmp_path):
    first, second = settings()["stages"][0], settings({"size": [32, 64], "length": 4, "iterations": 2})["stages"][0]
    two = config(stages=[first, second])
    straight = train(two, tmp_path / "two")
    assert same_weights(tmp_path / "two/stage-0.safetensors", train(config(), tmp_path / "one"))
    assert not same_weights(tmp_path / "two/stage-0.safetensors", straight)
    rows = pd.read_parquet(tmp_path / "two/metrics.parquet")
    assert rows[["iteration", "stage"]].values.tolist() == [[2, 0], [4, 0], [6, 0], [8, 1]]
    with pytest.raises(RuntimeError, match="power cut"):
        train(two, tmp_path / "broken", stopping_after(8))
    assert same_weights(train(two, tmp_path / "broken"), straight)  # begins the second stage again


def test_a_stage_that_trains_the_quality_head_leaves_the_rest_as_it_was(config, tmp_path):
    start = train(config(), tmp_path / "start")
    head = {"optimiser": {"frozen": [], "trained": ["quality_head"], "rate": 0.1, "warm_up": 0}, "length": 6}
    end = train(config({**head, "iterations": 1, "loss": {"memorize_every": 3}}, start=str(start)), tmp_path / "end")
    before, after = load_file(str(start)), load_file(str(end))
    assert {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])} == {"quality_head"}


@pytest.mark.parametrize("at_test", [True, False])
def test_a_stage_may_read_the_memory_as_at_test(config, tmp_path, monkeypatch, at_test):
    modes, forward = [], ClipModel.forward

    def spy(model, *arguments):
        modes.append(model.network.training)
        return forward(model, *arguments)

    monkeypatch.setattr(ClipModel, "forward", spy)
    train(config({"loss": {"read_at_test": at_test}, "iterations": 1}), tmp_path)
    assert modes == [not at_test]


def test_a_checkpoint_from_before_a_setting_existed_goes_on(config, tmp_path):
    train(config(), tmp_path)
    path = checkpoints(tmp_path)[-1]
    state = torch.load(path, weights_only=True)
    del state["settings"]["stages"][0]["loss"]["read_at_test"]
    torch.save(state, path)
    train(config(), tmp_path)


def test_accumulated_batches_give_the_step_of_one_large_batch(config, tmp_path):
    loss = {"prior_dropped": 0, "prior": "random"}
    one = train(config({"shapes": [[4, 1]], "loss": loss, "iterations": 1}), tmp_path / "one")
    split = train(config({"shapes": [[2, 1]], "accumulate": 2, "loss": loss, "iterations": 1}), tmp_path / "split")
    assert first_gradient(tmp_path / "one") == pytest.approx(first_gradient(tmp_path / "split"), abs=1e-6)
    assert distance(one, split) < 1e-3


def test_loss_falls_while_training(config, tmp_path):
    train(config({"iterations": 40}, checkpoint_every=40), tmp_path)
    loss = pd.read_parquet(tmp_path / "metrics.parquet")["segmentation"]
    assert loss[-4:].mean() < 0.8 * loss[:4].mean()


def test_a_loss_that_is_not_finite_stops_and_keeps_the_batch(config, tmp_path):
    network = load_network(train(config({"iterations": 1}), tmp_path / "one"))
    with torch.no_grad():
        network.decoder.pred.bias.fill_(float("nan"))
    broken = save_network(network, tmp_path / "broken.safetensors")
    with pytest.raises(FloatingPointError, match=r"loss is nan in stage 0, iteration 0 \(clips of (left|right)"):
        train(config(start=str(broken)), tmp_path / "nan")
    bad = np.load(tmp_path / "nan/bad_batch-00000000.npz")
    assert bad["frames"].shape == (2, 3, 64, 64, 3) and set(bad["names"]) <= {"left", "right"}
    assert not list((tmp_path / "nan").glob("checkpoints/*.pt"))


def test_a_loss_that_is_not_finite_is_told_though_there_is_no_room_for_its_batch(config, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError("No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    monkeypatch.setattr(Stage, "clip", lambda stage: torch.tensor(float("inf")))
    told = r"gradient norm is inf in stage 0, iteration 0 .*; the batch cannot be kept in .* \(No space left on .*\)"
    with pytest.raises(FloatingPointError, match=told):
        train(config({"iterations": 1}), tmp_path)


def test_a_gradient_that_is_not_finite_spoils_no_weights(config, tmp_path, monkeypatch):
    monkeypatch.setattr(Stage, "clip", lambda stage: torch.tensor(float("nan")))
    with pytest.raises(FloatingPointError, match=r"gradient norm is nan in stage 0, iteration 0"):
        train(config({"iterations": 1}), tmp_path)
    assert (tmp_path / "bad_batch-00000000.npz").is_file() and not (tmp_path / "weights.safetensors").exists()
    assert load_state(tmp_path) is None


def test_data_that_cannot_be_used_are_told_in_a_line_whoever_met_them(config, root, tmp_path):
    shutil.copytree(root, tmp_path / "davis")
    smooth = np.arange(64 * 96, dtype=np.uint8).reshape(64, 96)
    for file in (tmp_path / "davis/Annotations").rglob("0000[1-9].png"):
        Image.fromarray(smooth).save(file)
    stage = {"sources": [{"source": "davis", "root": str(tmp_path / "davis"), "resolution": "240p"}]}
    with pytest.raises(ValueError) as told:
        train(config(stage, workers=1), tmp_path / "out")
    assert ".png" in str(told.value) and "Traceback" not in str(told.value)


@pytest.mark.parametrize("objects", [1, 2])
def test_a_stage_of_single_objects_keeps_the_weights_of_the_others_mask(config, tmp_path, objects):
    start = train(config({"iterations": 1}), tmp_path / "start")
    rates = {"rate": 0.01, "memory_encoder_rate": 0.01, "algorithm": "adam", "weight_decay": 0.1, "warm_up": 0}
    stage = {"shapes": [[2, objects]], "optimiser": rates}
    stage["sources"] = config().model_dump(mode="json")["stages"][0]["sources"]
    stage["sources"][0]["objects"] = objects
    done = train(config(stage, start=str(start)), tmp_path / "out")
    before, after = (load_network(file).memory_encoder.conv1.weight for file in (start, done))
    assert torch.equal(before[:, -1], after[:, -1]) == (objects == 1)
    assert not torch.equal(before[:, :-1], after[:, :-1])


def test_a_folder_of_another_training_is_refused(config, tmp_path):
    train(config(), tmp_path)
    with pytest.raises(ValueError, match=r"holds a training with stages\.0\.iterations = 6, not 7"):
        train(config({"iterations": 7}), tmp_path)


def test_a_missing_dataset_is_told_before_anything_runs(config, tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        train(config({"sources": [{"source": "davis", "root": str(tmp_path / "nowhere")}]}), tmp_path / "run")


def test_a_picture_shows_clips_on_the_way(config, tmp_path):
    weights = train(config(picture_every=4), tmp_path / "with")
    assert [path.name for path in (tmp_path / "with/pictures").iterdir()] == ["00000004.png"]
    assert same_weights(weights, train(config(), tmp_path / "without"))


def test_validation_enters_the_log_and_keeps_the_best_weights(config, tmp_path):
    check = {"dataset": {"name": "synthetic"}, "every": 2}
    answers = iter([0.3, 0.5, 0.4])

    def validate(network):
        assert not network.training
        return {"val_J_and_F": next(answers)}

    weights = train(config(validation=check), tmp_path, validate=validate)
    rows = pd.read_parquet(tmp_path / "metrics.parquet")
    assert rows["val_J_and_F"].tolist() == [0.3, 0.5, 0.4]
    facts = read_header(tmp_path / "best.safetensors")[1]
    assert facts["iterations"] == 4 and facts["metrics"] == {"val_J_and_F": 0.5}
    assert facts["training"]["network"] == "tiny" and facts["data"] and "commit" in facts
    assert not same_weights(tmp_path / "best.safetensors", weights)
