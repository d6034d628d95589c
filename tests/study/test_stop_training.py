"""Stopping a study lets a training write a checkpoint before its kernel ends."""

import os
import signal
import subprocess
import sys
import time

import yaml

from qpm.training.checkpoint import checkpoints, load_state

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def test_a_stopped_study_loses_no_iteration_of_its_training(tmp_path):
    stage = {"sources": [{"source": "synthetic", "videos": 1}], "size": 64, "shapes": [[2, 1]], "iterations": 100_000}
    training = {"network": "tiny", "start": "scratch", "stages": [stage], "workers": 0, "log_every": 1}
    words = {"question": "q", "paper": "p", "expect": "e", "cost": "c", "notebook": "train"}
    study = tmp_path / "long.yaml"
    base = {"training": training | {"checkpoint_every": 10**6}}
    study.write_text(yaml.safe_dump({**words, "base": base, "cases": {"tiny": {}}}), encoding="utf-8")
    command = [sys.executable, "-m", "qpm", "run", str(study), "--results", str(tmp_path / "results")]
    run = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    while not list(tmp_path.glob("results/long/trials/*/progress.json")) and run.poll() is None:
        time.sleep(0.2)
    run.send_signal(signal.SIGINT)
    assert run.wait() == 130
    (folder,) = tmp_path.glob("results/long/trials/tiny-*")
    assert len(checkpoints(folder)) == 1 and load_state(folder)["done"] >= 1
