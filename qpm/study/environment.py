"""What surrounds a launch, for the tracking store on this machine alone: user, source repository, every library."""

from __future__ import annotations

import getpass
import subprocess
from importlib.metadata import distributions
from urllib.parse import urlsplit

from qpm.provenance import source_root


def user() -> str:
    """Name of the user who runs this; empty where the system knows none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def repository() -> str:
    """Address that the source was cloned from, without the user's name or password in it; empty if there is none."""
    if not (source_root() / ".git").exists():
        return ""
    command = ["git", "-C", str(source_root()), "config", "--get", "remote.origin.url"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return without_login(done.stdout.strip())


def without_login(address: str) -> str:
    """``https://name:token@host/x`` without ``name:token@``; an address of another form as it is."""
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if parts.scheme else address


def libraries() -> str:
    """Every installed package with its version, a line each, as ``pip freeze`` prints them."""
    found = {(each.metadata["Name"] or "").lower(): each.version for each in distributions()}
    return "".join(f"{name}=={version}\n" for name, version in sorted(found.items()) if name)
