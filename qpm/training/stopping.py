"""SIGTERM and SIGINT ask a training to save and stop; one that comes some seconds later stops it at once."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

# Seconds in which a repeated signal is the same request: `timeout` signals its child and then the child's group, and
# where Slurm signals every process of a job, torchrun passes its own signal on.
SAME = 3.0


class Stopped(KeyboardInterrupt):
    """The training was asked to stop and has saved its state; `exit_code` is 130 for SIGINT and 143 for SIGTERM."""

    def __init__(self, number: int, done: int, total: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name} after {done} of {total} iterations; it can go on")
        self.exit_code = 128 + number


class StopRequest:
    """Which signal has arrived; 0 while none has."""

    def __init__(self) -> None:
        self.number = 0
        self.since = 0.0

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Note the first signal; let one that comes later than its repetitions act as it always does."""
        if not self.number:
            self.number, self.since = number, time.monotonic()
        elif time.monotonic() - self.since > SAME:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
            signal.raise_signal(number)


@contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """Watch for both signals; outside of the main thread, where Python allows no handlers, none will be seen."""
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    before = {number: signal.signal(number, request) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
