"""Parts of the tests of the Intercom sandbox's API: a caller that keeps every exchange, and its judge."""

from dataclasses import replace
from typing import Any

import httpx

from sandbox.intercom import ACCESS_TOKEN, IntercomSandbox
from tests.intercom_spec import DESCRIPTION, Exchange, intercom_spec

BRIDGE, ANA, CY = "9001", "9002", "9004"
BILLING, TECH = "5017690", "5017691"
"""Ids of the default workspace: the acting admin, two more, two teams."""

SHAPELESS = ("DELETE", "/tags/")
"""The description gives this call's reply no shape to hold it against."""

CONFLICT = 409
"""A contact that exists already; the description declares it nowhere, Intercom's page of error codes does."""


class Caller(httpx.Client):
    """The API of a desk with no socket in between, and its control face; keeps what went over the wire."""

    def __init__(self, desk: IntercomSandbox, *, version: str | None = "2.16", token: str = ACCESS_TOKEN) -> None:
        headers = {"Authorization": f"Bearer {token}"} | ({"Intercom-Version": version} if version else {})
        super().__init__(
            transport=httpx.WSGITransport(app=desk.app), base_url="http://intercom.example", headers=headers
        )
        self.exchanges: list[Exchange] = []

    def send(self, request: httpx.Request, **more: Any) -> httpx.Response:
        answer = super().send(request, **more)
        answer.read()
        kept = Exchange(
            request.method, str(request.url), request.headers, request.content, answer.status_code, answer.content
        )
        self.exchanges.append(kept)
        return answer

    def ok(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """A call that must succeed; its JSON."""
        answer = self.request(method, path, json=body, params=query or None)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refused(self, method: str, path: str, body: Any = None, **query: Any) -> tuple[int, str]:
        """A call that must be refused with an `error.list`; status and code."""
        answer = self.request(method, path, json=body, params=query or None)
        said = answer.json()
        assert said["type"] == "error.list", said
        assert said["request_id"]
        return answer.status_code, said["errors"][0]["code"]

    def customer(self, body: str = "The PDF is empty.", *, email: str = "ada@globex.example", **more: Any) -> str:
        """A customer writes; Intercom's id of the conversation or ticket."""
        said = {"email": email, "name": "Ada Client", "body": body} | more
        return str(self.ok("POST", "/_sandbox/customers/write", said)["ticket"]).rpartition(":")[2]

    def edit(self, item_id: str, agent: str = "bo@acme.example", **more: Any) -> None:
        """An admin works in the inbox; `set`, `reply`, `note` as the control face takes them."""
        self.ok("POST", "/_sandbox/agents/edit", {"agent": agent, "ticket": item_id, **more})

    def conversation(self, item_id: str, **query: Any) -> Any:
        return self.ok("GET", f"/conversations/{item_id}", **query)

    def ticket(self, item_id: str) -> Any:
        return self.ok("GET", f"/tickets/{item_id}")

    def newest_part(self, item_id: str) -> Any:
        return self.conversation(item_id)["conversation_parts"]["conversation_parts"][-1]

    def part(self, item_id: str, message_type: str, **more: Any) -> Any:
        """A call to /parts as the acting admin."""
        body = {"message_type": message_type, "type": "admin", "admin_id": BRIDGE} | more
        return self.ok("POST", f"/conversations/{item_id}/parts", body)

    def found(self, query: Any, kind: str = "conversations", **pagination: Any) -> list[str]:
        """The ids that one page of a search gives."""
        said = self.ok("POST", f"/{kind}/search", {"query": query, "pagination": pagination or None})
        return [row["id"] for row in said["data" if kind == "contacts" else kind]]

    def state(self, item_id: str) -> Any:
        """The item as the control face shows it."""
        tickets = self.ok("GET", "/_sandbox/state")["tickets"]
        return next(ticket for ticket in tickets if ticket["id"].endswith(f":{item_id}"))


def faulty_replies(caller: Caller) -> list[str]:
    """What Intercom's own description says against the replies a caller got; nothing where it is not at hand."""
    if not DESCRIPTION.exists():
        return []
    spec = intercom_spec()
    # Tests send wrong requests on purpose: only the replies are judged.
    judged = [replace(kept, body=b"") for kept in caller.exchanges if _is_judged(kept)]
    return [fault for kept in judged for fault in spec.faults(kept) if ": reply" in fault]


def _is_judged(kept: Exchange) -> bool:
    path = httpx.URL(kept.url).path
    shaped = kept.status != CONFLICT and not (kept.method == SHAPELESS[0] and path.startswith(SHAPELESS[1]))
    return kept.headers.get("intercom-version") == "2.16" and not path.startswith("/_sandbox") and shaped


def where(field: str, operator: str, value: Any) -> dict[str, Any]:
    """One filter of a search."""
    return {"field": field, "operator": operator, "value": value}
