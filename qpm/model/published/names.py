"""The names in the weights of Mask-Propagation and MiVOS, STM, and QDMN."""

from qpm.frames import MEAN, STD
from qpm.model.published.layout import Layout

_MIVOS_PREFIXES = (
    ("memory_encoder.", "mask_rgb_encoder."),
    ("query_encoder.layer1.", "rgb_encoder.res2."),  # the other stages have torchvision's names
    ("query_encoder.", "rgb_encoder."),
    ("memory_projection.", "kv_m_f16."),
    ("query_projection.", "kv_q_f16."),
)

MIVOS = Layout(_MIVOS_PREFIXES, widened="mask_rgb_encoder.conv1.weight")

QDMN = Layout(
    (
        *_MIVOS_PREFIXES,
        ("quality_head.", "score."),
        ("prior_gate.conv.", "concat_conv."),
        *(
            (f"aspp.local.{branch}.{place}.", f"aspp.aspp{branch + 1}.{name}.")
            for branch in range(4)
            for place, name in enumerate(("atrous_conv", "bn"))
        ),
        ("aspp.whole.0.", "aspp.global_avg_pool.1."),  # theirs counts the pooling
        ("aspp.whole.1.", "aspp.global_avg_pool.2."),
        ("aspp.merge.0.", "aspp.conv1."),
        ("aspp.merge.1.", "aspp.bn1."),
    ),
    widened="mask_rgb_encoder.conv1.weight",
)

STM = Layout(
    (
        *(
            (f"{ours}_encoder.layer{stage}.", f"Encoder_{theirs}.res{stage + 1}.")
            for ours, theirs in (("memory", "M"), ("query", "Q"))
            for stage in (1, 2, 3)
        ),
        ("memory_encoder.", "Encoder_M."),
        ("query_encoder.", "Encoder_Q."),
        ("memory_projection.key_proj.", "KV_M_r4.Key."),
        ("memory_projection.val_proj.", "KV_M_r4.Value."),
        ("query_projection.key_proj.", "KV_Q_r4.Key."),
        ("query_projection.val_proj.", "KV_Q_r4.Value."),
        ("decoder.compress.0.", "Decoder.convFM."),
        ("decoder.compress.1.", "Decoder.ResMM."),
        *(
            (f"decoder.{ours}.{part}.", f"Decoder.{theirs}.{name}.")
            for ours, theirs in (("up_16_8", "RF3"), ("up_8_4", "RF2"))
            for part, name in (("skip_conv1", "convFS"), ("skip_conv2", "ResFS"), ("out_conv", "ResMM"))
        ),
        ("decoder.pred.", "Decoder.pred2."),
    ),
    # the sum of three stems is one stem over their channels together
    joined={
        "memory_encoder.conv1.weight": {
            "Encoder_M.conv1.weight": 3,
            "Encoder_M.conv1_m.weight": 1,
            "Encoder_M.conv1_o.weight": 1,
        }
    },
    # the normalisation inside its encoders
    constants={
        f"{encoder}.{name}": values
        for encoder in ("Encoder_M", "Encoder_Q")
        for name, values in (("mean", MEAN), ("std", STD))
    },
)
