"""CPU time of the scorer per object and frame, beside the time of decoding the masks and beside vos-benchmark.

    python benchmarks/score_speed.py --peer /path/to/venv/bin/python [--gt DIR --pred DIR] [--jobs 1 2 4]

``--peer`` is a Python that has vos-benchmark installed (``python -m venv V && V/bin/pip install vos-benchmark``).
Without ``--gt`` and ``--pred``, moving blobs at 480 x 854 are drawn. Each measurement is a process of its own with
one thread; imports are not counted. The floor is the decoding of the PNGs: "of it decoding" says how near we are.

``--jobs`` measures the whole command with so many processes, their start included, on as many copies of the
sequences (``--copies``) as make that start small. Elapsed time says something only on a machine that is otherwise
idle; the CPU time of all processes, beside that of one, bounds the speed-up that is possible there.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from qpm.images import write_labels

PEER = """
import os, sys, time, resource, cv2
from vos_benchmark.benchmark import VideoEvaluator
cv2.setNumThreads(1)
gt, pred = sys.argv[1:3]
score, units, start = VideoEvaluator(gt, pred), 0, time.process_time()
for video in sorted(os.listdir(pred)):
    units += (len(os.listdir(os.path.join(gt, video))) - 2) * len(score(video)[1])
print((time.process_time() - start) / units * 1e3, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""
OURS = """
import sys, time, resource
from qpm.metrics.scorer.folder import score_folder
start = time.process_time()
report = score_folder(sys.argv[1], sys.argv[2], "vos-benchmark", subset=True)
seconds = time.process_time() - start
print(seconds / len(report.rows) * 1e3, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""
DECODING = """
import sys, time, resource
import numpy as np
from PIL import Image
from qpm.metrics.scorer.folder import score_folder
from qpm.metrics.scorer.store import open_store
units = len(score_folder(sys.argv[1], sys.argv[2], "vos-benchmark", subset=True).rows)
stores, start = [open_store(path) for path in sys.argv[1:3]], time.process_time()
for folder in stores[1].folders:
    for stem in list(stores[0].folders[folder])[1:-1]:
        for store in stores:
            with store.open(folder, stem) as stream:
                np.asarray(Image.open(stream))
print((time.process_time() - start) / units * 1e3, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""
WHOLE = """
import resource, sys, time
if __name__ == "__main__":
    from qpm.metrics.scorer.folder import score_folder  # here: a worker imports this file, and needs no pandas
    start, before = time.perf_counter(), time.process_time()
    score_folder(sys.argv[1], sys.argv[2], "vos-benchmark", subset=True, jobs=int(sys.argv[3]))
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = time.process_time() - before
    print(time.perf_counter() - start, own + children.ru_utime + children.ru_stime)
"""


def draw_blobs(root: Path, objects: int, videos: int = 4, frames: int = 30) -> None:
    """Write truth and prediction: wavy blobs that move, and the same a few pixels off."""
    generator = np.random.default_rng(objects)
    for video in range(videos):
        place, size = generator.uniform(0.2, 0.8, (objects, 2)), generator.uniform(60, 110, objects)
        for frame in range(frames):
            truth, prediction = (np.zeros((480, 854), np.uint8) for _ in range(2))
            for k in range(objects):
                centre = place[k] * (480, 854) + 2.0 * frame * np.cos([k, k + 1])
                truth[_blob(centre, size[k], frame)] = k + 1
                prediction[_blob(centre + generator.normal(0, 3, 2), size[k], frame + 1)] = k + 1
            for name, labels in (("gt", truth), ("pred", prediction)):
                path = root / name / f"v{video}" / f"{frame:05d}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                write_labels(path, labels)


def _blob(centre: np.ndarray, size: float, phase: float) -> np.ndarray:
    y, x = np.mgrid[:480, :854]
    angle = np.arctan2(y - centre[0], x - centre[1])
    radius = size * (1 + 0.25 * np.sin(3 * angle + phase / 5) + 0.05 * np.sin(17 * angle))
    return np.hypot(y - centre[0], x - centre[1]) < radius


def measure(python: str, program: str, *arguments: str) -> list[float]:
    """The numbers that a program prints, run in a process of its own with one thread."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "program.py"
        script.write_text(program)
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        command = [python, str(script), *arguments]
        output = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
    return [float(number) for number in output.split()[-2:]]


def report(name: str, gt: Path, pred: Path, peer: str | None, repeats: int) -> None:
    """Print a line for each measurement: the least of some repeats, and its ratio to ours."""
    programs = [("qpm score", sys.executable, OURS), ("decoding alone", sys.executable, DECODING)]
    if peer:
        programs.append(("vos-benchmark", peer, PEER))
    best = {
        title: min(measure(python, program, str(gt), str(pred)) for _ in range(repeats))
        for title, python, program in programs
    }
    ours = best["qpm score"][0]
    print(f"{name}: CPU milliseconds per object and frame")
    for title, (milliseconds, memory) in best.items():
        print(f"  {title:<15} {milliseconds:7.2f} ms   {milliseconds / ours:5.2f} x ours   {memory:5.0f} MB")
    print(f"  of it decoding {best['decoding alone'][0] / ours:6.0%}")


def report_scaling(gt: Path, pred: Path, jobs: list[int], copies: int) -> None:
    """Print elapsed and CPU time of the whole scoring for each number of processes, beside the first number."""
    with tempfile.TemporaryDirectory() as folder:
        truth = link_copies(gt, Path(folder) / "truth", copies)
        prediction = link_copies(pred, Path(folder) / "prediction", copies)
        print(
            f"  whole runs, {copies} copies of every sequence, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
        )
        first: list[float] = []
        for count in jobs:
            elapsed, busy = measure(sys.executable, WHOLE, str(truth), str(prediction), str(count))
            first = first or [elapsed, busy, count]
            faster, more = first[0] / elapsed, busy / first[1]
            print(
                f"  {count} processes: {elapsed:6.2f} s, {faster:.2f} x as fast; CPU {busy:6.2f} s, {more:.2f} x, "
                f"so at most {count / first[2] / more:.2f} x as fast on idle cores"
            )


def link_copies(source: Path, target: Path, copies: int) -> Path:
    """A folder that holds every sequence of another several times, as links."""
    target.mkdir()
    for sequence in (path for path in source.resolve().iterdir() if path.is_dir()):
        for copy in range(copies):
            (target / f"{sequence.name}-{copy}").symlink_to(sequence)
    return target


def main() -> None:
    """Measure given folders, or drawn ones with one and with three objects."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--gt", type=Path)
    parser.add_argument("--pred", type=Path)
    parser.add_argument("--peer", help="Python with vos-benchmark")
    parser.add_argument("--jobs", type=int, nargs="*", default=[])
    parser.add_argument("--copies", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=3)
    chosen = parser.parse_args()
    if chosen.gt:
        return everything(str(chosen.pred), chosen.gt, chosen.pred, chosen)
    for objects in (1, 3):
        with tempfile.TemporaryDirectory() as folder:
            draw_blobs(Path(folder), objects)
            everything(f"{objects} drawn objects", Path(folder) / "gt", Path(folder) / "pred", chosen)


def everything(name: str, gt: Path, pred: Path, chosen: argparse.Namespace) -> None:
    """The time of a frame, and how it scales if that is asked for."""
    report(name, gt, pred, chosen.peer, chosen.repeats)
    if chosen.jobs:
        report_scaling(gt, pred, chosen.jobs, chosen.copies)


if __name__ == "__main__":
    main()
