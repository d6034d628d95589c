"""A study on disk, made of fabricated rows: what `qpm run` leaves behind."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from qpm.report.load import Results
from qpm.rows import write_rows
from tests.report.fabricate import study_rows

CASES = ("stm", "quality_gated", "prior_only", "qpm", "random_gate", "oracle_gate")
GATE = {"rule": "quality_gate", "n": 5, "sigma_m": 0.7}
POLICIES = {
    "quality_gated": {"shelves": [{"name": "long", "keep": GATE}], "prior": {"rule": "none"}},
    "qpm": {"shelves": [{"name": "long", "keep": GATE}], "prior": {"rule": "selective", "sigma_en": 0.65}},
}


def record(case: str, seed: int) -> dict:
    """What the ledger writes of a finished trial, as far as reports read it."""
    return {
        "status": "finished",
        "hash": f"{abs(hash(case)):064x}"[-64:],
        "started": "2024-05-01T12:00:00Z",
        "seconds": 60.0,
        "config": {
            "study": "fabricated",
            "case": case,
            "seed": seed,
            "dataset": {"name": "synthetic", "split": "val"},
            "weights": "half",
            "policy": POLICIES.get(case, {"shelves": [], "prior": {"rule": "none"}}),
            "inference": {"max_side": 432},
        },
        "identity": {"data": {"synthetic": "ab" * 32}, "weights": {"half": "cd" * 32}},
        "provenance": {"git": {"commit": "0123456789abcdef", "dirty": True}, "packages": {"numpy": "2.4.6"}},
    }


@pytest.fixture(scope="session")
def rows():
    """Rows of six cases on eight videos; random_gate has three seeds."""
    return study_rows(CASES)


@pytest.fixture
def results(rows, tmp_path) -> Results:
    """The same rows with the records of their trials, in an empty folder."""
    trials = [record(case, seed) | {"folder": f"{case}-{seed}"} for case, seed in runs(rows)]
    return Results(tmp_path, rows, tuple(trials))


@pytest.fixture
def study_dir(rows, tmp_path) -> Path:
    """``results/fabricated`` with a folder for each trial."""
    return write_study(tmp_path / "results" / "fabricated", rows)


def write_study(folder: Path, rows) -> Path:
    """Write rows as the finished trials of a study."""
    for case, seed in runs(rows):
        trial = folder / "trials" / f"{case}-{seed:012x}"
        write_rows(trial / "rows.parquet", rows[(rows.case == case) & (rows.seed == seed)])
        (trial / "trial.json").write_text(json.dumps(record(case, seed)))
    return folder


@pytest.fixture
def study() -> SimpleNamespace:
    """What a report asks of a study."""
    return make_study()


def make_study() -> SimpleNamespace:
    """A study that asks for Table 2."""
    return SimpleNamespace(
        name="fabricated",
        question="Does it help & by how much?",
        paper="Table 2",
        expect="qpm above stm",
        cost="nothing",
        baseline="stm",
        report=("ablation",),
    )


def runs(rows):
    """Case and seed of every trial, in order."""
    return list(rows[["case", "seed"]].drop_duplicates().itertuples(index=False, name=None))
