"""One trial's part in the sweep that it shares: work on videos that nobody has done, then take its own rows.

Which trials share one is planned by `qpm.study.sharing`. Every trial runs its notebook, in a kernel of its own; the
first ones find the videos undone and do them for all, the others find their rows. What goes wrong with a video (a
policy that fails, memory that runs out) is left to the trials themselves, each alone.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from qpm import rows as tidy
from qpm.datasets import Video
from qpm.inference.resolve import controlled
from qpm.inference.run import signals_computed
from qpm.inference.sweep import Cost
from qpm.study.config import TrialConfig
from qpm.study.evaluate_together import Records, video_together
from qpm.study.frame_rows import names
from qpm.study.setup import Setup
from qpm.study.sweep_clock import SweepClock
from qpm.study.sweep_store import SweepStore

log = logging.getLogger(__name__)

TOGETHER = 32  # trials whose rows are dictionaries at a time
Tell = Callable[..., None]  # frames done and in all, summed over the trials; the phase; the device; shared; left


def find_sweep(folder: Path, setup: Setup) -> SharedSweep | None:
    """The sweep that the trial in this folder shares, as its record (`trial.json`) says; None if it runs alone."""
    record = folder / "trial.json"
    facts = json.loads(record.read_text(encoding="utf-8")).get("shared") if record.is_file() else None
    return SharedSweep(SweepStore(folder / facts["sweep"]), folder, setup) if facts else None


class SharedSweep:
    """A sweep as one of its trials sees it.

    Parameters
    ----------
    store : SweepStore
    folder : Path
        The trial's own; the others' lie beside it.
    setup : Setup
    """

    def __init__(self, store: SweepStore, folder: Path, setup: Setup) -> None:
        self.store, self.folder, self.setup = store, folder, setup

    @cached_property
    def trials(self) -> dict[str, dict[str, Any]]:
        """Folder name -> what is its own, of every trial of the sweep."""
        return self.store.trials()

    @cached_property
    def configs(self) -> dict[str, TrialConfig]:
        """Folder name -> config of every trial; only who does a video needs them."""
        common = self.setup.config.model_dump()
        return {name: TrialConfig.model_validate(common | own) for name, own in self.trials.items()}

    def work(self, progress: Tell | None = None) -> None:
        """Do the videos that nobody has done or is doing; then wait for the others'."""
        left = [place for place in range(len(self.setup.videos)) if not self._is_done(place)]
        if not left:
            return
        clock = SweepClock([len(video) for video in self.setup.videos], len(self.trials))
        for wait in (False, True):
            for place in left:
                if wait and progress is not None and not self._is_done(place):
                    phase = f"waits for {self.setup.videos[place].name}"
                    progress(*clock.told(self._undone(), place), phase, str(self.setup.device), shared=True)
                with self.store.claim(place, wait) as mine:
                    if mine and not self._is_done(place):
                        self._sweep(place, clock, progress)

    def rows(self, place: int) -> pd.DataFrame | None:
        """This trial's rows of a video; None if the sweep does not have them, or not the masks that are wanted."""
        table, config = self.store.rows(place, self.folder.name), self.setup.config
        if table is None or table.empty:
            return table
        name = str(table.sequence.iloc[0])
        lost = config.keeps_masks(name) and not (self.folder / "masks" / name).is_dir()
        return None if lost else table

    def _is_done(self, place: int) -> bool:
        return not self.store.may_try(place) or self.trials.keys() <= self.store.holds(place)

    def _undone(self) -> list[int]:
        return [place for place in range(len(self.setup.videos)) if not self._is_done(place)]

    def _sweep(self, place: int, clock: SweepClock, progress: Tell | None) -> None:
        """Do a video for all trials that the store does not have; what fails is given up."""
        video, held = self.setup.videos[place], self.store.holds(place)
        configs = {name: config for name, config in self.configs.items() if name not in held}
        undone = self._undone()
        clock.start(place, undone, sum(map(self.store.is_claimed, undone)))

        def tell(done: int) -> None:
            if progress is not None:
                share = done / (len(configs) * len(video))
                phase = f"{video.name} ({place + 1} of {len(self.setup.videos)}) for {len(configs)} trials"
                told, left = clock.told(undone, place, share), clock.left(share)
                progress(*told, phase, str(self.setup.device), shared=True, left=left)

        self.store.begin(place)
        try:
            followed = _followed(self.setup, video, configs)
            masks = {name: self.folder.parent / name / "masks" for name in followed}
            records, cost = video_together(self.setup, video, followed, tell, masks) if followed else ({}, Cost())
            signals = {name: _signals(records[name]) if name in followed else None for name in configs}
            self.store.write(place, _table(followed, records), signals, asdict(cost))
            clock.finish(place)
        except Exception:
            log.exception("%s: the sweep of %d trials failed; each is evaluated alone", video.name, len(configs))
            self.store.give_up(place)


def _followed(setup: Setup, video: Video, configs: Mapping[str, TrialConfig]) -> dict[str, TrialConfig]:
    """Those whose policy can be followed; the others fail alone, with the reason."""
    answer = {}
    for name, config in configs.items():
        try:
            signals_computed(setup.network, video, controlled(config.policy))
            answer[name] = config
        except ValueError as error:
            log.warning("%s takes no part in the sweep: %s", name, error)
    return answer


def _signals(records: Records) -> list[str]:
    """Signals of a trial's rows beyond the fixed columns, in their order."""
    return [name for name in dict.fromkeys(key for row in records for key in row) if name not in tidy.COLUMNS]


def _table(configs: Mapping[str, TrialConfig], records: Mapping[str, Records]) -> pd.DataFrame:
    """The tidy table of all trials, made of a few at a time: dictionaries take far more room than columns."""
    trials, few = list(configs), range(0, len(configs), TOGETHER)
    tables = [_few({name: configs[name] for name in trials[first : first + TOGETHER]}, records) for first in few]
    return pd.concat(tables, ignore_index=True) if tables else _few({}, {})


def _few(configs: Mapping[str, TrialConfig], records: Mapping[str, Records]) -> pd.DataFrame:
    rows: list[dict[str, Any]] = []
    for name, config in configs.items():
        own = names(config) | {"trial": name}
        rows += [row | own for row in records[name]]
    return tidy.check(pd.DataFrame(rows, columns=None if rows else list(tidy.COLUMNS)))
