"""Shipped weights are found by name, and none comes without its card and licences."""

import hashlib
from pathlib import Path

import pytest

from qpm import weights


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("half.safetensors", "half.md", "other.safetensors", "NOTICE.md"):
        (tmp_path / name).touch()
    monkeypatch.setattr(weights, "FOLDER", tmp_path)
    return tmp_path


def test_weights_are_found_by_name(folder: Path) -> None:
    assert weights.shipped() == ("half", "other")
    assert weights.path("half") == folder / "half.safetensors"


def test_a_name_with_a_slip_is_answered_with_the_nearest(folder: Path) -> None:
    with pytest.raises(ValueError, match="unknown weights 'hafl'; did you mean 'half'\\? known: half, other"):
        weights.path("hafl")


def test_every_shipped_file_has_the_card_of_these_very_bytes_beside_it() -> None:
    cards = {file.stem for file in weights.FOLDER.glob("*.md")} - {"NOTICE"}
    assert cards == set(weights.shipped())
    for name in cards:
        digest = hashlib.sha256(weights.path(name).read_bytes()).hexdigest()
        assert digest in weights.path(name).with_suffix(".md").read_text(encoding="utf-8")


def test_the_notice_carries_the_licence_of_the_initial_weights() -> None:
    notice = (weights.FOLDER / "NOTICE.md").read_text(encoding="utf-8")
    assert "Copyright 2016, Yahoo Inc." in notice
    assert "Redistributions in binary form must reproduce the above copyright notice" in notice
