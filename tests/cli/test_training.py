"""`qpm train`: which training of a study, and what is told on the way."""

import io
import json
import signal
from functools import partial

import pytest
import yaml
from rich.console import Console
from typer.testing import CliRunner

from qpm.cli import app
from qpm.cli import training as command
from qpm.training.stopping import Stopped

WORDS = {"question": "q", "paper": "p", "expect": "e", "cost": "c", "notebook": "train"}
STAGE = {"sources": [{"source": "synthetic", "videos": 1}]}


@pytest.fixture
def study(tmp_path):
    path = tmp_path / "two.yaml"
    base = {"training": {"network": "tiny", "start": "scratch", "stages": [STAGE]}}
    path.write_text(yaml.safe_dump({**WORDS, "base": base, "cases": {"a": {}, "b": {}}}), encoding="utf-8")
    return path


def test_one_training_must_be_chosen(study, tmp_path):
    done = CliRunner().invoke(app, ["train", str(study), "--out", str(tmp_path / "out")])
    assert done.exit_code == 2 and not (tmp_path / "out").exists()
    assert "2 trainings fit; choose one of: --case a --seed 0, --case b --seed 0" in done.output
    done = CliRunner().invoke(app, ["train", str(study), "--case", "c", "--out", str(tmp_path / "out")])
    assert done.exit_code == 2 and "0 trainings fit" in done.output


def test_a_setting_that_cannot_be_is_told_in_the_words_of_the_file(study, tmp_path):
    done = CliRunner().invoke(app, ["train", str(study), "--out", str(tmp_path), "--set", "stages.0.iteratons=5"])
    assert done.exit_code == 2
    assert "training.stages.0: unknown key 'iteratons'; did you mean 'iterations'?" in done.output


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_stop_ends_in_its_signals_exit_code_and_a_record(study, tmp_path, monkeypatch, number, code):
    def stopped(*_, **__):
        raise Stopped(number, 20, 100)

    monkeypatch.setattr("qpm.study.train.train", stopped)
    done = CliRunner().invoke(app, ["train", str(study), "--case", "a", "--out", str(tmp_path / "out")])
    assert done.exit_code == code and "after 20 of 100 iterations; it can go on" in done.output
    assert json.loads((tmp_path / "out/run.json").read_text())["status"] == "killed"


def test_a_narrow_terminal_has_room_for_iterations_time_left_and_measures(monkeypatch):
    now, screen = [0.0], io.StringIO()
    terminal = partial(Console, file=screen, force_terminal=True, width=80, get_time=lambda: now[0])
    monkeypatch.setattr("rich.console.Console", lambda stderr: terminal())
    row = dict.fromkeys(["loss", "iou", "score_correlation", "rate", "clips_per_second", "data_wait"], 0.5)
    with command.shown("half") as tell:
        for done in (500, 510, 520):  # rows that are minutes apart
            tell(done, 1000, row)
            now[0] += 120
    end = screen.getvalue()[screen.getvalue().rindex("half") :]
    assert "520/1000" in end and "1:36:00" in end
    assert "loss 0.500, IoU 0.500, score rho 0.50, rate 0.5, 0.5 clips/s, data wait 50%" in end


def test_lines_tell_the_measures_and_the_time_left_from_this_processs_own_speed(monkeypatch, capsys):
    clock = iter([0.0, 10.0, 40.0, 100.0])
    monkeypatch.setattr(command.time, "monotonic", lambda: next(clock))
    tell = command._lines("half")
    for done in (500, 510, 530):  # 500 iterations were there before
        tell(done, 1030, {"loss": 0.5, "iou": float("nan"), "data_wait": 0.021})
    assert capsys.readouterr().err.splitlines() == [
        "half: iteration 510 of 1030, loss 0.500, data wait 2%, about 35 min left",
        "half: iteration 530 of 1030, loss 0.500, data wait 2%, about 28 min left",
    ]
