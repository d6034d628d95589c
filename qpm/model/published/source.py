"""A PyTorch file of weights: its tensors by name, and nothing else of it."""

import hashlib
import pickle
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

WRAPPERS = (
    "network",
    "state_dict",
)  # where training checkpoints keep the weights beside the optimiser's state
PARALLEL = "module."  # DataParallel's prefix of every name


def read_tensors(source: Path) -> dict[str, Tensor]:
    """The tensors of a state dict, or of a training checkpoint that holds one, without `module.` in their names.

    No code of the file is run (``weights_only``).

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or it holds anything but tensors by name.
    """
    if not source.is_file():
        raise FileNotFoundError(f"no weights file {source}")
    content = _load(source)
    for wrapper in WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
    if not isinstance(content, Mapping) or not content:
        raise ValueError(f"{source} holds no state dict but {_described(content)}")
    for name, value in content.items():
        if not isinstance(value, Tensor):
            raise ValueError(f"{source} holds no state dict: '{name}' is {_described(value)}, not a tensor")
    return {str(name).removeprefix(PARALLEL): value for name, value in content.items()}


def sha256(source: Path) -> str:
    """Hex digest of a file."""
    with source.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _load(source: Path) -> object:
    try:
        return torch.load(source, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        code = re.search(r"GLOBAL (\S+)", str(error))
        if code is not None:
            raise ValueError(
                f"{source} asks to load {code[1]}; only files of tensors alone are read"
            ) from None
        raise ValueError(f"{source} is not a PyTorch file of weights") from error


def _described(value: object) -> str:
    if isinstance(value, Mapping | list | tuple) and not value:
        return "nothing"
    return f"a {type(value).__name__}"
