"""torchvision's ImageNet ResNet-50 as the weights from which every encoder's training starts."""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

from qpm.files import write_atomic
from qpm.model.backbone import BackboneConfig, ResNet
from qpm.model.mismatch import refuse_mismatch
from qpm.model.published.layout import with_counters

UNUSED = ("layer4.", "fc.")  # behind the 1/16 feature


def encoder_parameters(tensors: Mapping[str, Tensor], source: Path) -> dict[str, Tensor]:
    """The parameters of an encoder, with zero for the convolutions' biases that some encoders have.

    Raises
    ------
    ValueError
        If they are not those of torchvision's ResNet-50.
    """
    with torch.device("meta"):
        plain, biased = (ResNet(BackboneConfig(bias=bias)).state_dict() for bias in (False, True))
    expected = {name: tuple(value.shape) for name, value in plain.items()}
    used = {name: value for name, value in tensors.items() if not name.startswith(UNUSED)}
    complete = with_counters(used, expected)
    refuse_mismatch(expected, complete, source)
    zeros = {name: torch.zeros(value.shape) for name, value in biased.items() if name not in plain}
    return {**complete, **zeros}


def write_encoder(parameters: Mapping[str, Tensor], out: Path, origin: Mapping[str, str]) -> None:
    """Write initial encoder weights as training reads them, with their origin in the header."""
    content = save(
        {name: value.contiguous() for name, value in parameters.items()}, {"origin": json.dumps(origin)}
    )
    write_atomic(out, lambda temporary: temporary.write_bytes(content))
