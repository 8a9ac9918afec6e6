"""Background jobs: each carries its items out one after another while it is "working", and is told of by its id.

Nothing runs by itself, since the clock may be a test's: what was due by now is carried out before the next request is
looked at, which nobody outside can tell from the real thing but by webhooks that wait for that request.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from sandbox.common.faults import Faults
from sandbox.zendesk import errors

JOB_SECONDS = 0.2
"""How long a job works unless the sandbox is told otherwise."""

JOBS_MAX = 30
"""Jobs that may be under way at once."""

Row = dict[str, Any]
Item = Callable[[], Row]
"""Carries one item out and says what became of it."""


@dataclass
class Job:
    """A job: what is still to do, and what became of the rest. `lives` is how many items it does before it dies."""

    id: str
    kind: str
    started: float
    seconds: float
    items: Sequence[Item]
    lives: int
    results: list[Row] = field(default_factory=list)

    @property
    def ends_at(self) -> float:
        """Unix seconds."""
        return self.started + self.seconds

    def work(self, now: float) -> None:
        """Carry out the items whose time has come: they are spread evenly over the job's seconds."""
        share = 1.0 if now >= self.ends_at else max(0.0, now - self.started) / self.seconds
        due = deque(self.items[len(self.results) : min(self.lives, int(share * len(self.items)))])
        while due:
            self.results.append(due.popleft()())

    def status(self, now: float) -> str:
        """Working, completed or killed."""
        if now < self.ends_at:
            return "working"
        return "completed" if self.lives >= len(self.items) else "killed"


class Jobs:
    """The jobs of one account; guarded by the lock of the desk."""

    def __init__(self, clock: Callable[[], float], faults: Faults, chance: Random, seconds: float) -> None:
        self.seconds = seconds
        self._clock = clock
        self._faults = faults
        self._chance = chance
        self._jobs: dict[str, Job] = {}

    def start(self, kind: str, items: Sequence[Item]) -> Job:
        """A new job. Raises Refusal (429) where too many are under way."""
        now = self._clock()
        if sum(now < job.ends_at for job in self._jobs.values()) >= JOBS_MAX:
            raise errors.too_many_jobs()
        killed = self._faults.decide("kill", kind)
        lives = len(items) // 2 if killed else len(items)
        job = Job(f"V3-{self._chance.getrandbits(128):032x}", kind, now, self.seconds, items, lives)
        self._jobs[job.id] = job
        return job

    def work(self) -> None:
        """Carry out whatever is due by now."""
        for job in self._jobs.values():
            job.work(self._clock())

    def find(self, job_id: str) -> Job | None:
        """The job of that id."""
        return self._jobs.get(job_id)

    def forget(self) -> None:
        """Lose every job, as Zendesk does with old ones."""
        self._jobs.clear()
