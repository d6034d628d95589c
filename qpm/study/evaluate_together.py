"""Many evaluations that differ only in the memory policy, as one sweep with the rows that each has alone."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from qpm import rows as tidy
from qpm.datasets.video import Video
from qpm.devices import choose_device, choose_dtype
from qpm.files import write_atomic
from qpm.images import write_labels
from qpm.inference import Ensemble, FrameResult
from qpm.inference.sweep import Cost, resolve_together, sweep
from qpm.inference.sweep.tree import MAX_BRANCHES
from qpm.model import load_network
from qpm.study.config import TrialConfig
from qpm.study.evaluate import Tell, frame_rows, scored_objects

log = logging.getLogger(__name__)

OWN = {"study", "case", "seed", "policy", "save_masks"}  # in these, trials of one sweep may differ


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
        self._records: dict[str, list[dict[str, Any]]] = {key: [] for key in configs}

    def add(self, key: str, records: list[dict[str, Any]]) -> None:
        """Append rows of a frame to a trial."""
        self._records[key] += records

    def __getitem__(self, key: str) -> pd.DataFrame:
        config, records = self._configs[key], self._records[key]
        table = pd.DataFrame(records, columns=None if records else list(tidy.COLUMNS))
        names = {
            "study": config.study,
            "case": config.case,
            "seed": config.seed,
            "dataset": config.dataset.name,
        }
        return tidy.check(table.assign(**names))

    def __iter__(self) -> Iterator[str]:
        return iter(self._configs)

    def __len__(self) -> int:
        return len(self._configs)


def what_is_shared(config: TrialConfig) -> str:
    """Equal for trials that `evaluate_together` can take together: all but the policy, names and the seed."""
    return config.model_dump_json(exclude=OWN)


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
        Any key, such as the trial's hash -> config; they agree in `what_is_shared`.
    progress : callable, optional
        Told after every segmented frame; a frame counts once for every trial.
    masks : mapping, optional
        Key -> where the label maps that this config wants saved go, as in `evaluate`.
    max_branches : int
        As for `sweep`: bounds the memory that is held.

    Returns
    -------
    Together
        Key -> the rows that `evaluate` gives, but for `seconds`: there, a frame that several trials share took each
        of them as long as it took, and the query encoder's time is that of the first who needed it.

    Raises
    ------
    ValueError
        If the configs differ in more than the policy, or a policy cannot be followed.
    """
    shared = _agreed(configs)
    device = choose_device(shared.inference.device)
    dtype = choose_dtype(shared.inference.precision, device)
    networks = [load_network(name).to(device) for name in shared.weight_names]
    network = Ensemble.of(networks, shared.inference.flip)
    dataset, answer = shared.dataset.open(), Together(configs)
    videos = [dataset[place] for place in range(len(dataset))]
    done, total = 0, len(configs) * sum(len(video) for video in videos)
    seeds = {key: config.seed for key, config in configs.items()}
    log.info("%s: %d policies together, %d videos on %s", shared.study, len(configs), len(videos), device)
    for video in videos:
        scored, side = scored_objects(video, dataset.protocol), shared.inference.longest(video.size)
        policies = {key: config.policy for key, config in configs.items()}
        policies, drawing = resolve_together(
            network, video, policies, seeds, max_side=side, dtype=dtype, max_branches=max_branches
        )
        runs = sweep(network, video, policies, max_side=side, dtype=dtype, max_branches=max_branches)
        began = time.perf_counter()
        for results in runs:
            seconds = time.perf_counter() - began
            records = {id(r): frame_rows(video, r, scored, seconds) for r in _distinct(results)}
            for key, result in results.items():
                answer.add(key, records[id(result)])
                if masks is not None and configs[key].keeps_masks(video.name):
                    _save(masks[key], video, result)
            done += len(results)
            if progress is not None:
                progress(done, total, video.name, str(device))
            began = time.perf_counter()
        answer.cost += drawing + runs.cost
    log.info("%s: %s", shared.study, answer.cost)
    return answer


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
