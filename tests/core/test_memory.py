"""Laws of what is remembered: our own writes are never taken for somebody's, and anybody else's always are."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from bridge.memory import Memory, applied, has_news, heard, observe
from bridge.model import Actor, ActorKind, Change, Message, Priority, Status, Ticket, TicketRef, Visibility
from bridge.store import codec

REF = TicketRef("acme", "1")
NOW = datetime(2026, 11, 3, 9, tzinfo=UTC)
FIELDS = ("assignee_id", "team_id", "priority", "status", "type")
NAMES = {"assignee_id": "assignee", "team_id": "team"}
TAGS = "abcd"

ids = st.sampled_from(["1", "2", "3"])
tags = st.frozensets(st.sampled_from(TAGS))
values = st.none() | st.integers(0, 3) | st.sampled_from(["x", "y"])
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "assignee_id": st.none() | ids,
    "team_id": st.none() | ids,
    "priority": st.sampled_from(Priority),
    "status": st.sampled_from(Status),
    "type": st.none() | st.sampled_from(["question", "problem"]),
}
custom = st.fixed_dictionaries({"plan": values, "area": values})
tickets = st.builds(
    Ticket, ref=st.just(REF), subject=st.just("s"), requester=st.none(), tags=tags, fields=custom, **VALUES
)
changes = st.builds(
    Change,
    assignee_id=st.none() | ids,
    team_id=st.none() | ids,
    status=st.none() | VALUES["status"],
    priority=st.none() | VALUES["priority"],
    type=VALUES["type"],
    add_tags=tags,
    remove_tags=tags,
    fields=st.dictionaries(st.sampled_from(["plan", "area"]), values),
).filter(lambda change: not change.add_tags & change.remove_tags)


def in_part(change: Change, ticket: Ticket, done: set[str]) -> Ticket:
    """The ticket once only the named parts of a change took effect."""
    whole = applied(change, ticket)
    parts = {name: getattr(whole if name in done else ticket, name) for name in FIELDS}
    marks = {tag for tag in TAGS if tag in (whole if f"tag {tag}" in done else ticket).tags}
    own = {name: (whole if name in done else ticket).fields[name] for name in ticket.fields}
    return replace(ticket, **parts, tags=frozenset(marks), fields=own)


PARTS = [*FIELDS, "plan", "area", *(f"tag {tag}" for tag in TAGS)]


@given(tickets, changes)
def test_a_finished_write_of_ours_is_nobodys(ticket: Ticket, change: Change) -> None:
    written = applied(change, ticket)
    assert observe(Memory(decided=True), written, written) == Memory(decided=True)


@given(tickets, changes, st.sets(st.sampled_from(PARTS)))
def test_whatever_part_of_an_unfinished_write_stands_at_the_desk_is_ours(
    ticket: Ticket, change: Change, done: set[str]
) -> None:
    memory = Memory(decided=True, attempted=change)
    assert observe(memory, ticket, in_part(change, ticket, done)) == memory


@given(tickets, st.none() | changes, st.sampled_from(FIELDS), st.data())
def test_a_field_that_is_neither_as_we_knew_it_nor_as_we_wrote_it_is_somebodys(
    ticket: Ticket, attempted: Change | None, field: str, data: st.DataObject
) -> None:
    theirs = data.draw(VALUES[field])
    wished = getattr(applied(attempted, ticket), field) if attempted else None
    assume(theirs not in (getattr(ticket, field), wished))
    assume(field != "status" or theirs not in {Status.NEW, Status.OPEN})  # desks set these by themselves
    found = observe(Memory(attempted=attempted), ticket, replace(ticket, **{field: theirs}))
    assert NAMES.get(field, field) in found.held
    assert ("team" in found.held) == (field == "team_id" or (field == "assignee_id" and theirs is not None))


@given(tickets, st.none() | changes, st.sampled_from(["plan", "area"]), values)
def test_a_custom_field_likewise(ticket: Ticket, attempted: Change | None, name: str, theirs: object) -> None:
    wished = applied(attempted, ticket).fields[name] if attempted else None
    assume(theirs not in (ticket.fields[name], wished))
    changed = replace(ticket, fields={**ticket.fields, name: theirs})
    assert f"field:{name}" in observe(Memory(attempted=attempted), ticket, changed).held


@given(tickets, st.none() | changes, tags)
def test_tags_that_somebody_took_off_or_put_on_are_remembered(
    ticket: Ticket, attempted: Change | None, theirs: frozenset[str]
) -> None:
    found = observe(Memory(attempted=attempted), ticket, replace(ticket, tags=theirs))
    ours = attempted or Change()
    assert found.refused_tags == (ticket.tags - theirs) - ours.remove_tags
    assert found.added_tags == (theirs - ticket.tags) - ours.add_tags


@given(tickets, tickets, st.lists(tickets, max_size=3))
def test_what_is_held_or_refused_once_stays_so(first: Ticket, second: Ticket, later: list[Ticket]) -> None:
    memory = observe(Memory(), first, second)
    held, refused, added = memory.held, memory.refused_tags, memory.added_tags
    for known, now in zip([second, *later], later, strict=False):
        memory = observe(memory, known, now)
    assert held <= memory.held
    assert refused <= memory.refused_tags
    assert added <= memory.added_tags


@given(tickets)
def test_an_assignee_found_at_first_sight_was_chosen_by_somebody(ticket: Ticket) -> None:
    expected = {"assignee", "team"} if ticket.assignee_id else set()
    assert observe(Memory(), None, ticket).held == expected


@given(tickets, tickets, st.none() | changes)
def test_it_comes_back_from_the_database_as_it_was(one: Ticket, other: Ticket, attempted: Change | None) -> None:
    memory = observe(Memory(decided=True, attempted=attempted, heard_at=NOW), one, other)
    assert codec.parse(Memory, codec.dump(memory)) == memory


def said(*minutes: int, by: ActorKind = ActorKind.REQUESTER, to: Visibility = Visibility.PUBLIC) -> list[Message]:
    return [Message(str(m), Actor(by), to, "words", NOW + timedelta(minutes=m)) for m in minutes]


def talk(messages: list[Message]) -> Ticket:
    return Ticket(REF, "s", None, Status.OPEN, messages=tuple(messages))


def test_only_a_new_public_message_of_the_requester_is_news() -> None:
    memory = heard(Memory(), talk(said(0, 1)))
    assert not has_news(memory, talk(said(0, 1)))
    assert has_news(memory, talk(said(0, 1, 2)))
    assert not has_news(memory, talk([*said(0, 1), *said(2, by=ActorKind.AGENT), *said(3, to=Visibility.PRIVATE)]))


def test_where_a_desk_shows_only_the_newest_messages_their_time_tells() -> None:
    memory = heard(Memory(), talk(said(0, 1, 2)))
    assert has_news(memory, talk(said(2, 3)))
    assert not has_news(memory, talk(said(2)))
    assert not has_news(memory, talk([]))
