"""Every notebook runs from its first cell to its last, on three short videos and a tiny network of random weights."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from qpm.model import build, save_network
from qpm.rows import write_rows
from qpm.study.config import TrialConfig
from qpm.study.evaluate import evaluate
from qpm.study.execute import execute

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
VIDEOS = {"name": "synthetic", "split": "val", "videos": 3, "frames": 6}
CASES = {"stm": "stm", "quality_gated": "quality_gated", "qpm": "qpm"}
GRID = {f"sigma_m={sigma}": {"preset": "qpm", "keep": {"sigma_m": sigma}} for sigma in (0.5, 0.9)}


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    torch.manual_seed(0)
    return save_network(build("tiny"), tmp_path_factory.mktemp("weights") / "tiny.safetensors")


@pytest.fixture(scope="module")
def results(weights, tmp_path_factory) -> Path:
    """Two studies as their trials leave them: one of policies, one of a threshold."""
    folder = tmp_path_factory.mktemp("results")
    for study, policies in (("policies", CASES), ("grid", GRID)):
        for case, policy in policies.items():
            measure(folder / study / "trials" / f"{case}-0", settings(study, case, policy, weights))
    return folder


def settings(study: str, case: str, policy: Any, weights: Path) -> dict[str, Any]:
    config = {"study": study, "case": case, "policy": policy, "dataset": VIDEOS, "weights": str(weights)}
    return config | {"inference": {"max_side": 96}}


def measure(folder: Path, config: dict[str, Any]) -> None:
    """What is left of a finished trial."""
    trial = TrialConfig.model_validate(config)
    write_rows(folder / "rows.parquet", evaluate(trial).assign(trial=folder.name))
    record = {"status": "finished", "config": trial.settings(), "started": "2026-01-01T00:00:00Z"}
    (folder / "trial.json").write_text(json.dumps(record), encoding="utf-8")


def parameters(name: str, results: Path, weights: Path, folder: Path) -> dict[str, Any]:
    """What each notebook is given here; a notebook that is not named reads the results of a study."""
    if name == "evaluate":
        return {"config": settings("one", "qpm", "qpm", weights), "folder": str(folder)}
    if name == "train":
        training = {"network": "tiny", "start": "scratch", "sources": [{"source": "synthetic"}], "size": 96}
        training |= {"shapes": [[2, 1]], "iterations": 2, "workers": 0}
        return {"config": {"study": "one", "case": "tiny", "training": training}, "folder": str(folder)}
    return {"study_dir": str(results / ("grid" if name == "thresholds" else "policies"))}


@pytest.mark.parametrize("notebook", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_runs_from_its_first_cell_to_its_last(notebook, results, weights, tmp_path):
    outcome = execute(notebook, tmp_path / "out.ipynb", parameters(notebook.stem, results, weights, tmp_path))
    assert outcome.status == "finished", outcome.reason


def test_the_pages_of_the_method_are_there():
    assert {"train", "evaluate", "ablation", "calibration", "thresholds"} <= {
        p.stem for p in NOTEBOOKS.glob("*.ipynb")
    }
