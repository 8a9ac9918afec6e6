"""Zendesk's API by the names of what we ask for: zenpy where it can, the session under it where it cannot."""

import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast
from urllib.parse import quote

import zenpy
from zenpy.lib.api_objects import Ticket as ZenpyTicket

from adapters.zendesk.credentials import credential
from adapters.zendesk.mapping import Json, listing
from adapters.zendesk.options import ZendeskOptions
from adapters.zendesk.session import DOMAIN, SUBDOMAIN, DeskSession
from bridge.ports import Clock, Gate, Tokens

PAGE: Final = 100
"""The most that Zendesk's cursor pages hold."""

logging.getLogger("zenpy").setLevel(logging.WARNING)  # at DEBUG it logs whole bodies: customers' words


@dataclass(frozen=True, slots=True)
class Export:
    """One page of the incremental export; `cursor` None where the page named none."""

    tickets: list[Json]
    cursor: str | None
    ended: bool


class ZendeskClient:
    """One account. Thread-safe: each thread has a session and a zenpy of its own. Every call may raise DeskError."""

    def __init__(
        self, desk: str, options: ZendeskOptions, *, gate: Gate, clock: Clock, tokens: Tokens | None = None
    ) -> None:
        self.base = options.url
        self._desk = desk
        self._options = options
        self._gate = gate
        self._credential = credential(desk, options.credentials, clock, tokens)
        self._tokens = tokens
        self._mine = threading.local()
        self._lock = threading.Lock()
        self._sessions: list[DeskSession] = []

    def close(self) -> None:
        """Close the connections of all threads."""
        if self._tokens is not None:
            self._tokens.close()
        with self._lock:
            for session in self._sessions:
                session.close()
            self._sessions.clear()

    def ticket(self, ticket_id: str) -> Json:
        """A ticket with the people around it: {"ticket", "users", "organizations"}.

        Not through zenpy: with its cache off, and on it may not be, it loses what is loaded beside a ticket.
        """
        return self._get(f"tickets/{ticket_id}.json", include="users,organizations")

    def comments(self, ticket_id: str) -> Json:
        """The newest comments and their authors: {"comments", "users"}."""
        params = {"include": "users", "sort": "-created_at", "page[size]": PAGE}
        return self._get(f"tickets/{ticket_id}/comments.json", **params)

    def audits(self, ticket_id: str) -> Iterator[Json]:
        """Everything that was done to a ticket, in Zendesk's order, page by page."""
        return _plain(self._zenpy.tickets.audits(ticket=int(ticket_id)))

    def requested(self, user_id: str, limit: int) -> list[Json]:
        """A requester's tickets, newest first."""
        params = {"sort_by": "created_at", "sort_order": "desc", "per_page": min(limit, PAGE)}
        return listing(self._get(f"users/{user_id}/tickets/requested.json", **params).get("tickets"))

    def update(self, ticket_id: str, changes: Json) -> Json | None:
        """PUT the changes; the ticket afterwards, None where the answer does not show it."""
        shown = getattr(self._zenpy.tickets.update(_changed(ticket_id, changes)), "ticket", None)
        return _dict(shown) if shown else None

    def update_many(self, changes: Sequence[tuple[str, Json]]) -> str:
        """PUT changes of many tickets, by their ids; the id of the job that carries them out."""
        job = self._zenpy.tickets.update([_changed(*each) for each in changes])
        return str(job.id)

    def job(self, job_id: str) -> Json:
        """How far a job is, and at its end what became of each item."""
        return cast("Json", self._get(f"job_statuses/{quote(job_id, safe='')}.json").get("job_status") or {})

    def export(self, cursor: str | None, start: datetime) -> Export:
        """One page of the incremental export, from a cursor or from a time."""
        since = {"cursor": quote(cursor, safe="")} if cursor else {"start_time": int(start.timestamp())}
        page = self._zenpy.tickets.incremental(**since)
        ended = bool(getattr(page, "end_of_stream", True))
        return Export([_dict(ticket) for ticket in page.process_page()], getattr(page, "after_cursor", None), ended)

    def user(self, user_id: str) -> Json:
        """A user, customer or agent, with their company beside them: {"user", "organizations"}."""
        return self._get(f"users/{user_id}.json", include="organizations")

    def users(self, user_ids: Sequence[str]) -> Json:
        """Up to a hundred users, with their companies beside them: {"users", "organizations"}; unknown ids are left
        out."""
        return self._get("users/show_many.json", ids=",".join(user_ids), include="organizations")

    def me(self) -> Json:
        """The user in whose name our credential acts."""
        return _dict(self._zenpy.users.me())

    def organisations(self, organisation_ids: Sequence[str]) -> list[Json]:
        """Up to a hundred customers' companies."""
        ids = ",".join(organisation_ids)
        return listing(self._get("organizations/show_many.json", ids=ids).get("organizations"))

    def agents(self) -> list[Json]:
        """Everybody who may work tickets."""
        return list(_plain(self._zenpy.users(role=["agent", "admin"])))

    def groups(self) -> list[Json]:
        """The teams."""
        return list(_plain(self._zenpy.groups()))

    def memberships(self) -> list[Json]:
        """Who is in which group."""
        return list(_plain(self._zenpy.group_memberships()))

    def ticket_fields(self) -> list[Json]:
        """The account's ticket fields, system and custom."""
        return list(_plain(self._zenpy.ticket_fields()))

    def rules(self, kind: str) -> list[Json]:
        """The account's triggers or automations, as an admin wrote them."""
        return [row for page in self._pages(f"{kind}.json") for row in listing(page.get(kind))]

    def webhooks(self) -> list[Json]:
        """The account's webhooks."""
        return [row for page in self._pages("webhooks") for row in listing(page.get("webhooks"))]

    def signing_secret(self, webhook_id: str) -> str:
        """What a webhook's deliveries are signed with."""
        return str(self._get(f"webhooks/{quote(webhook_id, safe='')}/signing_secret")["signing_secret"]["secret"])

    def invocations(self, webhook_id: str) -> Iterator[Json]:
        """Pages of the calls of a webhook in the last seven days."""
        return self._pages(f"webhooks/{quote(webhook_id, safe='')}/invocations")

    def attempts(self, webhook_id: str, invocation_id: str) -> list[Json]:
        """Every try of one such call, with what was sent and what came back."""
        path = f"webhooks/{quote(webhook_id, safe='')}/invocations/{quote(invocation_id, safe='')}/attempts"
        return listing(self._get(path).get("attempts"))

    def account_settings(self) -> Json:
        """How the account is set up."""
        return cast("Json", self._get("account/settings.json").get("settings") or {})

    def custom_statuses(self) -> list[Json]:
        """The statuses of tickets, Zendesk's own and the account's."""
        return listing(self._get("custom_statuses.json").get("custom_statuses"))

    def articles(self, cursor: str | None, locale: str | None) -> Json:
        """One page of the help centre's articles, as Zendesk lets the acting user see them."""
        path = f"help_center/{quote(locale.lower(), safe='')}/articles" if locale else "help_center/articles"
        return self._get(path, **{"page[size]": PAGE, **({"page[after]": cursor} if cursor else {})})

    def write(self, method: str, path: str, body: Json | None = None) -> Json:
        """A call that zenpy lacks or would change; what it answers, empty where that is nothing."""
        answer = self._session.request(method, path, json=body)
        return cast("Json", answer.json()) if answer.content else {}

    def glance(self, path: str, **params: int) -> None:
        """Read a list as little as can be, to see whether it may be read at all."""
        self._get(path, **{"page[size]": 1, **params})

    def exchange(self, grant: dict[str, str]) -> dict[str, Any]:
        """What `/oauth/tokens` gives for a grant. Raises BadCredential."""
        return self._session.exchange(grant)

    @property
    def scope(self) -> str:
        """What our newest token allows, in Zendesk's words; empty where none came with it."""
        return self._credential.scope

    @property
    def ends(self) -> datetime | None:
        """When our credential holds no more, see `bridge.ports.Introduction`."""
        return self._credential.ends

    def availabilities(self) -> Iterator[Json]:
        """Pages (JSON:API) of who is available with how much work; zenpy lacks them."""
        return self._pages("agent_availabilities")

    def _pages(self, path: str) -> Iterator[Json]:
        page = self._get(path, **{"page[size]": PAGE})
        yield page
        while following := _next(page):
            page = self._json(following)
            yield page

    @property
    def _zenpy(self) -> Any:
        if not hasattr(self._mine, "zenpy"):
            self._mine.zenpy = zenpy.Zenpy(
                subdomain=SUBDOMAIN, domain=DOMAIN, session=self._session, anonymous=True, disable_cache=True
            )
        return self._mine.zenpy

    @property
    def _session(self) -> DeskSession:
        if not hasattr(self._mine, "session"):
            options = self._options
            self._mine.session = DeskSession(self._desk, self.base, self._credential, self._gate, options.timeout)
            with self._lock:
                self._sessions.append(self._mine.session)
        return cast("DeskSession", self._mine.session)

    def _get(self, path: str, **params: Any) -> Json:
        return self._json(f"/api/v2/{path}", params)

    def _json(self, url: str, params: dict[str, Any] | None = None) -> Json:
        return cast("Json", self._session.get(url, params=params).json())


def _changed(ticket_id: str, changes: Json) -> ZenpyTicket:
    ticket = ZenpyTicket(id=int(ticket_id))
    for name, value in changes.items():  # as attributes, for zenpy drops a None that it is constructed with
        setattr(ticket, name, value)
    return ticket


def _dict(item: Any) -> Json:
    return cast("Json", item.to_dict())


def _plain(items: Any) -> Iterator[Json]:
    return map(_dict, items)


def _next(page: Json) -> str | None:
    """The address of the next cursor page, None on the last."""
    more = (page.get("meta") or {}).get("has_more")
    return (page.get("links") or {}).get("next") if more else None
