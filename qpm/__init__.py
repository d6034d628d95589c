"""QPM workbench: quality-gated memory for video object segmentation.

Importing the package is cheap; whatever needs torch is loaded when it is first asked for.
"""

from importlib.metadata import PackageNotFoundError, version
from typing import Any

__all__ = ["__version__", "load_network"]

try:
    __version__ = version("qpm")
except PackageNotFoundError:  # run from a source tree that is not installed
    __version__ = "0+unknown"


def __getattr__(name: str) -> Any:
    """Give `qpm.load_network` without importing torch together with `qpm`."""
    if name == "load_network":
        from qpm.model import load_network

        return load_network
    raise AttributeError(f"module 'qpm' has no attribute {name!r}")
