"""How many trials this machine runs at once, and which GPU each of them sees."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

from qpm.provenance import available_cpus

MEMORY = 3e9  # bytes that a trial may need
CPU = ""  # in place of a GPU: the trial sees what this process sees


def places(jobs: int, per_gpu: int, trials: int | None, gpus: Sequence[str], memory: float) -> list[str]:
    """One entry for each trial that may run at once: the GPU that it sees, or `CPU`.

    Parameters
    ----------
    jobs : int
        At most so many; 0: as many as there is room for.
    per_gpu : int
        Trials that share a GPU; where there is none, cores and memory make the room.
    trials : int, optional
        How many there are to run; more places would only waste cores.
    gpus : sequence of str
        As `CUDA_VISIBLE_DEVICES` names them.
    memory : float
        Bytes of main memory.

    Raises
    ------
    ValueError
        If more jobs are asked for than fit on the GPUs.
    """
    if gpus:
        room = list(gpus) * per_gpu  # every GPU once, before any is used twice
        if jobs > len(room):
            raise ValueError(f"--jobs {jobs}: {len(gpus)} GPU x {per_gpu} a GPU is {len(room)}; --per-gpu N shares one")
    else:
        # One thread in each of two kernels uses two cores better than two threads in one.
        room = [CPU] * (jobs or max(1, min(available_cpus(), int(memory // MEMORY))))
    limits = [limit for limit in (jobs, trials) if limit]
    return room[: min(limits)] if limits else room


def gpus() -> tuple[str, ...]:
    """The GPUs that this process may use, as `CUDA_VISIBLE_DEVICES` names them; asks neither torch nor CUDA."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return tuple(name for name in chosen.split(",") if name.strip() not in ("", "-1"))
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return tuple(str(number) for number, _ in enumerate(Path("/dev").glob("nvidia[0-9]*")))
    return listed_gpus(listed)


def listed_gpus(text: str) -> tuple[str, ...]:
    """The UUIDs in the answer of ``nvidia-smi -L``; of a GPU that is divided, those of its parts."""
    found = re.findall(r"\(UUID: ((GPU|MIG)-[^)]+)\)", text)
    names: list[str] = []
    for name, kind in found:
        if kind == "MIG" and names and names[-1].startswith("GPU"):
            names.pop()  # the whole, which its first part follows
        names.append(name)
    return tuple(names)
