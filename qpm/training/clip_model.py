"""One training clip: memorise the first frame's truth, segment the rest, score every mask."""

# B clips, T frames, O object slots

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from qpm.masks import aggregate, aggregation_logits, intersection_over_union
from qpm.model.network import Memory, Network
from qpm.training.config import LossConfig
from qpm.training.corrupt import corrupt
from qpm.training.draws import Draws
from qpm.training.losses import bootstrapped_cross_entropy, dice_loss, kept_share, score_loss


@dataclass
class Rollout:
    """A batch of clips, segmented from its first frame on; entry t of each list belongs to frame t.

    masks : soft masks (B, O, H, W), the first one the truth
    logits : of background and objects (B, O + 1, H, W), none for the first frame
    ious : true IoU (B, O), NaN where prediction and truth are empty
    scores : predicted IoU (B, O), or None
    gates : of Eq. 4, (B, 1 or C, h, w), or None
    present : bool (B, O), the slots with an object in the first frame
    """

    masks: list[Tensor]
    logits: list[Tensor | None]
    ious: list[Tensor]
    scores: list[Tensor | None]
    gates: list[Tensor | None]
    present: Tensor


class ClipModel(nn.Module):
    """A network with its training objective; `forward` takes a batch of clips and answers with the losses."""

    def __init__(self, network: Network, config: LossConfig) -> None:
        super().__init__()
        if network.prior_gate is None and config.prior_dropped < 1:
            raise ValueError("prior_dropped is below 1 but the network has no prior gate: set prior_dropped: 1")
        self.network = network
        self.config = config

    def forward(self, frames: Tensor, masks: Tensor, progress: float, draws: Draws) -> dict[str, Tensor]:
        """Losses and measures of a batch of clips.

        Parameters
        ----------
        frames : Tensor, (B, T, 3, H, W), normalised
        masks : Tensor, (B, T, O, H, W), one-hot truth; a slot without object in the first frame is empty throughout
        progress : share of the stage done, for the schedules
        draws : the dropped priors and the damage

        Returns
        -------
        dict with `loss` (to minimise), its parts and `iou`; with a quality head also `score_error` and `judged`,
        (N, 2): predicted and true IoU of every mask, the true one NaN where there is none.
        """
        seen = self.rollout(frames, masks, draws)
        parts = {"segmentation": self._segmentation_loss(seen, masks, progress)}
        if self.network.quality_head is not None:
            parts["score"] = self._score_loss(seen, frames, masks, draws)
        loss = parts["segmentation"] + self.config.score * parts.get("score", torch.zeros(()))
        return {"loss": loss, **{name: part.detach() for name, part in parts.items()}, **_measures(seen)}

    def rollout(self, frames: Tensor, masks: Tensor, draws: Draws) -> Rollout:
        """Go through the clips, every frame segmented from those before; arguments as for `forward`."""
        present = masks[:, 0].any(dim=-1).any(dim=-1)
        first_iou = torch.ones_like(present, dtype=torch.float32)
        memories = [self.network.memorize(frames[:, 0], masks[:, 0])]
        seen = Rollout([masks[:, 0]], [None], [first_iou], [memories[0].score], [None], present)
        enhanced = not draws.dropped(self.config.prior_dropped)
        for t in range(1, frames.shape[1]):
            prior = self._prior(seen, draws) if enhanced else None
            logits, gate = self._segment(frames[:, t], self._remembered(memories), prior, present)
            probability = logits.softmax(dim=1)[:, 1:]
            memories.append(self.network.memorize(frames[:, t], probability))
            seen.masks.append(probability)
            seen.logits.append(logits)
            seen.gates.append(gate)
            seen.scores.append(memories[-1].score)
            seen.ious.append(intersection_over_union(probability.detach() > 0.5, masks[:, t] > 0.5))
        return seen

    def _remembered(self, memories: list[Memory]) -> list[Memory]:
        """Every n-th frame, and the previous one."""
        last = len(memories) - 1
        return [m for t, m in enumerate(memories) if t % self.config.memorize_every == 0 or t == last]

    def _segment(
        self, frame: Tensor, memories: list[Memory], prior: Tensor | None, present: Tensor
    ) -> tuple[Tensor, Tensor | None]:
        query = self.network.enhance(self.network.encode_query(frame), prior)
        key = torch.stack([memory.key for memory in memories], dim=3)  # (B, O, CK, T, h, w)
        value = torch.stack([memory.value for memory in memories], dim=3)
        own = self.network.segment(query, key, value) * present[:, :, None, None]
        return aggregation_logits(own), query.gate

    def _prior(self, seen: Rollout, draws: Draws) -> Tensor:
        """The mask that guides the next frame, (B, 1, H, W): the previous frame's or the first frame's."""
        if self.config.prior == "selective":  # Eq. 4 with the true quality
            quality = (seen.ious[-1].nan_to_num() * seen.present).sum(1) / seen.present.sum(1).clamp(min=1)
            previous = quality > self.config.sigma_en
        elif self.config.prior == "random":
            previous = draws.coins().to(seen.present.device)
        else:
            previous = torch.ones_like(seen.present[:, 0])
        chosen = torch.where(previous[:, None, None, None], seen.masks[-1], seen.masks[0])
        return chosen.amax(dim=1, keepdim=True).detach()

    def _segmentation_loss(self, seen: Rollout, masks: Tensor, progress: float) -> Tensor:
        c, losses = self.config, []
        kept = kept_share(progress, c.bootstrap_start, c.bootstrap_end, c.bootstrap_final)
        for t in range(1, masks.shape[1]):
            truth, logits = masks[:, t], seen.logits[t]
            assert logits is not None, "only the first frame has no logits"
            target = torch.cat([torch.full_like(truth[:, :1], 0.5), truth], dim=1).argmax(dim=1)  # 0: no object
            loss = bootstrapped_cross_entropy(logits, target, kept)
            losses.append(loss + c.dice * dice_loss(seen.masks[t], truth, seen.present) if c.dice else loss)
        return torch.stack(losses).mean()

    def _score_loss(self, seen: Rollout, frames: Tensor, masks: Tensor, draws: Draws) -> Tensor:
        first = 0 if self.config.score_first else 1
        judged = zip(seen.scores[first:], seen.ious[first:], strict=True)
        loss = torch.stack([score_loss(score, iou, seen.present) for score, iou in judged if score is not None]).mean()
        if not self.config.corrupted_score:
            return loss
        t = draws.one_of(frames.shape[1])
        damaged = aggregate(corrupt(masks[:, t], draws.clips, self.config.damages))[:, 1:]
        damaged = damaged * seen.present[:, :, None, None]
        score = self.network.memorize(frames[:, t], damaged).score
        assert score is not None, "only called where there is a quality head"
        iou = intersection_over_union(damaged > 0.5, masks[:, t] > 0.5)
        return loss + self.config.corrupted_score * score_loss(score, iou, seen.present)


def _measures(seen: Rollout) -> dict[str, Tensor]:
    """Means over the masks after the first frame; nothing here waits for a GPU."""
    nowhere = torch.full((), torch.nan, device=seen.present.device)
    iou = torch.where(seen.present, torch.stack(seen.ious[1:]), nowhere)
    measures = {"iou": iou.nanmean()}
    scores = [score.detach().float() for score in seen.scores if score is not None]
    if scores:
        score = torch.stack(scores[1:])
        measures["score_error"] = (score - iou).abs().nanmean()
        measures["first_score"] = torch.where(seen.present, scores[0], nowhere).nanmean()
        measures["judged"] = torch.stack([score, iou], dim=-1).flatten(0, -2)
    return measures
