"""What every view of the sandbox works with: the account, the writer of tickets, webhooks, jobs and uploads."""

from collections.abc import Callable
from typing import Any

from flask import g, request

from sandbox.common import History, Sender
from sandbox.common.helpcenter import HelpCenter
from sandbox.zendesk import errors, events
from sandbox.zendesk.engine import Act, Engine
from sandbox.zendesk.hooks import Registry
from sandbox.zendesk.jobs import Job, Jobs
from sandbox.zendesk.state import Account, Ticket, User
from sandbox.zendesk.times import stamp


class Backend:
    """One account and all that acts on it; guarded by the lock of the desk."""

    def __init__(
        self,
        account: Account,
        clock: Callable[[], float],
        history: History,
        sender: Sender,
        *,
        jobs: Jobs,
        help_center: HelpCenter,
        export_delay: float,
    ) -> None:
        self.account = account
        self.now = clock
        self.export_delay = export_delay
        self.registry = Registry(account, sender)
        self.engine = Engine(account, clock, history, self._tell)
        self.jobs = jobs
        self.help_center = help_center
        self.uploads: dict[str, dict[str, Any]] = {}

    def ticket(self, number: int) -> Ticket:
        """The ticket with this id. Raises Refusal (404), for deleted ones too."""
        found = self.account.tickets.get(number)
        if found is None or found.deleted:
            raise errors.not_found()
        return found

    def set_status(self, agent: User, status: str) -> None:
        """Set an agent's unified status, and tell."""
        if agent.status == status:
            return
        previous, agent.status, agent.status_at = agent.status, status, self.now()
        self.registry.publish(events.of_status(self.account, agent, previous, self.now()), self.now())

    def render_job(self, job: Job, *, fresh: bool = False) -> dict[str, Any]:
        """A job as its API shows it; `fresh` for the answer to the call that started it."""
        status = "queued" if fresh else job.status(self.now())
        done = status in {"completed", "killed"}
        return {
            "id": job.id,
            "job_type": job.kind,
            "url": f"{request.host_url}api/v2/job_statuses/{job.id}.json",
            "total": len(job.items),
            "progress": None if fresh else len(job.results),
            "status": status,
            "message": f"{status.capitalize()} at {stamp(job.ends_at)}" if done else None,
            "results": job.results if done else None,
        }

    def _tell(self, act: Act) -> None:
        now = self.now()
        self.registry.publish(events.of_ticket(self.account, act), now)
        self.registry.publish(self._work_items(act, now), now)
        self.registry.fire(act, now)

    def _work_items(self, act: Act, now: float) -> list[events.Event]:
        """Whose load changed: the agent who lost the ticket, the one who got it."""
        fields = act.ticket.fields
        was = {name: act.changes.get(name, (fields[name],))[0] for name in ("assignee_id", "status")}
        before, after = (_holder(state) for state in (was, fields))
        if before == after:
            return []
        told = []
        for holder, added in ((before, False), (after, True)):
            if holder is not None:
                agent = self.account.users[holder]
                told.append(events.of_work_item(self.account, agent, act.ticket, now, added=added))
        return told


def _holder(state: dict[str, Any]) -> int | None:
    """Whose capacity a ticket takes in this state."""
    holder: int | None = state["assignee_id"]
    return holder if state["status"] in {"new", "open"} else None


def me() -> User:
    """Who is calling."""
    caller: User = g.actor
    return caller


def admin_only() -> None:
    """Raises Refusal (403) where an agent calls."""
    if me().role != "admin":
        raise errors.forbidden()


def given(name: str) -> dict[str, Any]:
    """The object of this name in the body. Raises Refusal (400)."""
    body = request.get_json(silent=True)
    wanted = body.get(name) if isinstance(body, dict) else None
    if not isinstance(wanted, dict) or not isinstance(wanted.get("comment") or {}, dict):
        raise errors.bad_request(f'The body must be a JSON object with "{name}"; a comment in it is an object too')
    return wanted


def ids(most: int) -> list[int]:
    """The numbers of `?ids=1,2`. Raises Refusal (400)."""
    words = [word for word in request.args.get("ids", "").split(",") if word.strip()]
    if len(words) > most:
        raise errors.too_many_values(most)
    if not words or not all(word.strip().isdigit() for word in words):
        raise errors.bad_request("ids must be a list of numbers, as in ids=1,2")
    return [int(word) for word in words]
