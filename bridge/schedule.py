"""Work by the clock: each job runs once however many processes there are, by a lease row of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import or_, select, update

from bridge.errors import DeskError, whereabouts
from bridge.ports import Clock
from bridge.store import Store
from bridge.store.tables import jobs

log = structlog.get_logger(__name__)

_LEASE = timedelta(seconds=30)
"""A job that takes longer than this is taken for dead and may be started by another process."""


@dataclass(frozen=True, slots=True)
class Job:
    """A piece of work to be done every so often; `name` is the same in every process.

    One process does it for all, unless `everywhere` has each do it for itself: then nothing is kept of how it went.
    """

    name: str
    every: timedelta
    run: Callable[[], None]
    everywhere: bool = False


class Schedule:
    """Runs jobs while started; every process tries every job, and the lease row lets one do it."""

    def __init__(self, store: Store, work: list[Job], *, owner: str, clock: Clock) -> None:
        self._store = store
        self._owner = owner
        self._clock = clock
        self._jobs = work
        self._scheduler = BackgroundScheduler(timezone="UTC")
        self.stopping = False

    def start(self) -> None:
        """Run what is due, now and from now on."""
        for job in self._jobs:
            self._scheduler.add_job(
                _run_here if job.everywhere else self.attempt,
                "interval",
                args=[job],
                seconds=job.every.total_seconds(),
                next_run_time=datetime.now(self._scheduler.timezone),
                max_instances=1,
                coalesce=True,
                misfire_grace_time=None,
            )
        self._scheduler.start()

    def stop(self) -> None:
        """End what runs, which may look at `stopping` to be quick, and start nothing more."""
        self.stopping = True
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)

    def failing(self) -> dict[str, str]:
        """Those of its jobs whose last run failed, in whatever process, with the words of it."""
        names = [job.name for job in self._jobs]
        with self._store.reading() as connection:
            failed = select(jobs.c.name, jobs.c.words).where(jobs.c.healthy.is_(False), jobs.c.name.in_(names))
            return {row.name: row.words for row in connection.execute(failed)}

    def attempt(self, job: Job) -> bool:
        """Run a job unless another process does or did within its interval; whether it was run. Never raises."""
        try:
            began = self._clock()
            if not self._claim(job, began):
                return False
            words = None
            try:
                job.run()
            except DeskError as error:
                words = str(error)
                log.warning("job failed", job=job.name, words=words)
            except Exception as error:  # noqa: BLE001 - a job's mistake must not end the schedule
                words = f"internal error: {type(error).__name__}"
                log.error("job failed", job=job.name, error=type(error).__name__, at=whereabouts(error))
            self._release(job, began, words)
        except Exception as error:  # noqa: BLE001 - the database may be away for a while
            log.error("job not run", job=job.name, error=type(error).__name__, at=whereabouts(error))
            return False
        return True

    def _claim(self, job: Job, now: datetime) -> bool:
        with self._store.writing() as connection:
            connection.execute(
                self._store.insert(jobs).values(name=job.name).on_conflict_do_nothing(index_elements=["name"])
            )
            claimed = connection.execute(
                update(jobs)
                .where(
                    jobs.c.name == job.name,
                    or_(jobs.c.lease_owner.is_(None), jobs.c.lease_until < now),
                    or_(jobs.c.last_run.is_(None), jobs.c.last_run <= now - job.every * 0.9),
                )
                .values(lease_owner=self._owner, lease_until=now + _LEASE)
            )
        return claimed.rowcount == 1

    def _release(self, job: Job, began: datetime, words: str | None) -> None:
        with self._store.writing() as connection:
            connection.execute(
                update(jobs)
                .where(jobs.c.name == job.name, jobs.c.lease_owner == self._owner)
                .values(
                    lease_owner=None,
                    lease_until=None,
                    last_run=began,
                    healthy=words is None,
                    words=words,
                )
            )


def _run_here(job: Job) -> None:
    """Run a job that every process has for itself. Never raises."""
    try:
        job.run()
    except Exception as error:  # noqa: BLE001 - the database may be away for a while, and a mistake must not end it
        log.error("job failed", job=job.name, error=type(error).__name__, at=whereabouts(error))
