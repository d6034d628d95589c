"""Many evaluations that differ only in the memory policy, as one sweep with the rows that each has alone."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from qpm.datasets.video import Video
from qpm.files import write_atomic
from qpm.images import write_labels
from qpm.inference import FrameResult
from qpm.inference.sweep import Cost, resolve_together, sweep
from qpm.inference.sweep.tree import MAX_BRANCHES
from qpm.study.config import TrialConfig
from qpm.study.frame_rows import frame_rows, scored_objects, trial_table
from qpm.study.setup import Setup
from qpm.study.sharing import OWN

log = logging.getLogger(__name__)

Tell = Callable[[int, int, str, str], None]  # frames done, frames in all, the video, the device
Records = list[dict[str, Any]]


class Together(Mapping[str, pd.DataFrame]):
    """The rows of each trial by its key; a table is made when it is asked for, so that few are held at once.

    Attributes
    ----------
    cost : Cost
        Frames through the network, beside those of independent trials.
    """

    def __init__(self, configs: Mapping[str, TrialConfig]) -> None:
        self.cost = Cost()
        self._configs = dict(configs)
        self._records: dict[str, Records] = {key: [] for key in configs}

    def add(self, records: Mapping[str, Records], cost: Cost) -> None:
        """Append rows of a video, and what they cost."""
        for key, more in records.items():
            self._records[key] += more
        self.cost += cost

    def __getitem__(self, key: str) -> pd.DataFrame:
        return trial_table(self._configs[key], self._records[key])

    def __iter__(self) -> Iterator[str]:
        return iter(self._configs)

    def __len__(self) -> int:
        return len(self._configs)


def evaluate_together(
    configs: Mapping[str, TrialConfig],
    progress: Tell | None = None,
    masks: Mapping[str, Path] | None = None,
    max_branches: int = MAX_BRANCHES,
) -> Together:
    """Segment and score a dataset under several policies, and compute once what they share.

    Parameters
    ----------
    configs : mapping
        Any key, such as the trial's hash -> config; they agree in all but `sharing.OWN`.
    progress : callable, optional
        Told after every segmented frame; a frame counts once for every trial.
    masks : mapping, optional
        Key -> where the label maps that this config wants saved go, as in `evaluate`.
    max_branches : int
        As for `sweep`: bounds the memory that is held.

    Returns
    -------
    Together
        Key -> the rows that `evaluate` gives. A frame that several trials share took each of them the `seconds` that
        it took to encode and to segment.

    Raises
    ------
    ValueError
        If the configs differ in more than the policy, or a policy cannot be followed.
    """
    setup, answer = Setup(_agreed(configs)), Together(configs)
    frames = sum(len(video) for video in setup.videos)
    log.info("%d policies together, %d videos on %s", len(configs), len(setup.videos), setup.device)
    for place, video in enumerate(setup.videos):
        before = len(configs) * sum(len(earlier) for earlier in setup.videos[:place])

        def tell(done: int, before: int = before, name: str = video.name) -> None:
            if progress is not None:
                progress(before + done, len(configs) * frames, name, str(setup.device))

        answer.add(*video_together(setup, video, configs, tell, masks, max_branches))
    log.info("%s", answer.cost)
    return answer


def video_together(
    setup: Setup,
    video: Video,
    configs: Mapping[str, TrialConfig],
    tell: Callable[[int], None],
    masks: Mapping[str, Path] | None = None,
    max_branches: int = MAX_BRANCHES,
) -> tuple[dict[str, Records], Cost]:
    """The rows of one video for every config, and what they cost; arguments as for `evaluate_together`.

    Frames that trials share have the same dictionaries as rows: many trials take little more memory than one.
    """
    loop = setup.loop(video) | {"max_branches": max_branches}
    policies = {key: config.policy for key, config in configs.items()}
    seeds = {key: config.seed for key, config in configs.items()}
    policies, drawing = resolve_together(setup.network, video, policies, seeds, **loop)
    runs, scored = sweep(setup.network, video, policies, **loop), scored_objects(video, setup.dataset.protocol)
    records, done = {key: Records() for key in configs}, 0
    for results in runs:
        rows = {id(result): frame_rows(video, result, scored, runs.seconds) for result in _distinct(results)}
        for key, result in results.items():
            records[key] += rows[id(result)]
            if masks is not None and configs[key].keeps_masks(video.name):
                _save(masks[key], video, result)
        done += len(results)
        tell(done)
    return records, drawing + runs.cost


def _agreed(configs: Mapping[str, TrialConfig]) -> TrialConfig:
    if not configs:
        raise ValueError("nothing to evaluate together: no trial was given")
    first, *others = configs.values()
    for other in others:
        for name in TrialConfig.model_fields.keys() - OWN:
            if getattr(first, name) != getattr(other, name):
                raise ValueError(
                    f"cases '{first.case}' and '{other.case}' differ in {name}; together they may differ "
                    f"only in {', '.join(sorted(OWN))}"
                )
    return first


def _distinct(results: Mapping[str, FrameResult]) -> list[FrameResult]:
    """The results that policies share, each once."""
    return list({id(result): result for result in results.values()}.values())


def _save(folder: Path, video: Video, result: FrameResult) -> None:
    write_atomic(folder / video.name / f"{result.name}.png", partial(write_labels, labels=result.labels))
