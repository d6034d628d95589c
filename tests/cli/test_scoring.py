"""`qpm score` and `qpm compare` as a user meets them: numbers, the rules behind them, and what differs most."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from qpm import images
from qpm.cli import app

SEEN, UNSEEN = {"category": "dog"}, {"category": "wombat"}


def qpm(*arguments: object):
    """Run the `qpm` command inside this process."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def folders(tmp_path) -> Path:
    """Truth of two videos with two objects, a copy of it, and masks that lost object 1 in one frame of the second."""
    for name in ("truth", "copy", "worse"):
        for video in ("a", "b"):
            for index in range(5):
                labels = np.zeros((20, 20), np.uint8)
                labels[2:9, 2:9], labels[11:18, 11:18] = 1, 2
                if (name, video, index) == ("worse", "b", 2):
                    labels[labels == 1] = 0
                path = tmp_path / name / video / f"{index:05d}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                images.write_labels(path, labels)
    listed = {"1": SEEN, "2": UNSEEN}
    frames = [f"{index:05d}" for index in range(5)]
    objects = {key: entry | {"frames": frames} for key, entry in listed.items()}
    meta = {"videos": dict.fromkeys("ab", {"objects": objects})}
    (tmp_path / "meta.json").write_text(json.dumps(meta))
    return tmp_path


def test_frames_go_to_the_json_and_to_a_table_beside_it(folders):
    request = ("score", "--gt", folders / "truth", "--pred", folders / "copy", "--protocol", "davis2017")
    result = qpm(*request, "--per-frame", "--json", folders / "out.json")
    assert result.exit_code == 0, result.stderr
    frames = json.loads((folders / "out.json").read_text())["frames"]
    rows = pd.read_parquet(folders / "out.parquet")
    assert len(frames) == len(rows) == 2 * 2 * 3
    assert "needs --json" in qpm(*request, "--per-frame").stderr


@pytest.mark.parametrize(
    ("switches", "told"),
    [
        ((), "is left out, the last is scored"),
        (("--keep-first",), "is scored, the last is scored"),
        (("--leave-out-last",), "is left out, the last is left out"),
    ],
)
def test_both_ends_are_printed_as_they_were_chosen(folders, switches, told):
    request = ("score", "--gt", folders / "truth", "--pred", folders / "worse", "--protocol", "youtube-vos")
    result = qpm(*request, *switches)
    assert result.exit_code == 0, result.stderr
    assert f"the first of each object, whose mask is given, {told}" in result.stdout
    assert "not the servers' program" in result.stdout


def test_a_protocol_that_fixes_its_ends_refuses_the_switches(folders):
    request = ("score", "--gt", folders / "truth", "--pred", folders / "copy", "--protocol", "davis2017")
    assert "the first of each sequence is left out" in qpm(*request).stdout
    refused = qpm(*request, "--keep-first")
    assert refused.exit_code == 2 and "only youtube-vos has these switches" in refused.stderr


def test_comparing_names_the_sequence_that_differs(folders):
    result = qpm(
        "compare", folders / "copy", folders / "worse", "--gt", folders / "truth", "--protocol", "davis2017"
    )
    assert result.exit_code == 0, result.stderr
    assert "worse - copy" in result.stdout
    words = [line.split() for line in result.stdout.splitlines() if line.startswith("worse - copy")]
    # one of two objects is lost in one of three scored frames
    assert ["worse", "-", "copy", "b", "0.8333", "1.0000", "-0.1667"] in words
    assert "no difference can be significant" in result.stderr


def test_folders_that_do_not_hold_the_same_sequences_are_not_compared(folders):
    for path in (folders / "worse" / "b").iterdir():
        path.unlink()
    result = qpm(
        "compare", folders / "copy", folders / "worse", "--gt", folders / "truth", "--protocol", "davis2017"
    )
    assert result.exit_code == 2
    assert "sequence 'b' is not in every folder" in result.stderr
