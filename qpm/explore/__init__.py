"""Looking into single frames of a study, by hand, in a notebook."""

from qpm.explore.explorer import Explorer

__all__ = ["Explorer"]
