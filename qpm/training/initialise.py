"""A network's starting point: encoders from an image classifier, keys from the features' principal directions.

From random weights a network of this size learns nothing in an hour; from a classifier's it starts with features
that already match across frames.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from qpm.model.network import Network, Projection
from qpm.training.corrupt import corrupt
from qpm.weights.principal import principal_keys

MASK_SHARE = 0.3  # response of the stem's new mask channels over that of its trained colour channels


@torch.no_grad()
def initialise(
    network: Network, encoder: Path, probed: Tensor, frames: Tensor, masks: Tensor, generator: torch.Generator
) -> None:
    """Fill `network` from a classifier's weights and real frames, in place.

    Parameters
    ----------
    encoder : safetensors file with the parameters of the query encoder
    probed : Tensor, (N, 3, H, W) normalised, frames whose features give the keys their directions
    frames, masks : Tensors, (B, 3, H, W) normalised and (B, O, H, W), on which the new layers are scaled
    """
    load_encoders(network, encoder, generator, frames)
    f16 = torch.cat([network.encode_query(frame[None]).f16 for frame in probed])
    weight, bias = principal_keys(f16.permute(0, 2, 3, 1).flatten(0, 2), network.config.key_channels)
    for projection in (network.query_projection, network.memory_projection):
        _centre_tap(projection, weight, bias)
    new = [network.query_projection.val_proj, network.memory_projection.val_proj, *_layers(network.decoder)]
    new.remove(network.decoder.pred)
    _unit_deviation(network, [*new, *_inside_head(network)], frames, masks, generator)


@torch.no_grad()
def initialise_head(network: Network, frames: Tensor, masks: Tensor, generator: torch.Generator) -> None:
    """Fill the quality head alone anew, in place: on trained features its usual random start would answer 1 to all.

    Parameters
    ----------
    frames, masks : Tensors, (B, 3, H, W) normalised and (B, O, H, W), on which its layers are scaled
    """
    _unit_deviation(network, _inside_head(network), frames, masks, generator)


@torch.no_grad()
def load_encoders(
    network: Network, encoder: Path, generator: torch.Generator, frames: Tensor | None = None
) -> None:
    """Fill both encoders of `network` from a classifier's weights, in place.

    The stem's mask channels, which no classifier has, are random: orthogonal as in MiVOS, or scaled to the response
    of the colour channels on `frames` where they are given.

    Raises
    ------
    ValueError
        If the classifier is of another shape.
    """
    state = load_file(str(encoder))
    _load(network.query_encoder, state, encoder)
    _load(network.memory_encoder, _with_mask_channels(state, network.memory_encoder, frames, generator), encoder)


def _load(module: nn.Module, state: Mapping[str, Tensor], source: Path) -> None:
    expected = module.state_dict()
    wrong = [name for name in expected if name not in state or state[name].shape != expected[name].shape]
    if wrong:
        what = f"{len(wrong)} parameters missing or of another shape, first {wrong[0]}"
        hint = "for a full ResNet-50 set initial_file to what `qpm convert --from torchvision-resnet50` writes"
        raise ValueError(f"{source} does not fit the encoder: {what}; {hint}")
    module.load_state_dict({name: state[name] for name in expected})


def _with_mask_channels(
    state: Mapping[str, Tensor], encoder: nn.Module, frames: Tensor | None, generator: torch.Generator
) -> dict[str, Tensor]:
    colour = state["conv1.weight"]
    extra = encoder.state_dict()["conv1.weight"].shape[1] - colour.shape[1]
    new = torch.randn(colour.shape[0], extra, *colour.shape[2:], generator=generator)
    if frames is None:
        nn.init.orthogonal_(new, generator=generator)
    else:  # a mask of ones with a random edge answers O(norm)
        response = nn.functional.conv2d(frames, colour, stride=2).std()
        new *= MASK_SHARE * response / new.flatten(1).norm(dim=1).mean()
    return {**state, "conv1.weight": torch.cat([colour, new], dim=1)}


def _centre_tap(projection: Projection, weight: Tensor, bias: Tensor) -> None:
    convolution = projection.key_proj
    convolution.weight.zero_()
    convolution.weight[:, :, 1, 1] = weight
    convolution.bias.copy_(bias)  # type: ignore[union-attr]


def _unit_deviation(
    network: Network, new: Sequence[nn.Module], frames: Tensor, masks: Tensor, generator: torch.Generator
) -> None:
    """Shift and scale each new layer to output mean 0 a channel and deviation 1 on frames with true and damaged masks.

    Without the shift the quality head's pooled features differ far more between channels than between masks,
    and the score stays constant for hundreds of iterations.
    """
    damaged = corrupt(masks, [generator] * len(masks))
    frames, masks = frames.repeat(2, 1, 1, 1), torch.cat([masks, damaged])
    done: set[nn.Module] = set()

    def rescale(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        if layer in done:  # a layer that runs twice keeps what its first output asked for
            return output
        done.add(layer)
        over = [dim for dim in range(output.ndim) if dim != 1]
        mean = output.mean(dim=over, keepdim=True)
        deviation = (output - mean).std().clamp(min=1e-6)
        layer.weight.div_(deviation)  # type: ignore[operator]
        layer.bias.copy_(-mean.flatten() / deviation)  # type: ignore[operator]
        return (output - mean) / deviation

    for layer in new:
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")  # type: ignore[arg-type]
        nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    hooks = [layer.register_forward_hook(rescale) for layer in new]
    memory = network.memorize(frames, masks)
    query = network.enhance(network.encode_query(frames), None)
    network.segment(query, memory.key.unsqueeze(3), memory.value.unsqueeze(3))
    for hook in hooks:
        hook.remove()


def _inside_head(network: Network) -> list[nn.Module]:
    """The quality head's layers but for the last, whose answer has no given spread."""
    head = network.quality_head
    return [] if head is None else [layer for layer in _layers(head) if layer is not head.fc2]


def _layers(module: nn.Module) -> list[nn.Module]:
    return [layer for layer in module.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
