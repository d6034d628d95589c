"""Reference vectors of the original programs, and weights in their layout that follow from the parameters' names."""

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

LISTINGS = {"mivos": "state_dict_mivos_mo.txt", "stm": "state_dict_stm.txt", "qdmn": "state_dict_qdmn.txt"}
PREFIX = {"mivos": "", "stm": "module.", "qdmn": ""}  # STM's file was saved through DataParallel


@pytest.fixture(scope="session")
def vectors(shared_data: Path) -> Path:
    """The folder of reference vectors; skips where there is none."""
    folder = shared_data.parent / "vectors"
    if not folder.is_dir():
        pytest.skip(f"no reference vectors: {folder} is not a folder (set QPM_SHARED)")
    return folder


@pytest.fixture(scope="session")
def listing(shared_data: Path) -> Callable[[str], Path]:
    """The names and shapes in a published file."""

    def of(kind: str) -> Path:
        path = shared_data.parent / "spec" / LISTINGS[kind]
        if not path.is_file():
            pytest.skip(f"no listing of the published names: {path}")
        return path

    return of


@pytest.fixture(scope="module")
def published(vectors, listing, tmp_path_factory) -> Iterator[Callable[[str], Path]]:
    """Makes a file as it was published, with drawn values; removes it after the module's tests."""
    spec = importlib.util.spec_from_file_location("make_weights", vectors / "make_weights.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder = tmp_path_factory.mktemp("published")

    def make(kind: str) -> Path:
        path = folder / f"{kind}.pth"
        torch.save(module.state_dict(str(listing(kind)), PREFIX[kind]), path)
        return path

    yield make
    for file in folder.iterdir():
        file.unlink()


@pytest.fixture
def answers(vectors) -> Callable[[str], dict[str, np.ndarray]]:
    """What the original program answered: frames, labels, probabilities, for QDMN score_raw."""

    def of(kind: str) -> dict[str, np.ndarray]:
        with np.load(vectors / f"{kind}_a.npz") as file:
            return dict(file)

    return of
