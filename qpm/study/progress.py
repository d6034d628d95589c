"""What a running study shows: a live screen on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from qpm.study import progress_file

QUIET = 30.0  # seconds between plain lines while nothing ends


class Display(Protocol):
    """Told of everything that happens; decides what to show."""

    def started(self, name: str) -> None: ...

    def ended(self, name: str, line: str, last: bool) -> None: ...

    def tick(self, running: Mapping[str, progress_file.Progress | None], left: float | None) -> None: ...

    def close(self) -> None: ...


def display(console: Console, total: int, done: int) -> Display:
    """The display that suits where the output goes.

    Parameters
    ----------
    console : Console
    total, done : int
        Trials of the study, and those that were finished before.
    """
    return Live(console, total, done) if console.is_terminal else Lines(console, total, done)


class Clock:
    """Time left, from the share of the work that is done: finished trials and parts of running ones.

    While trials work on a sweep that many share, their word counts; what was finished till then says nothing of the
    pace after it.
    """

    def __init__(self, pending: int) -> None:
        self.pending = pending
        self.finished = self.before = 0
        self.began = time.monotonic()

    def left(self, running: Mapping[str, progress_file.Progress | None]) -> float | None:
        """Seconds left; None while too little is done to tell."""
        sweeping = [told.left for told in running.values() if told is not None and told.shared]
        if sweeping:
            self.began, self.before = time.monotonic(), self.finished
            return max((left for left in sweeping if left is not None), default=None)
        parts = [told.done / told.total for told in running.values() if told is not None and told.total]
        share = (self.finished - self.before + sum(parts)) / max(self.pending - self.before, 1)
        if share < 0.02:
            return None
        return (time.monotonic() - self.began) * (1 - share) / share


class Live:
    """One screen: the study's bar, and a bar for each running trial; what ended scrolls above."""

    def __init__(self, console: Console, total: int, done: int) -> None:
        columns = ("{task.description}", "{task.fields[told]}", "{task.fields[left]}")
        self.screen = Progress(
            TextColumn(columns[0]), BarColumn(24), TextColumn(columns[1]), TimeElapsedColumn(), TextColumn(columns[2]),
            console=console, transient=True,
        )  # fmt: skip
        self.study = self.screen.add_task("trials", total=total, completed=done, told=f"{done}/{total}", left="")
        self.total, self.done = total, done
        self.trials: dict[str, TaskID] = {}
        self.screen.start()

    def started(self, name: str) -> None:
        self.trials[name] = self.screen.add_task(f"  {name}", total=None, told="starting", left="")

    def ended(self, name: str, line: str, last: bool) -> None:
        self.done += last
        self.screen.remove_task(self.trials.pop(name))
        self.screen.update(self.study, completed=self.done, told=f"{self.done}/{self.total}")
        self.screen.console.print(line, highlight=False, markup=False, soft_wrap=True)

    def tick(self, running: Mapping[str, progress_file.Progress | None], left: float | None) -> None:
        self.screen.update(self.study, left=left_text(left))
        for name, told in running.items():
            if told is not None:
                text = f"{told.done}/{told.total} {told.phase}"
                self.screen.update(self.trials[name], total=told.total, completed=told.done, told=text)

    def close(self) -> None:
        self.screen.stop()


class Lines:
    """A line when a trial starts or ends, and one every half minute in between."""

    def __init__(self, console: Console, total: int, done: int) -> None:
        self.console, self.total, self.done = console, total, done
        self.last = time.monotonic()

    def started(self, name: str) -> None:
        self._say(f"started {name}")

    def ended(self, name: str, line: str, last: bool) -> None:
        self.done += last
        self._say(f"{line} ({self.done} of {self.total} trials)")

    def tick(self, running: Mapping[str, progress_file.Progress | None], left: float | None) -> None:
        if time.monotonic() - self.last < QUIET:
            return
        said = {name: f"{t.done}/{t.total} {t.phase}" if t else "starting" for name, t in running.items()}
        parts = [f"{name} {how}" for name, how in said.items()]
        self._say(f"{', '.join(parts)}; {left_text(left) or 'too early to tell the time left'}")

    def close(self) -> None:
        pass

    def _say(self, line: str) -> None:
        self.last = time.monotonic()
        self.console.print(line, highlight=False, markup=False, soft_wrap=True)


def left_text(seconds: float | None) -> str:
    """``about 3 min left``; empty if nobody can tell."""
    return "" if seconds is None else f"about {duration(seconds)} left"


def duration(seconds: float) -> str:
    """Seconds as a reader says them: 8 s, 4 min, 2.5 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
