"""Networks by name: what the paper used, what this project ships, and one for tests."""

from qpm.model.aspp import ASPPConfig
from qpm.model.backbone import BackboneConfig
from qpm.model.decoder import DecoderConfig
from qpm.model.memory_read import ReadConfig
from qpm.model.network import NetworkConfig
from qpm.model.prior import PriorConfig
from qpm.model.quality import QualityConfig

_HALF_BACKBONE = BackboneConfig(width=32, norm="none", form="caffe")
_TINY_BACKBONE = BackboneConfig(stem=16, width=8, blocks=(1, 1, 1), norm="none")

PRESETS: dict[str, NetworkConfig] = {
    # MiVOS's network with a shared-encoder quality head and a one-channel prior gate
    "paper": NetworkConfig(),
    # what the published weights of others belong to; `qpm convert` reads them
    "mivos": NetworkConfig(quality=None, prior=None),
    "stm": NetworkConfig(
        memory_encoder=BackboneConfig(),
        read=ReadConfig(top_k=None),
        decoder=DecoderConfig(channels=(256, 256, 256), compress="convolution", logits=2),
        quality=None,
        prior=None,
        clamp_others=True,
        padding="black",
    ),
    "qdmn": NetworkConfig(
        query_encoder=BackboneConfig(bias=True),
        quality=QualityConfig(score_activation="relu"),
        aspp=ASPPConfig(),
    ),
    # ResNet-50 at half width; cosine keys and group norm are departures from the paper that help short training
    "half": NetworkConfig(
        query_encoder=_HALF_BACKBONE,
        memory_encoder=_HALF_BACKBONE,
        key_channels=64,
        value_channels=256,
        read=ReadConfig(similarity="cosine", top_k=32),
        decoder=DecoderConfig(channels=(128, 96, 64), groups=8),
        quality=QualityConfig(channels=96, hidden=128, pooling="average_max", doubt=True),
        prior=PriorConfig(initial_bias=2.0),
    ),
    # random weights answer in milliseconds: for tests only
    "tiny": NetworkConfig(
        query_encoder=_TINY_BACKBONE,
        memory_encoder=_TINY_BACKBONE,
        key_channels=16,
        value_channels=32,
        read=ReadConfig(top_k=16),
        decoder=DecoderConfig(channels=(32, 24, 16), groups=4),
        quality=QualityConfig(channels=16, hidden=16, pooling="average_max"),
        prior=PriorConfig(),
    ),
}
