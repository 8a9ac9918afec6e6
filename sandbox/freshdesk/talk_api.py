"""The routes of what is said under a ticket: conversations, notes, replies, the pinned summary."""

from flask import Blueprint, Response, g

from sandbox.freshdesk import render
from sandbox.freshdesk.account import Account
from sandbox.freshdesk.fields import Check, existing, filled, flag, strings, text, validate
from sandbox.freshdesk.records import Conversation, Ticket
from sandbox.freshdesk.ticket_api import find_ticket
from sandbox.freshdesk.tickets import NOTE, REPLY, Tickets, Words
from sandbox.freshdesk.wire import JSON, PAGING, Refusal, body, paged, query


def talk_routes(api: Blueprint, account: Account, acts: Tickets) -> None:
    """Add the routes of conversations and summaries."""
    _adding(api, account, acts)
    _existing(api, account, acts)
    _summary(api, account, acts)


def _adding(api: Blueprint, account: Account, acts: Tickets) -> None:
    @api.post("/tickets/<int:id_>/notes")
    def note(id_: int) -> tuple[JSON, int]:
        ticket = find_ticket(account, id_, to_write=True)
        checks: dict[str, Check] = {"body": filled, "private": flag, "incoming": flag, "notify_emails": strings}
        given = validate(body(), checks | {"user_id": existing("user", account.people())}, required=("body",))
        words = Words(
            given["body"],
            NOTE,
            private=given.get("private", True),
            incoming=given.get("incoming", False),
            user_id=given.get("user_id"),
            to_emails=tuple(given.get("notify_emails", ())),
        )
        return render.conversation(acts.say(ticket, words, g.actor)), 201

    @api.post("/tickets/<int:id_>/reply")
    def reply(id_: int) -> tuple[JSON, int]:
        ticket = find_ticket(account, id_, to_write=True)
        checks: dict[str, Check] = {"body": filled, "from_email": text, "cc_emails": strings, "bcc_emails": strings}
        given = validate(body(), checks | {"user_id": existing("user", account.people())}, required=("body",))
        words = Words(
            given["body"],
            REPLY,
            user_id=given.get("user_id"),
            from_email=given.get("from_email", f"support@{account.name}.freshdesk.com"),
            to_emails=(account.address(ticket.requester_id) or "",),
            cc_emails=tuple(given.get("cc_emails", ())),
            bcc_emails=tuple(given.get("bcc_emails", ())),
        )
        return render.conversation(acts.say(ticket, words, g.actor)), 201


def _existing(api: Blueprint, account: Account, acts: Tickets) -> None:
    @api.get("/tickets/<int:id_>/conversations")
    def conversations(id_: int) -> Response:
        given = query(**PAGING)
        return paged(find_ticket(account, id_).conversations, given, render.conversation)

    @api.put("/conversations/<int:id_>")
    def rewrite(id_: int) -> JSON:
        found = _note(account, id_)
        given = validate(body(), {"body": filled}, required=("body",))
        acts.rewrite(found, given["body"], g.actor)
        return render.conversation(found)

    @api.delete("/conversations/<int:id_>")
    def retract(id_: int) -> Response:
        acts.retract(_note(account, id_), g.actor)
        return Response(status=204)


def _note(account: Account, id_: int) -> Conversation:
    found = account.conversations.get(id_)
    if found is None:
        raise Refusal(404)
    if found.source != NOTE:
        raise Refusal(405)
    return found


def _summary(api: Blueprint, account: Account, acts: Tickets) -> None:
    @api.get("/tickets/<int:id_>/summary")
    def show_summary(id_: int) -> JSON:
        found = _with_summary(account, id_).summary
        if found is None:
            raise Refusal(404)
        return render.summary(found, id_)

    @api.put("/tickets/<int:id_>/summary")
    def put_summary(id_: int) -> JSON:
        ticket = _with_summary(account, id_, to_write=True)
        checks = {"body": filled, "user_id": existing("user", account.agents)}
        given = validate(body(), checks, required=("body",))
        acts.summarise(ticket, given["body"], given.get("user_id", g.actor.id), g.actor)
        return show_summary(id_)

    @api.delete("/tickets/<int:id_>/summary")
    def delete_summary(id_: int) -> Response:
        ticket = _with_summary(account, id_, to_write=True)
        if ticket.summary is None:
            raise Refusal(404)
        acts.summarise(ticket, None, g.actor.id, g.actor)
        return Response(status=204)


def _with_summary(account: Account, id_: int, *, to_write: bool = False) -> Ticket:
    if not account.summaries:
        raise Refusal(403, {"code": "require_feature", "message": "The summary feature is not supported in your plan."})
    return find_ticket(account, id_, to_write=to_write)
