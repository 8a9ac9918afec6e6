"""The contract that every desk adapter keeps; a vendor's test is a subclass that fills the hooks."""

import queue
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar, cast

import pytest

from bridge.errors import BadCredential, Conflict, DeliveryRefused, NotThere, Retryable, Unclear, Unsupported
from bridge.model import (
    AgentRecord,
    AgentStatus,
    Change,
    Event,
    EventKind,
    Priority,
    RawDelivery,
    Status,
    Ticket,
    TicketRef,
    Visibility,
)
from bridge.ports import Article, Capability, Clock, Desk, Gate, HelpDesk
from tests.contract.sink import Sink
from tests.contract.world import CUSTOMER, OpenGate, Running, TurnableClock, World

NOTE = "<p>Triage: billing, 0.92</p>"
WISHES: dict[Capability, Change] = {
    Capability.WRITE_PRIORITY: Change(priority=Priority.HIGH),
    Capability.WRITE_STATUS: Change(status=Status.PENDING),
    Capability.REMOVE_TAGS: Change(remove_tags=frozenset({"from_the_start"})),
    Capability.SUMMARY: Change(summary=NOTE),
    Capability.NOTIFY: Change(note=NOTE, tell=frozenset({"ana@acme.example"})),
}


class DeskContract(ABC):
    """Subclass as `TestZendesk(DeskContract)` and fill the hooks; every test here then runs against that vendor.

    Abstract hooks (methods):
        start_sandbox(clock)      start the vendor's sandbox on a free port (`sandbox.common.start`), its plan one that
                                  shows availability; `clock` gives unix seconds and must be the sandbox's only clock.
        desk_at(url, ...)         the adapter's desk, as the door builds it. `secrets`: the webhook secrets it accepts;
                                  `good_credential` False: an API credential that the sandbox does not know.
        sign(body, secret, at)    a delivery of this body that the vendor might have sent at `at`.
    Abstract hooks (class attributes):
        vendor                    the name of the adapter's folder
        write_calls_expected      write calls that `full_change` may cost
        field                     (name, value) of a custom field that the sandbox's tickets have, as `/_sandbox/state`
                                  shows it
        unknown_body              body of an event of a kind that the vendor never had
    Hooks with defaults, override where the vendor differs:
        register_webhook          registers the sink at the sandbox; the secret it signs with
        tampered                  a delivery with one byte flipped where the vendor's authenticity covers it
        is_write                  whether a row of the sandbox's call log is a write
        field_key                 what `Change.fields` calls the custom field; its name
        field_at_desk             the custom field's value in the ticket as `/_sandbox/state` shows it
        top_priority, raw_high    the highest priority that a human can set; HIGH as `/_sandbox/state` shows it
        ticket_type               a type that `Change.type` may ask for, None where the vendor has no such thing
        missing_id                id of a ticket that never was
        reply_kind                what a delivery of a requester's reply says, where the vendor cannot say it is one
        tells_load                whether the roster knows how many tickets an agent holds
    """

    vendor: ClassVar[str]
    write_calls_expected: ClassVar[int]
    field: ClassVar[tuple[str, object]]
    unknown_body: ClassVar[bytes]

    top_priority: ClassVar[Priority] = Priority.URGENT
    raw_high: ClassVar[object] = "high"
    ticket_type: ClassVar[str | None] = None
    missing_id: ClassVar[str] = "999999999"
    reply_kind: ClassVar[EventKind] = EventKind.REQUESTER_REPLIED
    tells_load: ClassVar[bool] = True

    # Hooks ------------------------------------------------------------------------------------------------------------

    @abstractmethod
    def start_sandbox(self, clock: TurnableClock) -> Running:
        """The vendor's sandbox, listening; it reads the time from `clock.unix`."""

    @abstractmethod
    def desk_at(
        self, url: str, *, secrets: Sequence[str], gate: Gate, clock: Clock, good_credential: bool = True
    ) -> Desk:
        """The desk under test, connected to the sandbox at `url`."""

    @abstractmethod
    def sign(self, body: bytes, secret: str, at: datetime) -> RawDelivery:
        """A delivery with this body that passes verification with this secret."""

    def register_webhook(self, sandbox: Running, sink: Sink, world: World) -> str:
        """Register the sink for everything that matters; the secret of its deliveries."""
        return str(world.control("POST", "/webhooks", {"url": sink.url})["secret"])

    def tampered(self, raw: RawDelivery) -> RawDelivery:
        """The delivery with one byte of its body flipped, as an attacker on the way might."""
        middle = len(raw.body) // 2
        return replace(raw, body=raw.body[:middle] + bytes([raw.body[middle] ^ 1]) + raw.body[middle + 1 :])

    def is_write(self, call: Mapping[str, Any]) -> bool:
        """True for a call that may have changed something; getting a token does not."""
        return call["method"] != "GET" and "/oauth/" not in call["path"]

    def field_key(self) -> str:
        """The key of the contract's custom field in `Change.fields` and `Ticket.fields`."""
        return self.field[0]

    def field_at_desk(self, ticket: Mapping[str, Any]) -> object:
        """The value of the contract's custom field at the desk."""
        return ticket["fields"].get(self.field[0])

    # Fixtures ---------------------------------------------------------------------------------------------------------

    @pytest.fixture
    def world(self) -> Iterator[World]:
        clock, gate, desks = TurnableClock(), OpenGate(), list[Desk]()

        def make_desk(secrets: Sequence[str], *, good_credential: bool = True) -> Desk:
            desk = self.desk_at(sandbox.url, secrets=secrets, gate=gate, clock=clock, good_credential=good_credential)
            desks.append(desk)
            return desk

        sandbox = self.start_sandbox(clock)
        with Sink(clock) as sink:
            try:
                world = World(clock, sandbox, sink, "", make_desk(["not-yet-registered"]), gate, make_desk)
                world.secret = self.register_webhook(sandbox, sink, world)
                world.desk = make_desk([world.secret])
                yield world
            finally:
                for desk in desks:
                    desk.close()
                sandbox.stop()

    @pytest.fixture
    def ref(self, world: World) -> TicketRef:
        return world.customer_writes(tags=["from_the_start"])

    @pytest.fixture
    def created(self, world: World, ref: TicketRef) -> RawDelivery:
        return world.deliveries(lambda event: event.kind is EventKind.TICKET_CREATED)[-1][0]

    def full_change(self, world: World) -> Change:
        """A change of everything that the vendor can express."""
        ana, billing = self.agent(world, "ana@acme.example"), self.team_id(world, "Billing")
        return Change(
            assignee_id=ana.id,
            team_id=billing,
            priority=Priority.HIGH if Capability.WRITE_PRIORITY in world.desk.can else None,
            add_tags=frozenset({"billing", "vip"}),
            fields={self.field_key(): self.field[1]},
            note=NOTE,
        )

    def agent(self, world: World, email: str) -> AgentRecord:
        return next(agent for agent in world.desk.roster().agents if agent.email == email)

    def team_id(self, world: World, name: str) -> str:
        return next(team.id for team in world.desk.roster().teams if team.name == name)

    # Deliveries -------------------------------------------------------------------------------------------------------

    def test_a_genuine_delivery_of_a_new_ticket_verifies_and_says_that_the_ticket_was_created(
        self, world: World, ref: TicketRef
    ) -> None:
        _, events = world.deliveries(lambda event: event.kind is EventKind.TICKET_CREATED)[-1]
        (event,) = events
        assert event.ticket == ref
        assert event.desk == world.desk.name

    def test_a_delivery_that_was_tampered_with_is_refused(self, world: World, created: RawDelivery) -> None:
        with pytest.raises(DeliveryRefused) as refusal:
            world.desk.verify(self.tampered(created))
        assert refusal.value.status in {401, 403, 404}

    def test_a_delivery_made_with_another_secret_is_refused(self, world: World, created: RawDelivery) -> None:
        with pytest.raises(DeliveryRefused):
            world.make_desk(["some-other-secret-of-equal-worth"]).verify(created)

    def test_while_secrets_rotate_the_old_and_the_new_one_both_verify(self, world: World, created: RawDelivery) -> None:
        rotating = world.make_desk(["some-other-secret-of-equal-worth", world.secret])
        assert rotating.verify(created).body == created.body
        again = self.sign(created.body, "some-other-secret-of-equal-worth", world.clock())
        assert rotating.verify(again).body == created.body

    def test_an_event_of_an_unknown_kind_is_read_as_unknown_and_keeps_its_name(self, world: World) -> None:
        delivery = world.desk.verify(self.sign(self.unknown_body, world.secret, world.clock()))
        (event,) = world.desk.read(delivery)
        assert event.kind is EventKind.UNKNOWN
        assert event.kind_raw

    @pytest.mark.parametrize("body", [b'{"broken": ', b"[]", b"3", b'"text"', b"\xff\xfe", b"{}"])
    def test_an_authentic_body_that_says_nothing_readable_is_not_lost(self, world: World, body: bytes) -> None:
        delivery = world.desk.verify(self.sign(body, world.secret, world.clock()))
        assert delivery.keep
        assert delivery.dedupe_key
        assert delivery.body == body
        assert [event.kind for event in world.desk.read(delivery)] == [EventKind.UNKNOWN]

    def test_a_repeated_delivery_has_the_same_key_and_another_event_another_key(
        self, world: World, ref: TicketRef, created: RawDelivery
    ) -> None:
        world.clock.later(90)
        world.customer_writes("Still empty today.", ticket=ref.id)
        replied, _ = world.deliveries(lambda event: event.kind is self.reply_kind)[-1]
        key = world.desk.verify(created).dedupe_key
        assert world.desk.verify(replace(created)).dedupe_key == key
        assert world.desk.verify(replied).dedupe_key != key

    def test_a_note_between_agents_is_never_taken_for_the_requesters_words(self, world: World, ref: TicketRef) -> None:
        world.human_edits(ref, note="Customer is furious, offer a refund.")
        events = self.events_until_quiet(world)
        said = [event for event in events if event.kind in {EventKind.REQUESTER_REPLIED, EventKind.AGENT_REPLIED}]
        public = [event for event in events if event.message and event.message.visibility is Visibility.PUBLIC]
        assert events
        assert not said
        assert not [event for event in public if event.message and "furious" in event.message.text]

    def events_until_quiet(self, world: World) -> list[Event]:
        events: list[Event] = []
        while True:
            quiet = world.control("GET", "/quiet")["pending"] == 0
            try:
                raw = world.sink.take() if not quiet else world.sink.take_at_once()
            except queue.Empty:
                return events
            events.extend(world.desk.read(world.desk.verify(raw)))

    # Reading ----------------------------------------------------------------------------------------------------------

    def test_fetch_gives_the_whole_ticket(self, world: World, ref: TicketRef) -> None:
        ticket = world.desk.fetch(ref)
        assert ticket.ref == ref
        assert ticket.complete
        assert ticket.stamp
        assert ticket.subject == "Empty invoice"
        assert ticket.requester is not None
        assert ticket.requester.email == CUSTOMER
        assert ticket.status in {Status.NEW, Status.OPEN}
        assert "from_the_start" in ticket.tags
        assert [(message.text, message.visibility) for message in ticket.messages] == [
            ("The invoice PDF is empty.", Visibility.PUBLIC)
        ]
        assert ticket.created_at is not None

    def test_the_requester_comes_with_their_organisation(self, world: World, ref: TicketRef) -> None:
        ticket = world.desk.fetch(ref)
        assert ticket.requester is not None
        requester = world.desk.requester(ticket.requester.id)
        assert requester.email == CUSTOMER
        assert requester.organisation is not None
        assert requester.organisation.name == "Globex"
        assert requester.created_at is not None
        assert ticket.created_at is not None
        assert abs(requester.created_at - ticket.created_at) <= timedelta(seconds=1)

    def test_a_desk_that_tells_of_many_requesters_says_of_each_what_it_says_of_one(
        self, world: World, ref: TicketRef
    ) -> None:
        requester = world.desk.fetch(ref).requester
        assert requester is not None
        many = getattr(world.desk, "requesters", None)
        assert (many is not None) == (Capability.MANY_REQUESTERS in world.desk.can)
        if many is not None:
            assert many([requester.id, self.missing_id]) == {requester.id: world.desk.requester(requester.id)}

    def test_history_gives_the_requesters_tickets_newest_first(self, world: World, ref: TicketRef) -> None:
        world.clock.later(60)
        newer = world.customer_writes("And a second thing.", subject="Second thing")
        requester = world.desk.fetch(ref).requester
        assert requester is not None
        history = world.desk.history(requester.id, limit=5)
        assert [summary.ref for summary in history] == [newer, ref]
        assert [summary.ref for summary in world.desk.history(requester.id, limit=1)] == [newer]

    def test_a_private_note_never_comes_back_public(self, world: World, ref: TicketRef) -> None:
        world.human_edits(ref, note="Customer is furious, offer a refund.")
        world.write(Change(note=NOTE), ref)
        visibility = {message.text: message.visibility for message in world.desk.fetch(ref).messages}
        private = [text for text, seen in visibility.items() if seen is Visibility.PRIVATE]
        assert any("furious" in text for text in private)
        assert any("Triage: billing" in text for text in private)
        assert visibility["The invoice PDF is empty."] is Visibility.PUBLIC

    def test_a_ticket_that_is_not_there_says_so(self, world: World) -> None:
        with pytest.raises(NotThere):
            world.desk.fetch(TicketRef(world.desk.name, self.missing_id))

    def test_the_roster_names_agents_teams_status_and_load(self, world: World, ref: TicketRef) -> None:
        for agent, status in (("ana", "online"), ("bo", "away")):
            world.control("POST", "/agents/status", {"agent": f"{agent}@acme.example", "status": status})
        world.human_edits(ref, assignee="ana@acme.example", team="Billing", status="open")
        roster = world.desk.roster()
        agents = {agent.email: agent for agent in roster.agents}
        billing = next(team.id for team in roster.teams if team.name == "Billing")
        assert {"ana@acme.example", "bo@acme.example", "hana@acme.example"} <= set(agents)
        assert {"Billing", "Tech Support", "General"} <= {team.name for team in roster.teams}
        assert billing in agents["ana@acme.example"].team_ids
        assert agents["bridge@acme.example"].id == roster.acting_id
        assert roster.taken_at == world.clock()
        if Capability.AVAILABILITY in world.desk.can:
            assert agents["ana@acme.example"].status is AgentStatus.ONLINE
            assert agents["bo@acme.example"].status in {AgentStatus.AWAY, AgentStatus.OFFLINE}
        if self.tells_load:
            assert agents["ana@acme.example"].load == 1

    def test_reconciliation_finds_a_change_that_no_webhook_told(self, world: World, ref: TicketRef) -> None:
        cursor, first = self.everything_since(world, None)
        assert ref in first
        untouched = world.customer_writes("Another one.", subject="Another")
        cursor, second = self.everything_since(world, cursor)
        assert untouched in second
        world.human_edits(ref, add_tags=["found_by_polling"])
        _, third = self.everything_since(world, cursor)
        assert ref in third
        assert "found_by_polling" in third[ref].tags

    def everything_since(self, world: World, cursor: str | None) -> tuple[str, dict[TicketRef, Ticket]]:
        """Two minutes later (vendors hold back what is younger than one), page after page."""
        world.clock.later(120)
        found: dict[TicketRef, Ticket] = {}
        while True:
            page = world.desk.changed_since(cursor, start=world.clock() - timedelta(hours=1))
            found |= {ticket.ref: ticket for ticket in page.tickets}
            cursor = page.cursor
            if not page.more:
                return cursor, found

    # The help centre --------------------------------------------------------------------------------------------------

    def test_the_help_centre_gives_what_is_published_for_everybody_as_plain_text_with_its_address(
        self, world: World
    ) -> None:
        found = {article.title: article for article in self.all_articles(world)}
        assert sorted(found) == ["Export invoices as CSV", "Invite a colleague", "Reset your password"]
        reset = found["Reset your password"]
        assert reset.text == "Forgotten?\nChoose Forgot password on the sign-in page & follow the mail."
        assert reset.url is not None
        assert reset.url.startswith(f"{world.sandbox.url}/")
        assert len({article.url for article in found.values()}) == len(found)

    def test_every_page_of_a_large_help_centre_costs_one_call_and_none_of_its_articles_is_lost(
        self, world: World
    ) -> None:
        written = {f"Article {number}" for number in range(120)}
        for title in sorted(written):
            world.control("POST", "/articles", {"title": title, "body": "<p>Words.</p>"})
        self.help_desk(world).articles(None)  # a first call may bring a sign-in with it
        world.gate.calls.clear()
        pages, articles = self.pages_of_articles(world)
        assert {article.title for article in articles} > written
        assert len(world.gate.calls) == pages > 1
        assert not [call.route for call in world.gate.calls if any(map(str.isdigit, call.route.split("/")))]

    def test_a_page_that_is_refused_can_be_asked_for_again_by_the_same_cursor(self, world: World) -> None:
        for number in range(120):
            world.control("POST", "/articles", {"title": f"Article {number}", "body": "<p>Words.</p>"})
        first = self.help_desk(world).articles(None)
        world.faults(**{"429": {"next": 1, "retry_after": 7}})
        with pytest.raises(Retryable):
            self.help_desk(world).articles(first.cursor)
        assert self.help_desk(world).articles(first.cursor) == self.help_desk(world).articles(first.cursor)

    def test_a_language_gives_the_articles_that_are_translated_with_their_own_addresses(self, world: World) -> None:
        (german,) = self.all_articles(world, "de")
        assert (german.title, german.text) == ("Passwort zurücksetzen", "Wählen Sie Passwort vergessen.")
        assert german.url not in {article.url for article in self.all_articles(world)}

    def test_a_help_centre_that_is_switched_off_is_told_or_empty_and_never_taken_for_a_fault_of_the_moment(
        self, world: World
    ) -> None:
        world.control("PUT", "/help_center", {"enabled": False})
        with suppress(NotThere, BadCredential):
            assert self.all_articles(world) == []

    def help_desk(self, world: World) -> HelpDesk:
        """The desk, where the vendor has help centres."""
        assert hasattr(world.desk, "articles") == (Capability.HELP_CENTER in world.desk.can)
        if Capability.HELP_CENTER not in world.desk.can:
            pytest.skip(f"{self.vendor} has no help centres")
        return cast("HelpDesk", world.desk)

    def all_articles(self, world: World, locale: str | None = None) -> list[Article]:
        return self.pages_of_articles(world, locale)[1]

    def pages_of_articles(self, world: World, locale: str | None = None) -> tuple[int, list[Article]]:
        """How many pages there are, and what they hold."""
        found, cursor, pages = list[Article](), None, 0
        while pages == 0 or cursor is not None:
            page = self.help_desk(world).articles(cursor, locale=locale)
            found, cursor, pages = [*found, *page.articles], page.cursor, pages + 1
        return pages, found

    # Planning ---------------------------------------------------------------------------------------------------------

    def test_a_change_that_changes_nothing_takes_no_step(self, world: World, ref: TicketRef) -> None:
        change = self.full_change(world)
        world.write(change, ref)
        ticket = world.desk.fetch(ref)
        assert world.plan(replace(change, note=None), ticket).steps == ()
        assert world.plan(Change(), ticket).steps == ()

    def test_removing_a_tag_that_is_not_there_takes_no_step(self, world: World, ref: TicketRef) -> None:
        if Capability.REMOVE_TAGS in world.desk.can:
            change = Change(add_tags=frozenset({"from_the_start"}), remove_tags=frozenset({"never_was"}))
            assert world.plan(change, world.desk.fetch(ref)).steps == ()

    @pytest.mark.parametrize("capability", list(WISHES))
    def test_what_the_vendor_cannot_express_is_unsupported_and_never_dropped(
        self, world: World, ref: TicketRef, capability: Capability
    ) -> None:
        ticket = world.desk.fetch(ref)
        if capability in world.desk.can:
            assert world.plan(WISHES[capability], ticket).steps
        else:
            with pytest.raises(Unsupported):
                world.plan(WISHES[capability], ticket)

    def test_a_type_is_planned_or_unsupported(self, world: World, ref: TicketRef) -> None:
        ticket = world.desk.fetch(ref)
        if Capability.WRITE_TYPE in world.desk.can and self.ticket_type:
            assert world.plan(Change(type=self.ticket_type), ticket).steps
        else:
            with pytest.raises(Unsupported):
                world.plan(Change(type="incident"), ticket)

    @pytest.mark.parametrize("status", [Status.DELETED, Status.UNKNOWN])
    def test_no_desk_can_be_told_to_put_a_ticket_into_a_status_that_is_none(
        self, world: World, ref: TicketRef, status: Status
    ) -> None:
        with pytest.raises(Unsupported):
            world.plan(Change(status=status), world.desk.fetch(ref))

    # Writing ----------------------------------------------------------------------------------------------------------

    def test_a_change_of_everything_is_in_place_at_the_desk_afterwards(self, world: World, ref: TicketRef) -> None:
        change = self.full_change(world)
        world.write(change, ref)
        ticket = world.at_desk(ref)
        assert (ticket["assignee"], ticket["team"]) == ("ana@acme.example", "Billing")
        assert {"from_the_start", "billing", "vip"} <= set(ticket["tags"])
        assert self.field_at_desk(ticket) == self.field[1]
        assert [note for note in ticket["notes"] if "Triage: billing, 0.92" in note["body"]]
        assert not [reply for reply in ticket["replies"] if "Triage" in reply["body"]]
        if change.priority:
            assert ticket["priority"] == self.raw_high

    def test_a_change_of_everything_costs_no_more_write_calls_than_the_vendor_needs(
        self, world: World, ref: TicketRef
    ) -> None:
        operation = world.plan(self.full_change(world), world.desk.fetch(ref))
        before = len(world.state()["calls"])
        world.perform(operation)
        writes = [call for call in world.state()["calls"][before:] if self.is_write(call)]
        assert len(writes) == self.write_calls_expected

    def test_tags_come_and_go_without_touching_the_others(self, world: World, ref: TicketRef) -> None:
        removed = frozenset({"from_the_start"}) if Capability.REMOVE_TAGS in world.desk.can else frozenset[str]()
        world.human_edits(ref, add_tags=["by_a_human"])
        world.write(Change(add_tags=frozenset({"vip"}), remove_tags=removed), ref)
        assert set(world.at_desk(ref)["tags"]) == {"from_the_start", "by_a_human", "vip"} - removed

    def test_an_urgent_ticket_is_still_urgent_after_a_change_of_something_else(
        self, world: World, ref: TicketRef
    ) -> None:
        world.human_edits(ref, priority=self.top_priority.value)
        before, ticket = world.at_desk(ref)["priority"], world.desk.fetch(ref)
        assert ticket.priority is self.top_priority
        world.write(Change(add_tags=frozenset({"vip"}), note=NOTE), ref, ticket)
        assert world.at_desk(ref)["priority"] == before
        assert world.desk.fetch(ref).priority is self.top_priority

    def test_a_tag_that_a_human_added_meanwhile_is_never_lost(self, world: World, ref: TicketRef) -> None:
        stale = world.desk.fetch(ref)
        world.human_edits(ref, add_tags=["by_a_human"])
        world.write(Change(add_tags=frozenset({"vip"})), ref, stale)
        assert {"from_the_start", "by_a_human", "vip"} <= set(world.at_desk(ref)["tags"])

    def test_a_humans_edit_between_our_read_and_our_write_stays_and_is_a_conflict(
        self, world: World, ref: TicketRef
    ) -> None:
        operation = world.plan(self.full_change(world), world.desk.fetch(ref))
        world.human_edits(ref, assignee="cy@acme.example", team="Tech Support")
        with pytest.raises(Conflict):
            world.perform(operation)
        ticket = world.at_desk(ref)
        assert (ticket["assignee"], ticket["team"]) == ("cy@acme.example", "Tech Support")

    @pytest.mark.parametrize("change", [Change(note=NOTE), Change(add_tags=frozenset({"vip"}))], ids=["note", "tags"])
    def test_a_write_whose_answer_is_lost_is_unclear_and_its_effect_is_found(
        self, world: World, ref: TicketRef, change: Change
    ) -> None:
        (step,) = world.plan(change, world.desk.fetch(ref)).steps
        assert world.desk.find(step) is None
        world.faults(timeout_after_write={"next": 1, "hold": 0.05})
        with pytest.raises(Unclear):
            world.desk.perform(step, None)
        receipt = world.desk.find(step)
        assert receipt is not None
        assert receipt.found

    def test_a_write_that_is_cut_off_before_it_took_effect_is_unclear_and_not_found(
        self, world: World, ref: TicketRef
    ) -> None:
        (step,) = world.plan(Change(note=NOTE), world.desk.fetch(ref)).steps
        world.faults(reset={"probability": 1})
        with pytest.raises((Unclear, Retryable)):
            world.desk.perform(step, None)
        world.control("DELETE", "/faults")
        assert world.desk.find(step) is None
        assert not world.at_desk(ref)["notes"]

    # Faults -----------------------------------------------------------------------------------------------------------

    def test_a_429_is_retryable_after_the_seconds_that_the_vendor_names(self, world: World, ref: TicketRef) -> None:
        world.desk.fetch(ref)
        world.faults(**{"429": {"next": 1, "retry_after": 7}})
        with pytest.raises(Retryable) as refusal:
            world.desk.fetch(ref)
        assert refusal.value.after == pytest.approx(7)
        assert refusal.value.code == 429
        assert world.desk.fetch(ref).ref == ref

    def test_a_server_error_on_a_read_is_retryable(self, world: World, ref: TicketRef) -> None:
        world.desk.fetch(ref)
        world.faults(**{"500": {"next": 1}})
        with pytest.raises(Retryable):
            world.desk.fetch(ref)

    def test_a_desk_that_does_not_listen_is_retryable_for_reads_and_writes(self, world: World, ref: TicketRef) -> None:
        operation = world.plan(Change(note=NOTE), world.desk.fetch(ref))
        world.sandbox.stop()
        elsewhere = world.make_desk([world.secret])
        with pytest.raises(Retryable):
            elsewhere.fetch(ref)
        with pytest.raises(Retryable):
            elsewhere.perform(operation.steps[0], None)

    def test_a_credential_that_the_desk_does_not_know_is_told_as_such(self, world: World, ref: TicketRef) -> None:
        with pytest.raises(BadCredential):
            world.make_desk([world.secret], good_credential=False).fetch(ref)

    def test_every_call_passes_the_gate_under_a_route_without_ids(self, world: World, ref: TicketRef) -> None:
        before = len(world.state()["calls"])
        world.gate.calls.clear()
        world.desk.fetch(ref)
        assert len(world.gate.calls) == len(world.state()["calls"]) - before
        assert {call.status for call in world.gate.calls} == {200}
        assert not [call.route for call in world.gate.calls if ref.id.rpartition(":")[2] in call.route.split("/")]
        assert any(call.remaining is not None for call in world.gate.calls)
