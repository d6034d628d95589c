"""The QPM network: STM's memory network (Eq. 1) with quality assessment (Eq. 2) and prior enhancement (Eq. 4)."""

# B frames, O objects, T memory frames; h, w = H / 16, W / 16; CK key channels, CV value channels

from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn

from qpm.model.aspp import ASPP, ASPPConfig
from qpm.model.backbone import BackboneConfig, ResNet
from qpm.model.decoder import Decoder, DecoderConfig
from qpm.model.memory_read import ReadConfig, read_memory
from qpm.model.prior import PriorConfig, PriorGate
from qpm.model.quality import QualityConfig, QualityHead

MASK_CHANNELS = 2  # this object and the sum of the others


class NetworkConfig(BaseModel):
    """Everything that decides the network's parameters and arithmetic; travels in the header of a weights file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    query_encoder: BackboneConfig = BackboneConfig()
    memory_encoder: BackboneConfig = BackboneConfig(bias=True)
    key_channels: int = 128
    value_channels: int = 512
    read: ReadConfig = ReadConfig()
    decoder: DecoderConfig = DecoderConfig()
    quality: QualityConfig | None = QualityConfig()
    prior: PriorConfig | None = PriorConfig()
    aspp: ASPPConfig | None = None  # over readout and query value (QDMN)
    clamp_others: bool = False  # the sum of the other objects' masks, to [0, 1] (STM)
    padding: Literal["mean_colour", "black"] = "mean_colour"  # black: zeros before the normalisation (STM)


class QueryFeatures(NamedTuple):
    """What the query encoder sees of a frame, (B, C, H / s, W / s) at strides s = 4, 8, 16."""

    f4: Tensor
    f8: Tensor
    f16: Tensor


class Query(NamedTuple):
    """A frame that asks the memory: features, key (B, CK, h, w), value (B, CV, h, w), gate of Eq. 4 or None."""

    features: QueryFeatures
    key: Tensor
    value: Tensor
    gate: Tensor | None


class Memory(NamedTuple):
    """A frame to remember: key (B, O, CK, h, w), value (B, O, CV, h, w), raw quality score (B, O) or None."""

    key: Tensor
    value: Tensor
    score: Tensor | None


class Projection(nn.Module):
    """Key and value of a 1/16 feature, two independent 3x3 convolutions; cosine keys have length 1."""

    def __init__(self, in_channels: int, key_channels: int, value_channels: int, cosine: bool) -> None:
        super().__init__()
        self.cosine = cosine
        self.key_proj = nn.Conv2d(in_channels, key_channels, 3, 1, 1)
        self.val_proj = nn.Conv2d(in_channels, value_channels, 3, 1, 1)

    def forward(self, f16: Tensor) -> tuple[Tensor, Tensor]:
        key, value = self.key_proj(f16), self.val_proj(f16)
        return (F.normalize(key, dim=1) if self.cosine else key), value


class Network(nn.Module):
    """Segments objects in a query frame from the frames in memory; knows nothing of policies or videos."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        f4, f8, f16 = config.query_encoder.channels
        self.query_encoder = ResNet(config.query_encoder)
        self.memory_encoder = ResNet(config.memory_encoder, MASK_CHANNELS)
        memory_channels = config.memory_encoder.channels[2]
        cosine = config.read.similarity == "cosine"
        self.query_projection = Projection(f16, config.key_channels, config.value_channels, cosine)
        self.memory_projection = Projection(memory_channels, config.key_channels, config.value_channels, cosine)
        self.aspp = ASPP(config.aspp, 2 * config.value_channels) if config.aspp else None
        self.decoder = Decoder(config.decoder, 2 * config.value_channels, (f4, f8))
        self.quality_head = QualityHead(config.quality, memory_channels) if config.quality else None
        self.prior_gate = PriorGate(config.prior, f16) if config.prior else None
        self.log_sharpness = None
        if cosine:
            self.log_sharpness = nn.Parameter(torch.tensor(config.read.initial_sharpness).log())

    def train(self, mode: bool = True) -> "Network":
        """As for every module, but batch norms keep their statistics in training too, as in MiVOS and QDMN."""
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def encode_query(self, frame: Tensor) -> QueryFeatures:
        """Features of a frame (B, 3, H, W); they depend on neither memory nor prior."""
        return QueryFeatures(*self.query_encoder(frame))

    def enhance(self, features: QueryFeatures, prior: Tensor | None) -> Query:
        """Key and value of the frame, its 1/16 feature enhanced by a prior mask (Eq. 4).

        Parameters
        ----------
        features : QueryFeatures
        prior : Tensor, (B, 1, H, W) in [0, 1], or None
            The prior frame's masks merged over objects; None leaves the feature as it is.

        Raises
        ------
        ValueError
            If a prior is given to a network without a prior gate.
        """
        f16, gate = features.f16, None
        if prior is not None:
            if self.prior_gate is None:
                raise ValueError("this network has no prior gate: choose a policy without a prior, or other weights")
            f16, gate = self.prior_gate(f16, prior)
        key, value = self.query_projection(f16)
        return Query(features, key, value, gate)

    def memorize(self, frame: Tensor, masks: Tensor) -> Memory:
        """Key, value and quality score of a frame with its masks (Eq. 2; the score encoder is the memory encoder).

        Parameters
        ----------
        frame : Tensor, (B, 3, H, W), normalised
        masks : Tensor, (B, O, H, W), soft masks in [0, 1]
            Each object is encoded with its own mask and the sum of the others'.
        """
        others = masks.sum(dim=1, keepdim=True) - masks
        if self.config.clamp_others:
            others = others.clamp(0, 1)
        _, _, f16 = self.memory_encoder(frame, torch.stack([masks, others], dim=2).to(frame.dtype))
        key, value = self.memory_projection(f16)
        score = self.quality_head(f16, masks.flatten(0, 1)) if self.quality_head is not None else None
        objects = masks.shape[:2]
        return Memory(
            key.unflatten(0, objects),
            value.unflatten(0, objects),
            None if score is None else score.unflatten(0, objects),
        )

    def segment(self, query: Query, memory_key: Tensor, memory_value: Tensor) -> Tensor:
        """Probability of each object on its own, before the aggregation between objects.

        Parameters
        ----------
        query : Query of B frames
        memory_key, memory_value : Tensors, (B, O, CK, T, h, w) and (B, O, CV, T, h, w)

        Returns
        -------
        Tensor, float32 (B, O, H, W) in [0, 1]
        """
        read = self.config.read
        top_k, kernel_sigma = (None, None) if self.training else (read.top_k, read.kernel_sigma)
        scale = None if self.log_sharpness is None else self.log_sharpness.exp()
        readout = read_memory(query.key, memory_key, memory_value, top_k, scale, kernel_sigma)
        value = query.value.unsqueeze(1).expand(-1, readout.shape[1], -1, -1, -1)
        x = torch.cat([readout, value.to(readout.dtype)], dim=2)
        if self.aspp is not None:
            x = self.aspp(x.flatten(0, 1)).unflatten(0, x.shape[:2])
        return self.decoder(x, query.features.f8, query.features.f4).sigmoid()
