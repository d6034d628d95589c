"""A validation in the middle of a training measures what an evaluation would."""

import pytest
import torch

from qpm.metrics import summary
from qpm.model import build, save_network
from qpm.study.config import TrialConfig
from qpm.study.evaluate import evaluate
from qpm.study.train import TrainTrial, train
from qpm.study.validate import validation
from qpm.training.config import ValidationConfig

VIDEOS = {"name": "synthetic", "split": "val", "videos": 2, "frames": 5}


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return build("tiny").eval()


def test_it_measures_what_an_evaluation_measures(network, tmp_path):
    check = ValidationConfig.model_validate({"dataset": VIDEOS, "policy": "stm", "max_side": 96})
    found = validation(check, "32")(network)
    weights = save_network(network, tmp_path / "tiny.safetensors")
    trial = {"study": "s", "case": "c", "dataset": VIDEOS, "weights": str(weights), "policy": "stm"}
    rows = evaluate(TrialConfig.model_validate(trial | {"inference": {"max_side": 96, "precision": "32"}}))
    scores = summary.davis(rows)
    assert found["val_J_and_F"] == pytest.approx(scores["J&F"]) and found["val_F"] == pytest.approx(scores["F_mean"])
    judged = rows[rows.scored & ~rows.annotated & ~((rows.j == 1) & ~rows.present.astype(bool))]
    expected = judged[["score", "j"]].corr("spearman").iloc[0, 1]
    assert found["val_score_spearman"] == pytest.approx(expected)
    assert set(found) == {"val_J_and_F", "val_J", "val_F", "val_score_spearman", "val_score_raw_spearman"}


def test_a_training_validates_at_its_end(tmp_path):
    stage = {"sources": [{"source": "synthetic", "videos": 1}], "size": 64, "shapes": [[1, 1]], "iterations": 1}
    check = {"dataset": VIDEOS | {"videos": 1}, "max_side": 96, "every": 100}
    training = {"network": "tiny", "start": "scratch", "stages": [stage], "workers": 0, "validation": check}
    trial = TrainTrial.model_validate({"study": "s", "case": "c", "training": training})
    told = []
    train(trial, tmp_path, tell=lambda *row: told.append(row))
    (last,) = told
    assert last[:2] == (1, 1) and 0 <= last[2]["val_J_and_F"] <= 1 and (tmp_path / "best.safetensors").is_file()
    assert set(trial.fingerprints()) == {"0.synthetic#0", "validation"}
