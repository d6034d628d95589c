"""Weights that others published, read into this project's network."""

from qpm.model.published.convert import KINDS, convert

__all__ = ["KINDS", "convert"]
