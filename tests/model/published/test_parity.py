"""Published weights, converted and run through the loop, give what the original programs gave."""

from functools import cache

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from qpm.cli import app
from qpm.datasets.video import Video
from qpm.inference import propagate
from qpm.memory import MemoryPolicy
from qpm.model import PRESETS, load_network, read_header
from qpm.model.published.source import sha256

POLICY = {"mivos": "stm", "stm": "stm", "qdmn": "qdmn"}
FIRST, LATER = 2e-3, 2e-2  # what rounding may do; measured: 5e-6 on every frame


@pytest.fixture(scope="module")
def converted(published):
    """Converts on the first request; the source's digest stays when the source goes."""

    @cache
    def of(kind):
        source = published(kind)
        out = source.with_suffix(".safetensors")
        result = CliRunner().invoke(app, ["convert", str(source), "--from", kind, "--out", str(out)])
        assert result.exit_code == 0, result.output
        digest = sha256(source)
        source.unlink()
        return out, digest

    return of


def video_of(answer):
    frames, labels = answer["frames"], answer["labels"]
    ids = tuple(int(value) for value in np.unique(labels) if value)
    names = tuple(f"{index:05d}" for index in range(len(frames)))
    return Video(
        "reference", "a", names, labels.shape, ids, dict.fromkeys(ids, 0), frames.__getitem__, {0: labels}.get
    )


@pytest.mark.parametrize("kind", POLICY)
def test_soft_maps_and_scores_are_those_of_the_original_program(kind, converted, answers):
    answer = answers(kind)
    network = load_network(converted(kind)[0])
    policy = MemoryPolicy.model_validate(POLICY[kind])
    for result in propagate(network, video_of(answer), policy, keep_probabilities=True):
        difference = np.abs(result.probabilities.numpy() - answer["probabilities"][result.index])
        assert difference.max() < (FIRST if result.index <= 1 else LATER), f"frame {result.index}"
        if "score_raw" in answer:
            expected = answer["score_raw"][result.index]
            assert result.signals["score_raw"] == pytest.approx(expected, abs=FIRST), f"frame {result.index}"


@pytest.mark.parametrize("kind", POLICY)
def test_the_header_tells_network_and_source(kind, converted):
    path, digest = converted(kind)
    config, facts = read_header(path)
    assert config == PRESETS[kind]
    assert facts == {"source": {"kind": kind, "file": f"{kind}.pth", "sha256": digest}}


def test_the_command_saves_the_same_soft_maps(converted, answers, tmp_path):
    answer = answers("stm")
    frames = tmp_path / "frames"
    frames.mkdir()
    for index, frame in enumerate(answer["frames"]):
        Image.fromarray(frame).save(frames / f"{index:05d}.png")
    Image.fromarray(answer["labels"]).save(tmp_path / "mask.png")
    arguments = ["segment", frames, "--mask", tmp_path / "mask.png", "--out", tmp_path / "out"]
    arguments += [
        "--weights",
        converted("stm")[0],
        "--policy",
        "stm",
        "--save-probabilities",
        "--device",
        "cpu",
    ]
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    for index, expected in enumerate(answer["probabilities"]):
        with np.load(tmp_path / "out" / "probabilities" / f"{index:05d}.npz") as saved:
            difference = np.abs(saved["probabilities"] - expected)
        assert difference.max() < (FIRST if index <= 1 else LATER), f"frame {index}"
