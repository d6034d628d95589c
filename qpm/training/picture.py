"""What the network sees and does in the middle of a training: a picture of a few clips."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qpm.files import write_atomic
from qpm.frames import MEAN, STD
from qpm.images import PALETTE, outline
from qpm.training.checkpoint import room_for
from qpm.training.clip_model import ClipModel, Rollout
from qpm.training.draws import Draws

FOLDER = "pictures"
MOST_CLIPS, MOST_FRAMES = 3, 5  # in one picture


@torch.no_grad()
def draw_clips(
    folder: Path,
    done: int,
    model: ClipModel,
    frames: torch.Tensor,
    masks: torch.Tensor,
    draws: Draws,
    names: tuple[str, ...],
) -> Path:
    """Write `pictures/<iterations done>.png`: a row a clip, for each frame truth (outlined), prediction and gate.

    Over every prediction stands the predicted IoU and, behind the bar, the true one; `frames`, `masks` and `draws` as
    `ClipModel.forward` takes them.
    """
    seen = model.rollout(frames, masks, draws)
    chosen = np.unique(np.linspace(0, frames.shape[1] - 1, MOST_FRAMES).round().astype(int)).tolist()
    clips = min(MOST_CLIPS, frames.shape[0])
    height, width = frames.shape[-2:]
    figure = Figure(figsize=(1.7 * 2 * len(chosen), 2.1 * clips * height / width + 0.5), layout="constrained")
    grid = np.asarray(figure.subplots(clips, 2 * len(chosen), squeeze=False))
    for row in range(clips):
        for place, t in enumerate(chosen):
            left, right = grid[row, 2 * place], grid[row, 2 * place + 1]
            _show_masks(left, pixels(frames[row, t]), masks[row, t], seen.masks[t][row])
            left.set_title(f"frame {t}" if t else names[row], fontsize=7, loc="left")
            _show_gate(right, seen.gates[t], row, (height, width), "no prior" if t else "given")
            right.set_title(_scores(seen, row, t), fontsize=7, loc="left")
    figure.suptitle(
        f"after {done} iterations: prediction filled, truth outlined, prior gate; predicted | true IoU", fontsize=9
    )
    path = folder / FOLDER / f"{done:08d}.png"
    with room_for(path, folder):
        write_atomic(path, partial(figure.savefig, dpi=110))
    return path


def pixels(frame: torch.Tensor) -> np.ndarray:
    """A normalised frame (3, H, W) as a picture, uint8 (H, W, 3)."""
    colour = frame.float().cpu() * torch.tensor(STD).view(3, 1, 1) + torch.tensor(MEAN).view(3, 1, 1)
    return (colour.clamp(0, 1) * 255).byte().permute(1, 2, 0).numpy()


def _show_masks(axes: Axes, picture: np.ndarray, truth: torch.Tensor, predicted: torch.Tensor) -> None:
    colours = PALETTE[1 : 1 + len(truth)]
    mixed = picture.astype(np.float32)
    for colour, mask in zip(colours, predicted.float().cpu().numpy(), strict=True):
        mixed += 0.55 * mask[..., None] * (colour - mixed)
    ids = torch.arange(1, len(truth) + 1, device=truth.device).view(-1, 1, 1)
    labels = (truth * ids).amax(dim=0).byte().cpu().numpy()
    rim = outline(labels)
    mixed[rim] = PALETTE[labels[rim]] * 0.5 + 127
    axes.imshow(mixed.astype(np.uint8))
    axes.set_axis_off()


def _show_gate(axes: Axes, gate: torch.Tensor | None, row: int, size: tuple[int, int], otherwise: str) -> None:
    axes.set_axis_off()
    if gate is None:
        axes.imshow(np.full(size, 0.95), vmin=0, vmax=1, cmap="gray")
        axes.text(0.5, 0.5, otherwise, transform=axes.transAxes, ha="center", va="center", fontsize=7, color="0.4")
    else:
        axes.imshow(gate[row].float().mean(dim=0).cpu().numpy(), vmin=0, vmax=1, cmap="viridis")


def _scores(seen: Rollout, row: int, t: int) -> str:
    """Predicted and true IoU of the clip's objects in a frame."""
    score = seen.scores[t]
    told = []
    for place in seen.present[row].nonzero().flatten().tolist():
        guess = "" if score is None else f"{float(score[row, place]):.2f} | "
        told.append(f"{guess}{float(seen.ious[t][row, place]):.2f}")
    return ",  ".join(told)
