"""Two processes that train together stop together, whatever meets one of them, and lose nothing."""

import logging
import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pandas as pd
from safetensors.torch import load_file

from qpm.training import run
from qpm.training.checkpoint import load_state
from qpm.training.clip_model import ClipModel
from qpm.training.config import TrainConfig
from qpm.training.log import TIMES
from qpm.training.loop import train
from qpm.training.stage import Stage
from qpm.training.stopping import Stopped
from tests.training.pair import in_two_processes

SMALL = {"size": 32, "shapes": [[1, 1]]}


def stopped_and_resumed(rank: int, settings: dict[str, Any], folder: Path) -> dict[str, Any]:
    """A training, and one whose second process alone gets a signal after 7 iterations, while the first saves slowly."""
    config, asked = TrainConfig.model_validate(settings), []

    def validate(network):
        asked.append(rank)
        return {"val_J_and_F": len(asked) / 10}

    train(config, folder / "straight", validate=validate)
    asked.clear()
    attend, save = Stage.attend, run.save_state

    def signalled(stage, last):
        if rank == 1 and stage.training.done == 7:
            os.kill(os.getpid(), signal.SIGTERM)
        attend(stage, last)

    def slowly(*arguments):
        time.sleep(0.3)
        return save(*arguments)

    Stage.attend, run.save_state = signalled, slowly
    try:
        train(config, folder / "stopped", validate=validate)
    except Stopped as error:
        told, seen = str(error), load_state(folder / "stopped")
    Stage.attend = attend
    train(config, folder / "stopped", validate=validate)
    return {"told": told, "saved": seen and seen["done"], "asked": asked}


def test_a_signal_to_one_process_stops_both_and_they_go_on_bit_for_bit(settings, tmp_path):
    validation = {"dataset": {"name": "synthetic"}, "every": 4}
    changes = {"validation": validation, "log_every": 4, "checkpoint_every": 100}
    first, second = in_two_processes(stopped_and_resumed, settings({"iterations": 12, **SMALL}, **changes), tmp_path)
    assert first["told"] == second["told"] == "stopped by SIGTERM after 7 of 12 iterations; it can go on"
    assert first["saved"] == second["saved"] == 7  # nobody ends, and has a launcher kill the rest, before it is saved
    assert (first["asked"], second["asked"]) == ([0] * 3, [])
    one, other = (load_file(str(tmp_path / name / "weights.safetensors")) for name in ("straight", "stopped"))
    assert all(one[name].equal(other[name]) for name in one)
    logs = [pd.read_parquet(tmp_path / name / "metrics.parquet") for name in ("straight", "stopped")]
    pd.testing.assert_frame_equal(*(log.drop(columns=list(TIMES)) for log in logs))


def spoilt(rank: int, settings: dict[str, Any], folder: Path) -> None:
    """A training in which the fifth batch of the second process gives no finite loss."""
    forward, seen = ClipModel.forward, []

    def spoil(model, *arguments):
        seen.append(rank)
        measures = forward(model, *arguments)
        return measures | {"loss": measures["loss"] * float("nan")} if seen == [1] * 5 else measures

    ClipModel.forward = spoil
    train(TrainConfig.model_validate(settings), folder)


def test_a_loss_that_is_not_finite_in_one_process_ends_both_with_its_name_and_batch(settings, tmp_path):
    told = in_two_processes(spoilt, settings({"accumulate": 2, **SMALL}), tmp_path)  # no gradient tells the first of it
    assert told[0] == told[1]
    assert told[0].startswith("FloatingPointError: loss is nan in stage 0, iteration 2 (clips of ")
    assert told[0].endswith(f"the batch is in {tmp_path / 'bad_batch-00000002-1.npz'}")
    assert [path.name for path in tmp_path.glob("bad_batch*")] == ["bad_batch-00000002-1.npz"]


def passing_over(rank: int, settings: dict[str, Any], folder: Path) -> tuple[list[str], list[str]]:
    """What a process meets, and what it says of that."""
    said, met, note = [], [], run.PassedOver.note
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())
    logging.getLogger("qpm").addHandler(handler)

    def noted(passed, names):
        met.extend(names)
        note(passed, names)

    run.PassedOver.note = noted
    train(TrainConfig.model_validate(settings), folder)
    return met, said


def test_broken_images_are_counted_over_both_processes_and_told_once(settings, root, tmp_path):
    copy = shutil.copytree(root, tmp_path / "davis")
    for path in (copy / "JPEGImages/240p/left").iterdir():
        if path.stem != "00000":  # its header gives the size
            path.write_bytes(b"not a picture")
    stage = {"sources": [{"source": "davis", "root": str(copy), "resolution": "240p"}], **SMALL}
    (met, said), (met_there, said_there) = in_two_processes(passing_over, settings(stage), tmp_path / "out")
    named = [sum("passed over: " in line for line in lines) for lines in (said, said_there)]
    assert min(named) > 0 and all(line.startswith("process 1: passed over: ") for line in said_there)
    counts = [line for line in said if line.startswith("broken images: ")]
    assert sum(int(line.split()[-2]) for line in counts) == len(met) + len(met_there)


def elsewhere(rank: int, settings: dict[str, Any], folder: Path) -> None:
    """A training that goes on, but whose second process has another folder."""
    config = TrainConfig.model_validate(settings)
    train(config, folder / "0")
    train(config, folder / str(rank))


def test_processes_that_find_different_checkpoints_do_not_begin(settings, tmp_path):
    told = in_two_processes(elsewhere, settings({"iterations": 1, **SMALL}), tmp_path)
    needs = "ValueError: the processes, which need the same files, find different checkpoints in"
    assert told == [f"{needs} {tmp_path / str(rank)}: 1, None" for rank in range(2)]


def each_with_its_own(rank: int, settings: list[dict[str, Any]], folder: Path) -> None:
    """A training on machines with copies of the data that differ."""
    train(TrainConfig.model_validate(settings[rank]), folder)


def test_processes_that_find_different_data_do_not_begin(settings, root, tmp_path):
    copy = shutil.copytree(root, tmp_path / "davis")
    (copy / "ImageSets/2016/train.txt").write_text("left\n")
    sources = [[{"source": "davis", "root": str(place), "resolution": "240p"}] for place in (root, copy)]
    told = in_two_processes(each_with_its_own, [settings({"sources": each}) for each in sources], tmp_path / "out")
    assert told[0] == told[1]
    assert told[0].endswith("find different numbers of videos and images for stage 0: 2, 1")
