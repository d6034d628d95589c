"""Weights that do not ship: what to download or to train, and the command that makes a file of it."""

from __future__ import annotations

from pathlib import Path

SOURCES = {
    "stm": "download STM_weights.pth (github.com/seoungwugoh/STM) and run: "
    "qpm convert STM_weights.pth --from stm --out {file}",
    "mivos": "download the model s012 (github.com/hkchengrex/Mask-Propagation, 'Pretrained models') and run: "
    "qpm convert propagation_model.pth --from mivos --out {file}",
    "qdmn": "get a checkpoint from the authors of github.com/yongliu20/QDMN, or train one there, and run: "
    "qpm convert QDMN.pth --from qdmn --out {file}",
    "half_1": "it is the network 'half' trained once more, about an hour on one core: qpm run studies/train_half.yaml "
    "--set 'seeds=[1]' (the file says what it needs), and copy its weights.safetensors to {file}",
    "qpm": "the paper's weights are not published: train the network 'paper' (studies/train_half.yaml shows how, with "
    "training.network: paper) and copy its weights.safetensors to {file}",
}


def how_to_get(file: Path) -> str:
    """Return what brings a missing file of weights there, told by the beginning of its name; empty if unknown."""
    known = next((name for name in SOURCES if file.stem.lower().startswith(name)), None)
    return SOURCES[known].format(file=file) if known else ""
