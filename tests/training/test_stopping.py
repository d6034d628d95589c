"""Nothing is lost: signals save and stop, a killed process goes on exactly, a full disk loses no checkpoint."""

import os
import resource
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pandas as pd
import pytest
import yaml
from safetensors.torch import load_file

from qpm.training import stopping
from qpm.training.checkpoint import checkpoints, load_state, save_state
from qpm.training.config import TrainConfig
from qpm.training.log import TIMES
from qpm.training.loop import train
from qpm.training.stopping import Stopped

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@pytest.fixture
def study(settings, tmp_path):
    """A study of one training, as a file."""
    path = tmp_path / "small.yaml"
    words = {"question": "q", "paper": "p", "expect": "e", "cost": "c", "notebook": "train"}
    training = settings({"iterations": 8}, checkpoint_every=2, log_every=1)
    path.write_text(yaml.safe_dump({**words, "base": {"training": training}}), encoding="utf-8")
    return path


@contextmanager
def no_file_beyond(size):
    """As on a full disk: no file may grow beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_saves_and_stops(config, tmp_path, number, code):
    before = signal.getsignal(number)

    def ask(done, total, measures):
        os.kill(os.getpid(), number)

    with pytest.raises(Stopped, match="after 2 of 6 iterations") as stopped:
        train(config(checkpoint_every=100), tmp_path, ask)
    assert stopped.value.exit_code == code and signal.getsignal(number) == before
    assert load_state(tmp_path)["done"] == 2


def test_a_repeated_signal_is_the_same_request_and_a_later_one_stops_at_once(config, tmp_path, monkeypatch):
    def ask_twice(done, total, measures):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)  # as `timeout` does: to its child, then to the child's group

    with pytest.raises(Stopped, match="after 2 of 6 iterations"):
        train(config(), tmp_path / "repeated", ask_twice)
    monkeypatch.setattr(stopping, "SAME", 0)
    with pytest.raises(KeyboardInterrupt) as stopped:
        train(config(), tmp_path / "later", ask_twice)
    assert not isinstance(stopped.value, Stopped) and load_state(tmp_path / "later") is None


def test_a_checkpoint_is_written_after_so_many_minutes(config, tmp_path, monkeypatch):
    clock, ahead, kept = time.monotonic, [0.0], []
    monkeypatch.setattr(time, "monotonic", lambda: clock() + ahead[0])

    def minutes_pass(done, total, measures):
        kept.append([path.stem for path in checkpoints(tmp_path)])
        ahead[0] += 60 * (9 if done == 2 else 4)  # with the checkpoint after 2 the time begins anew

    train(config(log_every=1, checkpoint_every=100, checkpoint_minutes=10, keep=9), tmp_path, minutes_pass)
    assert kept == [[], [], ["00000002"], ["00000002"], ["00000002"], ["00000002", "00000005"]]


def test_a_signal_to_the_whole_group_is_the_trainings_to_answer(study, tmp_path):
    """A batch system ends every process of a job at once, those that prepare clips too."""
    settings = ["--set", "base.training.workers=1", "--set", "stages.0.iterations=100000"]
    command = [sys.executable, "-m", "qpm", "train", str(study), *settings, "--out", str(tmp_path / "out")]
    run = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while not checkpoints(tmp_path / "out") and run.poll() is None:
        time.sleep(0.01)
    os.killpg(run.pid, signal.SIGTERM)
    _, told = run.communicate(timeout=60)
    assert run.returncode == 143 and "stopped by SIGTERM" in told and "it can go on" in told


def test_a_stage_whose_end_met_a_stop_still_leaves_its_weights(settings, tmp_path):
    stage = settings({"iterations": 2})["stages"][0]
    config = TrainConfig.model_validate(settings(stages=[stage, stage]))

    def ask(done, total, measures):
        if done == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Stopped, match="after 2 of 4"):
        train(config, tmp_path / "stopped", ask)
    assert not (tmp_path / "stopped/stage-0.safetensors").exists()
    for name in ("stopped", "straight"):
        train(config, tmp_path / name)
    one, other = (load_file(str(tmp_path / name / "stage-0.safetensors")) for name in ("stopped", "straight"))
    assert all(one[name].equal(other[name]) for name in one)


def test_a_log_that_finds_no_room_is_told_like_a_checkpoint(config, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError("Error writing bytes to file")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", full)
    with pytest.raises(OSError, match=r"cannot write .*metrics\.parquet \(Error writing bytes to file\): make room"):
        train(config(), tmp_path)


def test_best_weights_and_pictures_that_find_no_room_are_told_like_a_checkpoint(config, tmp_path):
    check = {"dataset": {"name": "synthetic"}, "every": 4}
    for what, changes in (("best.safetensors", {"validation": check}), ("pictures/00000004.png", {"picture_every": 4})):
        out = tmp_path / what[:4]
        with pytest.raises(OSError) as told, no_file_beyond(20_000):  # room for a log, but for no weights
            train(config(checkpoint_every=100, **changes), out, validate=lambda network: {"val_J_and_F": 0.5})
        assert f"cannot write {out / what} (" in str(told.value) and "): make room" in str(told.value)


def test_a_training_may_go_on_in_another_precision_and_says_so(config, tmp_path, caplog):
    with pytest.raises(Stopped):
        train(config(), tmp_path, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    train(config(precision="bf16"), tmp_path)
    assert "begun in 32-true and goes on in bf16-mixed" in caplog.text


def test_a_killed_training_goes_on_bit_for_bit(study, tmp_path):
    command = [sys.executable, "-m", "qpm", "train", str(study), "--out"]
    killed = subprocess.Popen([*command, str(tmp_path / "killed")], cwd=ROOT, stderr=subprocess.DEVNULL)
    while not checkpoints(tmp_path / "killed") and killed.poll() is None:
        time.sleep(0.01)
    killed.kill()
    assert killed.wait() == -signal.SIGKILL
    assert not (tmp_path / "killed/weights.safetensors").exists()
    for name in ("killed", "straight"):
        subprocess.run([*command, str(tmp_path / name)], cwd=ROOT, check=True, capture_output=True)
    one, other = (load_file(str(tmp_path / name / "weights.safetensors")) for name in ("killed", "straight"))
    apart = {name: float((one[name] - other[name]).abs().max()) for name in one if not one[name].equal(other[name])}
    assert not apart
    logs = [pd.read_parquet(tmp_path / name / "metrics.parquet") for name in ("killed", "straight")]
    pd.testing.assert_frame_equal(*(log.drop(columns=list(TIMES)) for log in logs))


def test_a_full_disk_is_told_and_loses_no_checkpoint(tmp_path):
    save_state(tmp_path, 1, {"done": 1}, keep=1)
    told = r"cannot write .*checkpoints/00000002\.pt .*; checkpoint 00000001\.pt is kept: make room"
    with pytest.raises(OSError, match=told), no_file_beyond(10_000):
        save_state(tmp_path, 2, {"done": 2, "padding": list(range(100_000))}, keep=1)
    assert load_state(tmp_path) == {"done": 1}
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["00000001.pt"]


def test_a_new_checkpoint_is_not_given_up_for_a_damaged_one_of_a_later_iteration(tmp_path):
    for done in (1, 2):
        save_state(tmp_path, done, {"done": done}, keep=2)
    (tmp_path / "checkpoints/00000009.pt").write_bytes(b"half a file")
    save_state(tmp_path, 3, {"done": 3}, keep=1)
    assert load_state(tmp_path) == {"done": 3}
    assert [path.stem for path in checkpoints(tmp_path)] == ["00000003", "00000009"]


def test_a_damaged_log_does_not_keep_a_training_from_going_on(config, tmp_path, caplog):
    with pytest.raises(Stopped):
        train(config(), tmp_path, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    (tmp_path / "metrics.parquet").write_bytes(b"half a file")
    train(config(), tmp_path)
    assert "metrics.parquet is damaged, as by a crash of the machine; it begins anew" in caplog.text
    assert pd.read_parquet(tmp_path / "metrics.parquet")["iteration"].tolist() == [4, 6]
