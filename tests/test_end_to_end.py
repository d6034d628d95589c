"""A small study through the real command: run, run again, look, render; with a tiny network of random weights."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
import yaml

from qpm.model import build, save_network

ROOT = Path(__file__).resolve().parents[1]


def qpm(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run the installed command as a user would."""
    command = [sys.executable, "-m", "qpm", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=os.environ, timeout=600)


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    """A study of two policies on three videos of eight frames."""
    folder = tmp_path_factory.mktemp("study")
    torch.manual_seed(0)
    weights = save_network(build("tiny"), folder / "tiny.safetensors")
    content = {
        "question": "Does the whole path work?",
        "paper": "Table 2",
        "expect": "numbers near chance: the network is not trained",
        "cost": "seconds",
        "notebook": "evaluate",
        "base": {
            "dataset": {"name": "synthetic", "split": "val", "videos": 3, "frames": 8},
            "weights": str(weights),
            "inference": {"max_side": 96},
        },
        "cases": {"stm": {"policy": "stm"}, "qpm": {"policy": "qpm"}},
        "baseline": "stm",
        "report": ["ablation"],
    }
    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def first_run(study) -> subprocess.CompletedProcess[str]:
    done = qpm("run", study, "--results", study.parent / "results")
    assert done.returncode == 0, done.stderr
    return done


def rows(study: Path) -> pd.DataFrame:
    files = sorted(study.parent.glob("results/small/trials/*/rows.parquet"))
    return pd.concat([pd.read_parquet(file) for file in files])


def written(study: Path) -> dict[str, int]:
    """When each trial's rows were written."""
    files = study.parent.glob("results/small/trials/*/rows.parquet")
    return {path.parent.name: path.stat().st_mtime_ns for path in files}


def test_a_study_fills_the_table_of_every_case(study, first_run):
    found = rows(study)
    assert set(found["case"]) == {"stm", "qpm"}
    assert found.groupby("case")["sequence"].nunique().to_dict() == {"stm": 3, "qpm": 3}
    assert found.loc[found["scored"], "j"].between(0, 1).all()


def test_the_table_is_printed_and_written(study, first_run):
    assert "baseline (STM)" in first_run.stdout and "+ enhancement (QPM)" in first_run.stdout
    written = {path.suffix for path in (study.parent / "results" / "small").iterdir()}
    assert {".md", ".tex", ".csv"} <= written


def test_a_second_run_computes_nothing(study, first_run):
    before = written(study)
    again = qpm("run", study, "--results", study.parent / "results")
    assert again.returncode == 0, again.stderr
    assert written(study) == before
    assert again.stdout == first_run.stdout


def test_status_says_what_is_done_and_why_a_trial_would_run(study, first_run):
    settings = ("--results", study.parent / "results", "--json")
    assert {trial["state"] for trial in json.loads(qpm("status", study, *settings).stdout)} == {"finished"}
    changed = qpm("status", study, *settings, "--set", "base.dataset.frames=7")
    reasons = {trial["why"] for trial in json.loads(changed.stdout)}
    assert all("frames" in reason for reason in reasons)


def test_tables_are_rendered_again_from_the_rows_alone(study, first_run):
    (table,) = (study.parent / "results" / "small").glob("*.md")
    before = table.read_bytes()
    table.unlink()
    done = qpm("render", study, "--results", study.parent / "results")
    assert done.returncode == 0, done.stderr
    assert table.read_bytes() == before


def test_a_video_of_ones_own_is_segmented(study, tmp_path):
    from qpm import images
    from qpm.datasets.synthetic import SyntheticConfig

    video = SyntheticConfig(split="val", videos=1, frames=4).open()[0]
    (tmp_path / "frames").mkdir()
    for index, name in enumerate(video.frame_names):
        images.write_frame(tmp_path / "frames" / f"{name}.jpg", video.read_frame(index))
    images.write_labels(tmp_path / "first.png", video.given(0))
    overlay = tmp_path / "look.mp4"
    done = qpm(
        *("segment", tmp_path / "frames", "--mask", tmp_path / "first.png", "--out", tmp_path / "out"),
        *(
            "--weights",
            study.parent / "tiny.safetensors",
            "--overlay",
            overlay,
            "--max-side",
            96,
            "--save-probabilities",
        ),
    )
    assert done.returncode == 0, done.stderr
    masks = sorted((tmp_path / "out").glob("*.png"))
    assert [path.stem for path in masks] == list(video.frame_names)
    assert images.read_labels(masks[-1]).shape == video.size
    assert len(list((tmp_path / "out" / "probabilities").glob("*.npz"))) == 4
    assert overlay.stat().st_size > 0
