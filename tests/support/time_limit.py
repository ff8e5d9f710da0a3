"""Fails a test that takes too long, instead of waiting for it."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class TooLongError(Exception):
    """The time is over."""


@contextmanager
def time_limit(cpu_seconds: float) -> Iterator[None]:
    """Raise when the process has used more CPU seconds than allowed; waiting costs nothing."""

    def stop(_: int, __: FrameType | None) -> None:
        raise TooLongError(f"not done after {cpu_seconds} CPU seconds")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, cpu_seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
