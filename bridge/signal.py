"""The tap on the shoulder: workers wait here for something to do instead of asking the database all the time."""

import threading


class Signal:
    """A wake-up for the threads of one process. One that comes while nobody waits is remembered."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._count = 0

    def ring(self) -> None:
        """Wake one of those who wait; who finds more work than their own rings on."""
        with self._condition:
            self._count += 1
            self._condition.notify()

    def ring_all(self) -> None:
        """Wake everybody who waits."""
        with self._condition:
            self._count += 1
            self._condition.notify_all()

    @property
    def count(self) -> int:
        """How often it rang so far: note it before looking for work, and wait for a later one."""
        return self._count

    def wait_beyond(self, count: int, timeout: float) -> None:
        """Return when it rang more than `count` times in all, or after `timeout` seconds."""
        with self._condition:
            self._condition.wait_for(lambda: self._count > count, timeout)
