"""Seconds that a trial takes beside its network and scoring: kernel, imports, notebook, tracking.

    python benchmarks/trial_overhead.py [--trials 12] [--frames 4] [--jobs 1]

Runs the shipped notebook `evaluate` on one short built-in video with a tiny network of random weights, in a folder of
its own. What the call of `evaluate` takes is subtracted; everything else, up to the study's end, is overhead. Both the
clock's time and the processor's are printed: on a busy machine only the second says anything.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path

import numpy as np
import torch
import yaml

from qpm.model import build, save_network
from qpm.study.runner import run
from qpm.study.spec import find_notebook, load_study

CALL = "rows = evaluate("
TIMED = "import time\nbegan = time.perf_counter(), time.process_time()\n"
NOTED = """
ended = time.perf_counter(), time.process_time()
(Path(folder) / "evaluate_seconds").write_text(f"{ended[0] - began[0]} {ended[1] - began[1]}")"""


def timed_notebook(folder: Path) -> None:
    """The shipped notebook, which also writes how long its evaluation took."""
    document = json.loads(find_notebook("evaluate", folder / "study.yaml").read_text(encoding="utf-8"))
    for cell in document["cells"]:
        lines = "".join(cell["source"]).splitlines()
        if any(line.startswith(CALL) for line in lines):
            place = next(i for i, line in enumerate(lines) if line.startswith(CALL))
            lines[place] = TIMED + lines[place] + NOTED
            cell["source"] = "\n".join(lines)
    (folder / "evaluate.ipynb").write_text(json.dumps(document), encoding="utf-8")


def write_study(folder: Path, trials: int, frames: int) -> Path:
    """A study of `trials` short evaluations that share nothing, so that each has a notebook of its own."""
    torch.manual_seed(0)
    weights = save_network(build("tiny"), folder / "tiny.safetensors")
    dataset = {"name": "synthetic", "split": "val", "videos": 1, "frames": frames}
    content = {
        "question": "What else does a trial cost?", "paper": "none", "expect": "seconds", "cost": "seconds",
        "notebook": "evaluate.ipynb",
        "base": {"dataset": dataset, "weights": str(weights), "policy": "qpm"},
        "grid": {"inference.max_side": [64 + 16 * place for place in range(trials)]},
    }  # fmt: skip
    path = folder / "overhead.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return path


def clocks() -> np.ndarray:
    """Seconds of the clock, and of the processor in this process and all that it has started and seen the end of."""
    spent = os.times()
    return np.array([spent.elapsed, spent.user + spent.system + spent.children_user + spent.children_system])


def main() -> None:
    """Print the overhead of the first trial and of the others."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=12)
    parser.add_argument("--frames", type=int, default=4)
    parser.add_argument("--jobs", type=int, default=1)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        timed_notebook(folder)
        for trials in sorted({1, chosen.trials}):
            study, results = (
                load_study(write_study(folder, trials, chosen.frames)),
                folder / f"results-{trials}",
            )
            began = clocks()
            summary = run(study, results, jobs=chosen.jobs)
            whole = clocks() - began
            inside = np.array([np.loadtxt(path) for path in results.rglob("evaluate_seconds")])
            if summary.exit_code or len(inside) != trials:
                raise SystemExit(f"{summary.failed} trials failed: {summary.failures}")
            whole[0] *= min(chosen.jobs, trials)
            for name, seconds, evaluating in zip(
                ("clock", "processor"), whole, inside.sum(axis=0), strict=True
            ):
                lost = (seconds - evaluating) / trials
                print(
                    f"{trials} trials, {name}: {seconds:.2f} s, {evaluating:.2f} s in evaluate; {lost:.2f} s a trial"
                )


if __name__ == "__main__":
    main()
