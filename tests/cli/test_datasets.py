"""`qpm datasets write` as a user meets it: how much it wrote, and the line that uses it, which works."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from qpm.cli import app
from qpm.study.spec import load_study

TRAINING = """
question: Does it read the pack?
paper: none
expect: that it does
cost: nothing
notebook: train
base:
  training:
    network: tiny
    start: scratch
    stages: [{size: 32, iterations: 1, sources: [{source: davis, pasted: distractor}]}]
"""
TINY = ("datasets", "write", "synthetic", "--set", "videos=1", "--set", "frames=3", "--short-side", "48")


def qpm(*arguments: object):
    """Run the `qpm` command inside this process."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def setting(line: str) -> str:
    """The KEY=VALUE of a printed `--set "KEY=VALUE"`."""
    return line.partition('--set "')[2].partition('"')[0]


def test_a_pack_for_training_prints_what_makes_a_training_read_it(tmp_path: Path) -> None:
    result = qpm(*TINY, "--split", "train", "--out", tmp_path / "pack.tar")
    assert result.exit_code == 0, result.stderr
    told, unpack, use = result.stdout.splitlines()
    assert told.startswith("1 videos as 8 files, 0.0 MB, in ")  # 3 frames, 3 masks, the list, the attributes
    assert unpack == f"unpack it: tar -xf {tmp_path / 'pack.tar'} -C /data"
    with tarfile.open(tmp_path / "pack.tar") as archive:
        archive.extractall(tmp_path, filter="data")
    changed = setting(use).replace("/data/", f"{tmp_path}/")
    (tmp_path / "study.yaml").write_text(TRAINING)
    trial = load_study(tmp_path / "study.yaml", [changed]).trials[0]
    source = trial.training.stages[0].sources[0]
    assert len(source.dataset()) == 1 and source.pasted == "distractor"  # its other settings stay


def test_a_folder_for_evaluation_prints_what_makes_a_study_read_it(tmp_path: Path, repository: Path) -> None:
    result = qpm(*TINY, "--out", tmp_path / "own")
    told, use = result.stdout.splitlines()
    assert told.endswith(f"in {tmp_path / 'own'} (davis layout)")
    trial = load_study(repository / "studies/davis.yaml", [setting(use)]).trials[0]
    assert len(trial.dataset.open()) == 1


def test_a_dataset_without_splits_is_written_too(tmp_path: Path) -> None:
    qpm(*TINY, "--out", tmp_path / "own")
    result = qpm(
        "datasets", "write", "folder", "--root", tmp_path / "own", "--split", "train", "--out", tmp_path / "b"
    )
    assert result.exit_code == 0, result.stderr
    assert (tmp_path / "b/ImageSets/2017/train.txt").read_text().count("\n") == 1


@pytest.mark.parametrize(("option", "value"), [("--quality", 0), ("--short-side", 2)])
def test_sizes_that_make_no_picture_are_refused(option: str, value: int, tmp_path: Path) -> None:
    result = qpm("datasets", "write", "synthetic", option, value, "--out", tmp_path / "own")
    assert result.exit_code == 2 and option in result.stderr
