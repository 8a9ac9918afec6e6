"""The wake-up between threads: none is missed, and who was woken can pass it on."""

import threading

from bridge.signal import Signal

LONG = 30.0


def waiting(signal: Signal, *, rings_on: bool) -> list[threading.Thread]:
    def wait() -> None:
        signal.wait_beyond(0, LONG)
        if rings_on:
            signal.ring()

    threads = [threading.Thread(target=wait) for _ in range(4)]
    for thread in threads:
        thread.start()
    return threads


def all_end(threads: list[threading.Thread]) -> bool:
    for thread in threads:
        thread.join(LONG / 3)
    return not any(thread.is_alive() for thread in threads)


def test_a_ring_that_comes_while_nobody_waits_is_remembered() -> None:
    signal = Signal()
    signal.ring()
    assert all_end(waiting(signal, rings_on=False))


def test_a_ring_passed_on_reaches_everybody() -> None:
    signal = Signal()
    threads = waiting(signal, rings_on=True)
    signal.ring()
    assert all_end(threads)


def test_ringing_all_wakes_everybody_at_once() -> None:
    signal = Signal()
    threads = waiting(signal, rings_on=False)
    signal.ring_all()
    assert all_end(threads)
