"""SIGTERM and SIGINT ask a training to save and stop; a second one stops it at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stopped(KeyboardInterrupt):
    """The training was asked to stop and has saved its state; `exit_code` is 130 for SIGINT and 143 for SIGTERM."""

    def __init__(self, number: int, done: int, total: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name} after {done} of {total} iterations; it can go on")
        self.exit_code = 128 + number


class StopRequest:
    """Which signal has arrived; 0 while none has."""

    def __init__(self) -> None:
        self.number = 0

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Note the signal, and let the next one act as it always does."""
        self.number = number
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


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
