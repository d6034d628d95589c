"""What trials have in common that differ only in the memory policy: data, networks, device and precision."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch

from qpm.datasets import Dataset, Video
from qpm.devices import choose_device, choose_dtype
from qpm.inference import Ensemble
from qpm.model import load_network
from qpm.study.config import TrialConfig


@dataclass(frozen=True, eq=False)
class Setup:
    """Opened when it is first asked for, and once: a trial whose rows are there already needs no network.

    Parameters
    ----------
    config : TrialConfig
        Its policy is not asked.
    """

    config: TrialConfig

    @cached_property
    def device(self) -> torch.device:
        """Where the networks run."""
        return choose_device(self.config.inference.device)

    @cached_property
    def network(self) -> Ensemble:
        """The networks of the weights, on the device."""
        networks = [load_network(name).to(self.device) for name in self.config.weight_names]
        return Ensemble.of(networks, self.config.inference.flip)

    @cached_property
    def dataset(self) -> Dataset:
        """The videos."""
        return self.config.dataset.open()

    @cached_property
    def videos(self) -> tuple[Video, ...]:
        """All of them, in order; their frames are read when they are needed."""
        return tuple(self.dataset[place] for place in range(len(self.dataset)))

    def loop(self, video: Video) -> dict[str, Any]:
        """Size and precision for this video, as the loop over its frames takes them."""
        dtype = choose_dtype(self.config.inference.precision, self.device)
        return {"max_side": self.config.inference.longest(video.size), "dtype": dtype}
