"""Laws of what is really written: never over somebody's choice, never a demotion, and never more than once."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bridge.memory import Memory, applied
from bridge.model import NOBODY, Change, Mode, Priority, Status, Ticket, TicketRef
from bridge.ports import Capability
from bridge.wish import settle, within
from tests.core.test_memory import changes, tags, tickets

EVERYTHING = frozenset(Capability)
HELD = ["assignee", "team", "priority", "status", "type", "field:plan", "field:area"]
ATTRIBUTES = {"assignee": "assignee_id", "team": "team_id"}

memories = st.builds(
    Memory, held=st.frozensets(st.sampled_from(HELD)), refused_tags=tags, added_tags=tags, decided=st.just(True)
)
abilities = st.frozensets(st.sampled_from(Capability))


def differences(change: Change, ticket: Ticket) -> set[str]:
    """The names of everything in which the change would move the ticket."""
    after = applied(change, ticket)
    names = {name for name in ("assignee_id", "team_id", "priority", "status", "type")
             if getattr(after, name) != getattr(ticket, name)}  # fmt: skip
    fields = {f"field:{name}" for name, value in after.fields.items() if ticket.fields.get(name) != value}
    return names | fields | {f"tag:{tag}" for tag in after.tags ^ ticket.tags}


@given(changes, tickets, memories, abilities)
def test_what_somebody_set_is_never_written_over(
    wanted: Change, ticket: Ticket, memory: Memory, can: frozenset[Capability]
) -> None:
    after = applied(settle(wanted, ticket, memory, can).change, ticket)
    for name in memory.held:
        kind, _, field = name.partition(":")
        if field:
            assert after.fields.get(field) == ticket.fields.get(field)
        else:
            attribute = ATTRIBUTES.get(kind, kind)
            assert getattr(after, attribute) == getattr(ticket, attribute)
    assert not (after.tags - ticket.tags) & memory.refused_tags
    assert memory.added_tags & ticket.tags <= after.tags


@given(changes, tickets, memories, abilities)
def test_a_priority_is_only_raised(wanted: Change, ticket: Ticket, memory: Memory, can: frozenset[Capability]) -> None:
    assert applied(settle(wanted, ticket, memory, can).change, ticket).priority.rank >= ticket.priority.rank


@given(changes, tickets, memories, abilities)
def test_it_says_only_what_is_wanted_and_only_what_is_not_so(
    wanted: Change, ticket: Ticket, memory: Memory, can: frozenset[Capability]
) -> None:
    change = settle(wanted, ticket, memory, can).change
    assert differences(change, ticket) <= differences(wanted, ticket)
    assert change.touches_fields == bool(differences(change, ticket))


@given(changes, tickets, memories, abilities)
def test_written_once_there_is_nothing_left_to_write(
    wanted: Change, ticket: Ticket, memory: Memory, can: frozenset[Capability]
) -> None:
    after = applied(settle(wanted, ticket, memory, can).change, ticket)
    assert settle(wanted, after, memory, can).change == Change()


@given(changes, tickets, memories, abilities)
def test_what_the_desk_cannot_say_is_not_asked_of_it(
    wanted: Change, ticket: Ticket, memory: Memory, can: frozenset[Capability]
) -> None:
    change = settle(wanted, ticket, memory, can).change
    assert change.status is None or Capability.WRITE_STATUS in can
    assert change.priority is None or Capability.WRITE_PRIORITY in can
    assert change.type is None or Capability.WRITE_TYPE in can


@given(changes, tickets, memories, abilities)
def test_every_wish_that_is_dropped_is_told(
    wanted: Change, ticket: Ticket, memory: Memory, can: frozenset[Capability]
) -> None:
    settled = settle(wanted, ticket, memory, can)
    dropped = differences(wanted, ticket) - differences(settled.change, ticket)
    if settled.change.team_id is None and "team_id" in dropped:
        dropped.discard("assignee_id")  # told with its team
    assert len(settled.kept) >= len(dropped)
    assert bool(settled.kept) == bool(dropped)


@given(changes, tickets)
def test_where_nobody_chose_anything_every_wish_is_written_but_a_demotion(wanted: Change, ticket: Ticket) -> None:
    wanted = replace(wanted, priority=Priority.URGENT)
    settled = settle(wanted, ticket, Memory(), EVERYTHING)
    assert differences(settled.change, ticket) == differences(wanted, ticket)
    assert settled.kept == ()


@given(changes, st.none() | st.text())
def test_a_mode_writes_what_it_promises(change: Change, note: str | None) -> None:
    assert within(Mode.SHADOW, change, note) == Change()
    assert within(Mode.SUGGEST, change, note) == Change(note=note)
    assert within(Mode.LIVE, change, note) == replace(change, note=note)


def test_an_agent_is_not_written_where_somebody_moved_the_ticket_to_another_team() -> None:
    ticket = Ticket(TicketRef("acme", "1"), "s", None, Status.OPEN, team_id="tech")
    wanted = Change(assignee_id="ana", team_id="billing")
    settled = settle(wanted, ticket, Memory(held=frozenset({"team"})), EVERYTHING)
    assert settled.change == Change()
    assert settled.kept == ("team was set by somebody else",)


def test_taking_nobodys_ticket_out_of_everybodys_hands_is_no_change() -> None:
    ticket = Ticket(TicketRef("acme", "1"), "s", None, Status.OPEN)
    assert settle(Change(assignee_id=NOBODY), ticket, Memory(), EVERYTHING).change == Change()
