"""From a set without truth through the loop into a zip that its server accepts."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from qpm import images
from qpm.cli import app
from qpm.model import build, save_network
from qpm.study.config import TrialConfig
from qpm.study.evaluate import evaluate


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """A tiny network of random weights."""
    torch.manual_seed(0)
    return save_network(build("tiny"), tmp_path_factory.mktemp("weights") / "tiny.safetensors")


def test_late_objects_with_gaps_in_their_ids_reach_the_server_s_layout(youtube, weights, tmp_path):
    for path in (youtube.root / "valid").rglob("*.jpg"):
        Image.new("RGB", (16, 12), (len(path.stem) * 40,) * 3).save(path)
    config = {"study": "s", "case": "qpm", "weights": str(weights), "policy": "qpm", "save_masks": True}
    trial = TrialConfig.model_validate(config | {"dataset": youtube.model_dump(mode="json")})
    folder = tmp_path / "trials" / "qpm-0"
    rows = evaluate(trial, masks=folder / "masks")
    assert not rows.scored.any() and rows.j.isna().all()
    first = rows[rows.annotated].set_index("object_id").frame.to_dict()
    assert first == {2: "00000", 5: "00010"}
    (folder / "trial.json").write_text(json.dumps({"config": trial.settings()}))
    arguments = ["export", str(folder), "--format", "youtube-vos", "--out", str(tmp_path / "s.zip")]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    with zipfile.ZipFile(tmp_path / "s.zip") as archive:
        assert len(archive.namelist()) == 3
        with archive.open("Annotations/0a1b/00010.png") as stream:
            given = images.read_labels(youtube.root / "valid" / "Annotations" / "0a1b" / "00010.png")
            written = np.asarray(Image.open(stream))
            assert (written[given == 5] == 5).all()
