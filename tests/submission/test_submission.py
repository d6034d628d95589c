"""Zips for the servers: what is written passes the check, and every fault that a server answers is found before."""

import json
import zipfile
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from qpm import images
from qpm.cli import app
from qpm.datasets import DavisConfig
from qpm.submission.check import NotExported, check_zip
from qpm.submission.expected import expected
from qpm.submission.write import write_zip
from tests.submission.conftest import SIZE, labels


@pytest.fixture
def masks(tmp_path: Path, davis: DavisConfig) -> Path:
    """A method's masks for the small DAVIS."""
    for name, ids in (("cat", (1,)), ("dogs", (1, 2))):
        for index in range(3):
            path = tmp_path / "masks" / name / f"{index:05d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            images.write_labels(path, labels(*ids))
    return tmp_path / "masks"


def names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def test_davis_wants_sequence_folders_at_the_top(davis, masks, tmp_path):
    checked = write_zip(masks, tmp_path / "s.zip", "davis", expected(davis))
    assert (checked.sequences, checked.masks) == (2, 6)
    assert names(tmp_path / "s.zip")[0] == "cat/00000.png"
    assert check_zip(tmp_path / "s.zip", "davis", expected(davis)) == checked


def test_the_same_masks_give_the_same_bytes(davis, masks, tmp_path):
    for name in ("a.zip", "b.zip"):
        write_zip(masks, tmp_path / name, "davis", expected(davis))
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_youtube_vos_wants_the_listed_frames_below_annotations(youtube, tmp_path):
    for stem, ids in {"00000": (2,), "00005": (2,), "00010": (2, 5), "00015": (5,)}.items():
        (tmp_path / "masks" / "0a1b").mkdir(parents=True, exist_ok=True)
        images.write_labels(tmp_path / "masks" / "0a1b" / f"{stem}.png", labels(*ids))
    write_zip(tmp_path / "masks", tmp_path / "s.zip", "youtube-vos", expected(youtube))
    assert names(tmp_path / "s.zip") == [
        f"Annotations/0a1b/{stem}.png" for stem in ("00000", "00010", "00015")
    ]
    write_zip(tmp_path / "masks", tmp_path / "all.zip", "youtube-vos", expected(youtube), every_frame=True)
    assert len(names(tmp_path / "all.zip")) == 4
    assert check_zip(tmp_path / "all.zip", "youtube-vos", expected(youtube)).masks == 4


FAULTS = {
    "a sequence is missing": (
        lambda m: [p.unlink() for p in (m / "cat").iterdir()],
        "sequence 'cat' is missing",
    ),
    "a frame is missing": (lambda m: (m / "cat" / "00001.png").unlink(), "cat: frame 00001 is missing"),
    "a frame too many": (
        lambda m: images.write_labels(m / "cat" / "00009.png", labels(1)),
        "cat: frame 00009 is not in the video",
    ),
    "another size": (
        lambda m: images.write_labels(m / "cat" / "00001.png", labels(1)[:6]),
        "cat/00001.png is 16 x 6, the video 16 x 12",
    ),
    "an id that nobody gave": (
        lambda m: images.write_labels(m / "cat" / "00001.png", labels(1, 3)),
        r"cat/00001.png holds ids \[3\], which no mask gives; given are \[1\]",
    ),
    "a picture": (lambda m: Image.new("RGB", SIZE[::-1]).save(m / "cat" / "00001.png"), "mode RGB"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_a_server_would_refuse_is_named_and_nothing_is_written(davis, masks, tmp_path, fault):
    spoil, told = FAULTS[fault]
    spoil(masks)
    with pytest.raises(NotExported, match=told):
        write_zip(masks, tmp_path / "s.zip", "davis", expected(davis))
    assert not (tmp_path / "s.zip").exists()


def test_a_subset_may_lack_sequences_but_says_so(davis, masks, tmp_path):
    for path in (masks / "cat").iterdir():
        path.unlink()
    checked = write_zip(masks, tmp_path / "s.zip", "davis", expected(davis), subset=True)
    assert checked.notes == ("sequence 'cat' is missing",)


@pytest.mark.parametrize(
    ("form", "prefix", "told"),
    [
        (
            "davis",
            "mymethod/",
            "everything lies in 'mymethod/'; the server of davis wants <sequence>/<frame>.png",
        ),
        ("davis", "Annotations/", "everything lies in 'Annotations/'"),
        ("youtube-vos", "", "is not of the form Annotations/<sequence>/<frame>.png"),
        ("youtube-vos", "mine/Annotations/", "everything lies in 'mine/'"),
    ],
)
def test_folders_at_the_wrong_depth_are_named(masks, tmp_path, form, prefix, told):
    with zipfile.ZipFile(tmp_path / "s.zip", "w") as archive:
        for path in sorted(masks.rglob("*.png")):
            archive.write(path, prefix + str(path.relative_to(masks)))
    with pytest.raises(NotExported, match=told):
        check_zip(tmp_path / "s.zip", form, None)


def test_files_that_are_no_masks_are_named(davis, masks, tmp_path):
    write_zip(masks, tmp_path / "s.zip", "davis", expected(davis))
    with zipfile.ZipFile(tmp_path / "s.zip", "a") as archive:
        archive.writestr("__MACOSX/cat/._00000.png", b"junk")
        archive.writestr("cat/.DS_Store", b"junk")
        archive.writestr("../outside.png", b"junk")
    with pytest.raises(NotExported) as refused:
        check_zip(tmp_path / "s.zip", "davis", expected(davis))
    assert len(refused.value.faults) == 3


def test_the_command_exports_a_trial_and_checks_the_zip(davis, masks, tmp_path):
    trial = tmp_path / "trials" / "qpm-0"
    trial.mkdir(parents=True)
    masks.rename(trial / "masks")
    config = {"dataset": davis.model_copy(update={"frames": 2}).model_dump(mode="json")}
    (trial / "trial.json").write_text(json.dumps({"config": config}))
    done = CliRunner().invoke(
        app, ["export", str(trial), "--format", "davis", "--out", str(tmp_path / "s.zip")]
    )
    assert done.exit_code == 0, done.output
    assert "6 masks of 2 sequences" in done.stdout
    check = ["export", "--check", str(tmp_path / "s.zip"), "--format", "davis"]
    assert "not compared with the set" in CliRunner().invoke(app, check).stderr
    whole = CliRunner().invoke(app, [*check, "--root", str(davis.root), "--split", "test-dev"])
    assert (whole.exit_code, whole.stderr) == (0, "")


def test_wrong_requests_are_answered(davis, masks, tmp_path):
    for arguments, told in (
        (["export", str(masks), "--format", "davis"], "with --out ZIP"),
        (["export", str(masks), "--format", "davos", "--out", "x.zip"], "did you mean 'davis'"),
        (["export", "--check", str(tmp_path / "no.zip"), "--format", "davis"], "does not exist"),
        (["export", str(tmp_path / "nowhere"), "--out", "x.zip"], "no folder"),
    ):
        result = CliRunner().invoke(app, arguments)
        assert result.exit_code == 2 and told in result.stderr, result.output
