"""Bulk updates: queued at once, done a while later, as Freshdesk's jobs are."""

import random
from dataclasses import dataclass, field

from sandbox.freshdesk.account import Account
from sandbox.freshdesk.records import Actor
from sandbox.freshdesk.tickets import REPLY, Tickets, Words
from sandbox.freshdesk.wire import JSON

JOB_SECONDS = 1.0
"""How long a job takes; the reference gives no time."""


@dataclass
class Job:
    """One bulk update; `results` has {"id", "success"} for each ticket once it is done."""

    id: str
    ids: list[int]
    values: JSON
    reply: str | None
    actor: Actor
    created_at: float
    done_at: float
    done: bool = False
    results: list[JSON] = field(default_factory=list)


class Jobs:
    """The jobs of an account; guarded by the lock of its desk."""

    def __init__(self, account: Account, tickets: Tickets, chance: random.Random) -> None:
        self.jobs: dict[str, Job] = {}
        self._account, self._tickets, self._chance = account, tickets, chance

    def queue(self, ids: list[int], values: JSON, reply: str | None, actor: Actor) -> Job:
        """A job that sets attributes of some tickets, and replies under each where there is a reply."""
        now = self._account.now()
        job = Job(f"{self._chance.getrandbits(128):032x}", ids, values, reply, actor, now, now + JOB_SECONDS)
        self.jobs[job.id] = job
        return job

    def run_due(self) -> None:
        """Do what is due by the clock; the desk calls it before every request."""
        for job in self.jobs.values():
            if not job.done and job.done_at <= self._account.now():
                job.done = True
                job.results = [{"id": id_, "success": self._do(job, id_)} for id_ in job.ids]

    def _do(self, job: Job, id_: int) -> bool:
        ticket = self._account.tickets.get(id_)
        if ticket is None or ticket.deleted:
            return False
        self._tickets.update(ticket, job.values, job.actor)
        if job.reply is not None:
            self._tickets.say(ticket, Words(job.reply, REPLY), job.actor)
        return True
