"""Nothing is lost: signals save and stop, a killed process goes on exactly, a full disk loses no checkpoint."""

import os
import resource
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
import yaml
from safetensors.torch import load_file

from qpm.training.checkpoint import checkpoints, load_state, save_state
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


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_saves_and_stops(config, tmp_path, number, code):
    before = signal.getsignal(number)

    def ask(done, total, measures):
        os.kill(os.getpid(), number)

    with pytest.raises(Stopped, match="after 2 of 6 iterations") as stopped:
        train(config(checkpoint_every=100), tmp_path, ask)
    assert stopped.value.exit_code == code and signal.getsignal(number) == before
    assert load_state(tmp_path)["done"] == 2


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
    assert all(one[name].equal(other[name]) for name in one)
    logs = [pd.read_parquet(tmp_path / name / "metrics.parquet") for name in ("killed", "straight")]
    pd.testing.assert_frame_equal(*(log.drop(columns=list(TIMES)) for log in logs))


def test_a_full_disk_is_told_and_loses_no_checkpoint(tmp_path):
    save_state(tmp_path, 1, {"done": 1}, keep=1)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))  # no file may grow beyond: as on a full disk
    try:
        told = r"cannot write checkpoint .*00000002\.pt .*; 00000001\.pt is kept: make room"
        with pytest.raises(OSError, match=told):
            save_state(tmp_path, 2, {"done": 2, "padding": list(range(100_000))}, keep=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert load_state(tmp_path) == {"done": 1}
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["00000001.pt"]
