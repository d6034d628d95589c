"""`qpm doctor`: what this machine and this installation offer, and what is missing."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from qpm import provenance
from qpm.cli.output import show

FEATURES = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "bf16")  # as Linux names them


def doctor(as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list.")] = False) -> None:
    """Versions, CPU features, device, data, weights and disk.

    Exits with 1 if something that every study needs is missing.

    \b
    Example:
      qpm doctor
    """
    rows = [*installation(), *machine(), *data_roots(), *weights()]
    show(rows, as_json=as_json)
    if any(row["state"] == "broken" for row in rows):
        raise typer.Exit(1)


def row(part: str, finding: object, state: str = "ok") -> dict[str, Any]:
    """One line of the report; `state` is ok, absent (a study may not need it) or broken."""
    return {"part": part, "finding": str(finding), "state": state}


def installation() -> Iterator[dict[str, Any]]:
    """Versions of what a study runs on."""
    yield row("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    for name, version in provenance.versions().items():
        yield row(name, version, "broken" if version == "not installed" else "ok")
    commit = provenance.git(provenance.source_root())["commit"]
    yield row("source", f"{provenance.source_root()}, commit {commit[:12] if commit else 'unknown'}")


def machine() -> Iterator[dict[str, Any]]:
    """Device, processor features, memory and disk."""
    import torch

    from qpm.devices import choose_device, has_native_bfloat16

    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        yield row("device", f"cuda: {', '.join(names)}")
    else:
        yield row(
            "device", f"cpu, {torch.get_num_threads()} threads, {torch.backends.cpu.get_cpu_capability()}"
        )
    place = choose_device()
    yield row("precision", "bfloat16, native" if has_native_bfloat16(place) else "32 bit, no native bfloat16")
    yield row("CPU features", ", ".join(flag for flag in FEATURES if flag in cpu_flags()) or "none of note")
    if limit := os.environ.get("ONEDNN_MAX_CPU_ISA"):
        yield row("ONEDNN_MAX_CPU_ISA", limit)
    if hasattr(os, "sysconf"):
        gigabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
        yield row("memory", f"{gigabytes:.1f} GB, {provenance.available_cpus()} cores to use")
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    yield row("disk", f"{free:.1f} GB free at {Path.cwd()}", "ok" if free > 1 else "broken")


def cpu_flags() -> set[str]:
    """The processor's feature flags as Linux names them; empty elsewhere."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    return next((set(line.split()) for line in lines if line.startswith(("flags", "Features"))), set())


def data_roots() -> Iterator[dict[str, Any]]:
    """Where each dataset is looked for, and whether anything is there."""
    from qpm.datasets import DATASETS

    base = os.environ.get("QPM_DATA")
    yield row("QPM_DATA", base or "not set", "ok" if base else "absent")
    for name in DATASETS:
        if name == "synthetic":
            yield row("dataset synthetic", "built in")
        elif base:
            root = Path(base) / name
            yield row(f"dataset {name}", root, "ok" if root.is_dir() else "absent")


def weights() -> Iterator[dict[str, Any]]:
    """The weights that came with the package."""
    from qpm.weights import path, shipped

    for name in shipped():
        yield row(f"weights {name}", f"{path(name).stat().st_size / 1e6:.1f} MB")
    if not shipped():
        yield row("weights", "none in the package", "broken")
