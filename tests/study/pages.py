"""Notebooks written by a test."""

from __future__ import annotations

import json
from pathlib import Path

PARAMETERS = 'config = {}\nfolder = ""\nrun_id = ""'


def write_notebook(path: Path, *cells: str, parameters: str = PARAMETERS) -> Path:
    """A notebook with a cell tagged "parameters" and some more."""
    code = {"cell_type": "code", "execution_count": None, "outputs": []}
    made = [{**code, "id": "parameters", "metadata": {"tags": ["parameters"]}, "source": parameters}]
    made += [{**code, "id": f"cell-{k}", "metadata": {}, "source": cell} for k, cell in enumerate(cells)]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    path.write_text(json.dumps({"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}))
    return path
