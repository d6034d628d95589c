"""Where a result comes from: commit, uncommitted changes, versions, machine, command."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = (
    "qpm", "torch", "numpy", "scipy", "pandas", "scikit-image", "scikit-learn", "statsmodels", "pillow",
    "papermill", "mlflow",
)  # fmt: skip


def now() -> str:
    """The present time in UTC, ISO 8601 to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def collect() -> dict[str, Any]:
    """Facts about code, libraries and machine as JSON types; names no user, host or absolute path."""
    return {
        "time": now(),
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "git": git(source_root()),
    } | machine()


def machine() -> dict[str, Any]:
    """Facts about this machine and its libraries as JSON types."""
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "cpus": available_cpus(),
        "packages": versions(),
    }


def source_root() -> Path:
    """The folder that holds the package's folder: the root of the checkout in a development install."""
    return Path(__file__).resolve().parents[1]


def available_cpus() -> int:
    """CPU cores this process may use (fewer than the machine has, inside a batch job or a container)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def versions() -> dict[str, str]:
    """Versions of the libraries that numbers depend on, read without importing them."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def git(root: Path) -> dict[str, Any]:
    """Commit, branch, and whether tracked files differ from the commit (with the SHA-256 of the difference).

    Outside a git checkout the commit is None.
    """
    commit = _git(root, "rev-parse", "HEAD")
    if commit is None:
        return {"commit": None, "branch": None, "dirty": None, "diff_sha256": None}
    diff = git_diff(root)
    return {
        "commit": commit.strip(),
        "branch": (_git(root, "rev-parse", "--abbrev-ref", "HEAD") or "").strip(),
        "dirty": bool(diff),
        "diff_sha256": hashlib.sha256(diff.encode()).hexdigest() if diff else None,
    }


def git_diff(root: Path) -> str:
    """What was changed in tracked files since the commit; empty if nothing, or outside a checkout."""
    return _git(root, "diff", "HEAD", "--no-ext-diff", "--no-color") or ""


def _git(root: Path, *arguments: str) -> str | None:
    if not (root / ".git").exists():  # an installed package may lie inside somebody else's checkout
        return None
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="replace") if done.returncode == 0 else None
