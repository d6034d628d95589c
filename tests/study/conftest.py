"""A study whose notebook takes no time and needs no network: what a study does around its trials."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.study.pages import write_notebook

WORK = """
import os, time
from pathlib import Path

case, fixed = config["case"], Path(FIXED)
while case.startswith("slow") and not fixed.exists():
    time.sleep(0.05)
if case == "bad" and not fixed.exists():
    raise RuntimeError("no such luck")
if case == "dies" and not fixed.exists():
    os.kill(os.getpid(), 9)
"""
WRITE = """
import pandas as pd
from qpm.rows import write_rows

frames = [{"frame": f"{i:05d}", "frame_index": i, "annotated": i == 0, "scored": 0 < i < 3} for i in range(4)]
names = {"study": config["study"], "case": case, "trial": Path(folder).name, "seed": config["seed"]}
rows = pd.DataFrame(frames).assign(**names, dataset="synthetic", sequence="a", object_id=1, j=0.5, f=0.7)
write_rows(Path(folder) / "rows.parquet", rows)
"""


@pytest.fixture
def make_study(tmp_path: Path) -> Callable[..., Path]:
    """Write ``studies/fake.yaml`` with some cases, and its notebook; the file ``fixed`` makes every case end well."""
    (tmp_path / "studies").mkdir(exist_ok=True)
    (tmp_path / "weights.safetensors").write_bytes(b"not read by the fake notebook")

    def make(*cases: str, **more: object) -> Path:
        write_notebook(tmp_path / "studies" / "fake.ipynb", f"FIXED = {str(tmp_path / 'fixed')!r}", WORK, WRITE)
        content = {
            "question": "Does it hold?",
            "paper": "none",
            "expect": "yes",
            "cost": "seconds",
            "notebook": "fake.ipynb",
            "base": {
                "dataset": {"name": "synthetic", "videos": 1, "frames": 4},
                "weights": str(tmp_path / "weights.safetensors"),
                "policy": "stm",
            },
            "cases": dict.fromkeys(cases),
            **more,
        }
        path = tmp_path / "studies" / "fake.yaml"
        path.write_text(yaml.safe_dump(content, sort_keys=False))
        return path

    return make
