"""The explorer without a browser: what its widgets offer, and what a click shows."""

import json

import numpy as np
import pytest
import torch
from matplotlib.backend_bases import MouseEvent

from qpm.explore import Explorer
from qpm.explore.explorer import _studies
from qpm.model import build, save_network
from qpm.rows import write_rows
from qpm.study.config import TrialConfig
from qpm.study.evaluate import evaluate

FRAMES = 8


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """``results/one`` with two cases on two short videos, and ``results/other`` beside it."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("explore")
    weights = save_network(build("tiny"), folder / "tiny.safetensors")
    for name, case in (("one", "stm"), ("one", "qpm"), ("other", "stm")):
        dataset = {"name": "synthetic", "split": "val", "videos": 2, "frames": FRAMES}
        settings = {"study": name, "case": case, "policy": case, "dataset": dataset, "weights": str(weights)}
        trial = TrialConfig.model_validate(settings | {"inference": {"max_side": 96}})
        target = folder / "results" / name / "trials" / f"{case}-0"
        write_rows(target / "rows.parquet", evaluate(trial))
        (target / "trial.json").write_text(json.dumps({"status": "finished", "config": trial.settings()}))
    return folder / "results" / "one"


@pytest.fixture(scope="module")
def explorer(study):
    return Explorer(study, case="qpm", frame=6)


def click(explorer, x, y):
    """What the browser reports of a click at these pixels of the canvas."""
    event = MouseEvent("button_press_event", explorer.canvas, x, y, 1)
    explorer.canvas.callbacks.process("button_press_event", event)


def test_studies_cases_videos_and_objects_are_offered(explorer, study):
    assert explorer.study.options == ("one", "other") and _studies(study) == ["one", "other"]
    assert explorer.case.options == ("qpm", "stm") and len(explorer.sequence.options) == 2
    assert explorer.object.value in explorer.replay.video.object_ids
    assert (explorer.frame.min, explorer.frame.max, explorer.frame.value) == (0, FRAMES - 1, 6)


def test_a_click_moves_the_pixel_and_shows_where_it_read(explorer):
    explorer.pick(0, 0)
    corner = explorer.view()
    explorer.canvas.draw()
    row, column = (side * 3 // 4 for side in explorer.replay.video.size)
    click(explorer, *explorer.figure.axes[0].transData.transform((column + 0.2, row - 0.3)))
    assert (explorer.row.value, explorer.column.value) == (row, column)
    clicked = explorer.view()
    assert clicked.entries["read"].sum() == pytest.approx(1, abs=1e-5)
    assert any(not np.array_equal(clicked.affinity[f], corner.affinity.get(f)) for f in clicked.affinity)


def test_a_click_beside_the_frame_does_nothing(explorer):
    before = explorer.row.value, explorer.column.value
    click(explorer, 1, 1)
    click(explorer, *explorer.figure.axes[1].transData.transform((5, 5)))
    assert (explorer.row.value, explorer.column.value) == before


def test_the_line_of_words_tells_what_the_rows_tell(explorer):
    rows = explorer.results.rows
    own = rows[(rows.case == "qpm") & (rows.sequence == explorer.sequence.value) & (rows.frame_index == 6)]
    own = own[own.object_id == explorer.object.value]
    assert f"score {own.score.iloc[0]:.2f}, true IoU {own.iou_true.iloc[0]:.2f}" in explorer.status.value
    assert f"prior: mask of frame {own.prior_frame.iloc[0]}" in explorer.status.value


def test_another_case_keeps_the_video_and_the_masks_of_the_replay_are_those_of_the_trial(explorer):
    explorer.sequence.value = explorer.sequence.options[1]
    explorer.case.value = "stm"
    assert explorer.sequence.value == explorer.sequence.options[1]
    assert explorer.view().gate is None and "no prior" in explorer.status.value
    explorer.study.value = "other"
    assert explorer.case.options == ("stm",)


def test_on_the_first_frame_there_is_nothing_to_read(explorer):
    explorer.frame.value = explorer.frame.min
    view = explorer.view()
    assert view.entries.empty and view.affinity == {}
    assert any("nothing was read" in text.get_text() for ax in explorer.figure.axes for text in ax.texts)


def test_one_choice_runs_one_replay(explorer, monkeypatch):
    made, replay = [], explorer._replay
    monkeypatch.setattr(explorer, "_replay", lambda: made.append(explorer.case.value) or replay())
    explorer.study.value = "one"
    explorer.case.value = next(case for case in explorer.case.options if case != explorer.case.value)
    assert made == list(explorer.case.options)
