"""Scheduled work: once however many processes there are, again after its interval, and never in silence."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from structlog.testing import capture_logs

from bridge.errors import BadCredential
from bridge.schedule import Job, Schedule
from bridge.store import Store
from tests.conftest import Clock

EVERY = timedelta(seconds=60)


class Work:
    """A job that counts its runs, and may fail."""

    def __init__(self, error: Exception | None = None) -> None:
        self.runs = 0
        self.error = error
        self.ran = threading.Event()
        self.job = Job("agents of acme", EVERY, self.run)

    def run(self) -> None:
        self.runs += 1
        self.ran.set()
        if self.error:
            raise self.error


def schedule(store: Store, clock: Clock, work: Work, owner: str = "one") -> Schedule:
    return Schedule(store, [work.job], owner=owner, clock=clock)


def test_of_many_processes_one_runs_a_job_in_its_interval(store: Store, clock: Clock) -> None:
    work = Work()
    processes = [schedule(store, clock, work, f"process-{n}") for n in range(4)]
    for _ in range(3):
        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(lambda process: process.attempt(work.job), processes)).count(True) == 1
        clock.turn(30)
        assert not any(process.attempt(work.job) for process in processes)
        clock.turn(30)
    assert work.runs == 3


def test_a_job_whose_process_died_is_run_by_another_once_its_lease_is_over(store: Store, clock: Clock) -> None:
    class Killed(BaseException):
        pass

    def die() -> None:
        raise Killed

    dying, work = Work(), Work()
    dying.job = Job("agents of acme", EVERY, die)
    try:
        schedule(store, clock, dying, "dying").attempt(dying.job)
    except Killed:
        clock.turn(29)
    other = schedule(store, clock, work, "other")
    assert not other.attempt(work.job)
    clock.turn(2)
    assert other.attempt(work.job)


def test_a_failure_is_told_until_the_job_succeeds_by_whatever_process(store: Store, clock: Clock) -> None:
    failing, working = Work(BadCredential("invalid_client", 401)), Work()
    one, other = schedule(store, clock, failing), schedule(store, clock, working, "other")
    assert one.failing() == {}
    assert one.attempt(failing.job)
    assert other.failing() == {"agents of acme": "invalid_client (HTTP 401)"}
    clock.turn(60)
    assert other.attempt(working.job)
    assert one.failing() == {}


def test_a_mistake_of_ours_is_told_without_its_message(store: Store, clock: Clock) -> None:
    work = Work(ValueError("a customer's words"))
    one = schedule(store, clock, work)
    with capture_logs() as logs:
        assert one.attempt(work.job)
    assert one.failing() == {"agents of acme": "internal error: ValueError"}
    assert "customer" not in str(logs)


def test_a_database_that_is_away_ends_nothing(sqlite_store: Store, clock: Clock) -> None:
    work = Work()
    one = schedule(sqlite_store, clock, work)
    with sqlite_store.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE jobs RENAME TO elsewhere")
    with capture_logs() as logs:
        assert not one.attempt(work.job)
    assert [line["event"] for line in logs] == ["job not run"]
    with sqlite_store.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO jobs")
    assert one.attempt(work.job)


def test_started_it_runs_what_is_due_at_once_and_stopped_it_runs_no_more(sqlite_store: Store, clock: Clock) -> None:
    work = Work()
    one = schedule(sqlite_store, clock, work)
    one.start()
    assert work.ran.wait(10)
    one.stop()
    assert work.runs == 1


def test_a_job_of_every_process_runs_in_each_and_its_mistake_ends_nothing(store: Store, clock: Clock) -> None:
    here, there = Work(RuntimeError("a mistake")), Work()
    for work in (here, there):
        work.job = Job("policy", timedelta(seconds=0.05), work.run, everywhere=True)
    processes = [schedule(store, clock, here, "one"), schedule(store, clock, there, "two")]
    with capture_logs():
        for process in processes:
            process.start()
        for work in (here, there):
            for _ in range(2):
                assert work.ran.wait(10)
                work.ran.clear()
        for process in processes:
            process.stop()
    assert processes[0].failing() == {}
