"""What it costs to make tables, figures and pages again: every study with results, twice, without torch.

    python benchmarks/render_cost.py [RESULTS]

Prints seconds of the first and second render, the page's size, and the files that the second render changed (none may).
"""

from __future__ import annotations

import hashlib
import resource
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RENDER = """
import sys
from pathlib import Path
from qpm.report.render import render
from qpm.study.spec import load_study
study = load_study(Path(sys.argv[1]), ())
render(Path(sys.argv[2]) / study.name, study)
sys.exit("torch was imported" if "torch" in sys.modules else 0)
"""


def main(results: Path) -> None:
    """Print one line a study and the sum."""
    total = 0.0
    for study in sorted((ROOT / "studies").glob("*.yaml")):
        folder = results / study.stem
        without_trials = folder.is_dir() and not (folder / "trials").is_dir()  # a server's answers, or none yet
        if not without_trials and not list(folder.glob("trials/*/rows.parquet")):
            continue
        first, before = timed(study, results), digests(folder)
        second, after = timed(study, results), digests(folder)
        changed = sorted(name for name in after if after[name] != before.get(name))
        page = (folder / "index.html").stat().st_size / 1e6
        total += first[0]
        print(
            f"{study.stem}: {first[0]:.1f} s ({first[1]:.1f} s of CPU), again {second[0]:.1f} s, "
            f"page {page:.1f} MB, changed: {', '.join(changed) or 'nothing'}",
            flush=True,
        )
    print(f"all: {total:.1f} s")


def timed(study: Path, results: Path) -> tuple[float, float]:
    """Wall and CPU seconds of a render in a fresh interpreter."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run([sys.executable, "-c", RENDER, str(study), str(results)], check=True, cwd=ROOT)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - began, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a study that is not a trial's."""
    files = [path for path in folder.iterdir() if path.is_file() and path.suffix != ".lock"]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "results")
