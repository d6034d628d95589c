"""Atomic writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from qpm.files import write_atomic


def test_a_file_is_made_with_its_folders(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a" / "b" / "c.txt", lambda path: path.write_text("whole"))
    assert (tmp_path / "a" / "b" / "c.txt").read_text() == "whole"


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "table.csv"
    target.write_text("old")

    def fail(path: Path) -> None:
        path.write_text("half")
        raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        write_atomic(target, fail)
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]


def test_the_temporary_file_keeps_the_suffix(tmp_path: Path) -> None:
    seen: list[str] = []

    def write(path: Path) -> None:
        seen.append(path.suffix)
        path.write_text("x")

    write_atomic(tmp_path / "mask.png", write)
    assert seen == [".png"]
