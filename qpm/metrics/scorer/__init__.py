"""Score any method's folder or zip of masks as the public evaluators do, and say more.

`score_folder` and `compare_folders` load pandas when they are first asked for, so that worker processes, which
only read and measure masks, stay small.
"""

from typing import Any

__all__ = ["Comparison", "Refusal", "ScoreReport", "compare_folders", "score_folder"]

_PLACES = {
    "Comparison": "compare",
    "Refusal": "refusal",
    "ScoreReport": "report",
    "compare_folders": "compare",
    "score_folder": "folder",
}


def __getattr__(name: str) -> Any:
    """Import a public name from its room when it is first asked for."""
    if name in _PLACES:
        from importlib import import_module

        return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
    raise AttributeError(f"module '{__name__}' has no attribute {name!r}")
