"""One training clip: memorise the first frame's truth, segment the rest, score every mask."""

# B clips, T frames, O object slots

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from qpm.masks import aggregate, aggregation_logits, intersection_over_union
from qpm.model.network import Network
from qpm.training.config import LossConfig
from qpm.training.corrupt import corrupt
from qpm.training.losses import bootstrapped_cross_entropy, dice_loss, kept_share, score_loss


class ClipModel(nn.Module):
    """A network with its training objective; `forward` takes a batch of clips and answers with the losses."""

    def __init__(self, network: Network, config: LossConfig) -> None:
        super().__init__()
        self.network = network
        self.config = config

    def forward(self, frames: Tensor, masks: Tensor, progress: float, generator: torch.Generator) -> dict[str, Tensor]:
        """Losses and measures of a batch of clips.

        Parameters
        ----------
        frames : Tensor, (B, T, 3, H, W), normalised
        masks : Tensor, (B, T, O, H, W), one-hot truth; a slot without object in the first frame is empty throughout
        progress : share of the training done, for the schedules
        generator : draws the dropped priors and the damage

        Returns
        -------
        dict with `loss` (to minimise), its parts, and `iou`, `score_error` for the log.
        """
        present = masks[:, 0].any(dim=-1).any(dim=-1)  # (B, O)
        enhanced = torch.rand((), generator=generator).item() >= self.config.prior_dropped
        memories = [self.network.memorize(frames[:, 0], masks[:, 0])]
        soft = [masks[:, 0]]
        scores, ious, segmentation = [memories[0].score], [torch.ones_like(present, dtype=torch.float32)], []
        for t in range(1, frames.shape[1]):
            prior = self._prior(soft, ious[-1], present) if enhanced else None
            logits, probability = self._segment(frames[:, t], memories, prior, present)
            segmentation.append(self._segmentation_loss(logits, probability, masks[:, t], present, progress))
            soft.append(probability)
            ious.append(intersection_over_union(probability.detach() > 0.5, masks[:, t] > 0.5))
            memories.append(self.network.memorize(frames[:, t], probability))
            scores.append(memories[-1].score)
        parts = {"segmentation": torch.stack(segmentation).mean()}
        if self.network.quality_head is not None:
            parts["score"] = self._score_loss(scores, ious, frames, masks, present, generator)
        return _summary(parts, scores, ious, present, self.config)

    def _segment(
        self, frame: Tensor, memories: list, prior: Tensor | None, present: Tensor
    ) -> tuple[Tensor, Tensor]:
        query = self.network.enhance(self.network.encode_query(frame), prior)
        key = torch.stack([memory.key for memory in memories], dim=3)  # (B, O, CK, T, h, w)
        value = torch.stack([memory.value for memory in memories], dim=3)
        own = self.network.segment(query, key, value) * present[:, :, None, None]
        logits = aggregation_logits(own)
        return logits, logits.softmax(dim=1)[:, 1:]

    def _prior(self, soft: list[Tensor], previous_iou: Tensor, present: Tensor) -> Tensor:
        """Eq. 4 with the true quality: the previous frame's mask where it is good, else the first frame's."""
        if self.network.prior_gate is None:
            raise ValueError("prior_dropped is below 1 but the network has no prior gate: set prior_dropped: 1")
        quality = (previous_iou.nan_to_num() * present).sum(1) / present.sum(1).clamp(min=1)
        good = (quality > self.config.sigma_en)[:, None, None, None]
        merged = torch.where(good, soft[-1], soft[0]).amax(dim=1, keepdim=True)
        return merged.detach()

    def _segmentation_loss(
        self, logits: Tensor, probability: Tensor, truth: Tensor, present: Tensor, progress: float
    ) -> Tensor:
        c = self.config
        kept = kept_share(progress, c.bootstrap_start, c.bootstrap_end, c.bootstrap_final)
        target = torch.cat([torch.full_like(truth[:, :1], 0.5), truth], dim=1).argmax(dim=1)  # 0 where no object is
        loss = bootstrapped_cross_entropy(logits, target, kept)
        return loss + c.dice * dice_loss(probability, truth, present) if c.dice else loss

    def _score_loss(
        self,
        scores: list,
        ious: list[Tensor],
        frames: Tensor,
        masks: Tensor,
        present: Tensor,
        generator: torch.Generator,
    ) -> Tensor:
        parts = [score_loss(s, i, present) for s, i in zip(scores, ious, strict=True)]
        loss = torch.stack(parts).mean()
        if self.config.corrupted_score:
            t = int(torch.randint(frames.shape[1], (), generator=generator))
            damaged = aggregate(corrupt(masks[:, t], generator))[:, 1:] * present[:, :, None, None]
            score = self.network.memorize(frames[:, t], damaged).score
            assert score is not None, "only called where there is a quality head"
            iou = intersection_over_union(damaged > 0.5, masks[:, t] > 0.5)
            loss = loss + self.config.corrupted_score * score_loss(score, iou, present)
        return loss


def _summary(
    parts: Mapping[str, Tensor], scores: list, ious: list[Tensor], present: Tensor, config: LossConfig
) -> dict[str, Tensor]:
    loss = parts["segmentation"] + config.score * parts.get("score", torch.zeros(()))
    iou = torch.stack(ious[1:])[:, present]
    result = {"loss": loss, **{name: part.detach() for name, part in parts.items()}, "iou": iou.nanmean()}
    if scores[0] is not None:
        score = torch.stack(scores[1:])[:, present].detach()
        result["score_error"] = (score - iou).abs().nanmean()
        result["first_score"] = scores[0][present].mean().detach()
    return result
