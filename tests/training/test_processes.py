"""Two processes that train together give what one process gives with twice the batch."""

import os
import subprocess
import sys

import pytest
import torch
import yaml
from safetensors.torch import load_file

from qpm.training.checkpoint import load_state

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WORDS = {"question": "q", "paper": "p", "expect": "e", "cost": "c", "notebook": "train"}


@pytest.fixture
def study(settings, tmp_path):
    """Clips a process -> a study of a training of two iterations."""

    def write(clips):
        path = tmp_path / f"clips{clips}.yaml"
        stage = {"shapes": [[clips, 1]], "iterations": 2, "loss": {"prior": "random", "prior_dropped": 0.5}}
        training = settings(stage, seed=0, log_every=1)
        path.write_text(yaml.safe_dump({**WORDS, "base": {"training": training}}), encoding="utf-8")
        return str(path)

    return write


def first_moments(folder):
    """A running mean of the gradients."""
    state = load_state(folder)["optimizer"]["state"]
    return torch.cat([entry["exp_avg"].flatten() for entry in state.values()])


def test_two_processes_are_one_with_twice_the_batch(study, tmp_path):
    together = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "qpm"]
    for launcher, clips in ((together, 1), (["-m", "qpm"], 2)):
        command = [sys.executable, *launcher, "train", study(clips), "--out", str(tmp_path / f"out{clips}")]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr[-2000:]
        assert done.stderr.count("global batch 2 clips of 1 object;") == 1  # only the first process speaks
    two, one = (first_moments(tmp_path / f"out{clips}") for clips in (1, 2))
    assert torch.allclose(two, one, rtol=1e-3, atol=1e-6)
    two, one = (load_file(str(tmp_path / f"out{clips}/weights.safetensors")) for clips in (1, 2))
    two, one = (torch.cat([value.flatten() for value in weights.values()]) for weights in (two, one))
    assert float((two - one).norm() / one.norm()) < 1e-3
