"""An outside judge: python-intercom, which Intercom publishes for the live service, finds its way in the sandbox."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from intercom import (
    AdminReplyConversationRequest,
    AdminReplyTicketRequest,
    ContactReplyIntercomUserIdRequest,
    CreateOrUpdateTagRequest,
    CreateTicketRequestContactsItemEmail,
    Intercom,
    MultipleFilterSearchRequest,
    SingleFilterSearchRequest,
    StartingAfterPaging,
)
from intercom.conversations import (
    ConversationsManageRequestBody_Assignment,
    ConversationsManageRequestBody_Close,
    ConversationsManageRequestBody_Open,
    ConversationsManageRequestBody_Snoozed,
    CreateConversationRequestFrom,
)
from intercom.core.api_error import ApiError
from intercom.errors import NotFoundError, UnauthorizedError

from sandbox.common import Running, start
from sandbox.intercom import ACCESS_TOKEN, IntercomSandbox

BRIDGE, ANA, BILLING = "9001", "9002", "5017690"
SUPPORT_REQUEST = "55"


@pytest.fixture
def running() -> Iterator[Running]:
    with start(IntercomSandbox()) as running:
        yield running


@pytest.fixture
def http() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False) as http:
        yield http


@pytest.fixture(params=["2.16", "2.15", "2.11"])
def library(request: pytest.FixtureRequest, running: Running, http: httpx.Client) -> Any:
    """The library names no version itself: each test runs at three that an app may be set to."""
    headers = {"Intercom-Version": request.param}
    return Intercom(token=ACCESS_TOKEN, base_url=running.url, httpx_client=http, headers=headers)


@pytest.fixture
def conversation(running: Running, http: httpx.Client) -> str:
    return written(running, http)


def written(running: Running, http: httpx.Client, body: str = "The PDF is empty.") -> str:
    """A customer writes; the id of the conversation."""
    say = {"email": "ada@globex.example", "name": "Ada Client", "subject": "Empty invoice", "body": body}
    ticket = http.post(f"{running.url}/_sandbox/customers/write", json=say).json()["ticket"]
    return str(ticket).removeprefix("conversation:")


def ticket(library: Any, title: str = "Broken export") -> Any:
    """A new ticket. The library forgot `ticket_attributes` in `create`; it lets us add them to the body."""
    attributes = {"ticket_attributes": {"_default_title_": title, "_default_description_": "The CSV is empty."}}
    return library.tickets.create(
        ticket_type_id=SUPPORT_REQUEST,
        contacts=[CreateTicketRequestContactsItemEmail(email="ada@globex.example")],
        request_options={"additional_body_parameters": attributes},
    )


def one(field: str, operator: str, value: Any) -> SingleFilterSearchRequest:
    return SingleFilterSearchRequest(field=field, operator=operator, value=value)


def test_the_library_lists_every_page_of_conversations(library: Any, running: Running, http: httpx.Client) -> None:
    ids = {written(running, http) for _ in range(5)}
    assert [found.id for found in library.conversations.list(per_page=2)] == sorted(ids, key=int, reverse=True)


def test_the_library_reads_a_conversation(library: Any, conversation: str) -> None:
    read = library.conversations.find(conversation, display_as="plaintext")
    assert (read.state, read.source.subject, read.source.body) == ("open", "Empty invoice", "The PDF is empty.")
    assert read.source.author.email == "ada@globex.example"
    assert not read.admin_assignee_id
    assert library.conversations.find(conversation).source.body == "<p>The PDF is empty.</p>"


def test_the_library_lists_every_page_of_articles(library: Any) -> None:
    listed = list(library.articles.list(per_page=2))
    assert len({article.id for article in listed}) == len(listed) == 6
    states = {article.title: (article.state, article.help_center_audience) for article in listed}
    assert states["Reset your password"] == ("published", "everyone")
    assert states["The platypus importer"] == ("draft", "everyone")
    assert states["How we refund"] == ("published", "restricted")


def test_the_library_creates_a_conversation_as_a_contact(library: Any, conversation: str) -> None:
    (contact,) = library.contacts.list()
    sender = CreateConversationRequestFrom(type="user", id=contact.id)
    message = library.conversations.create(from_=sender, body="Hello <there>")
    read = library.conversations.find(message.conversation_id, display_as="plaintext")
    assert read.id != conversation
    assert (read.source.body, read.contacts.contacts[0].id) == ("Hello <there>", contact.id)


def test_the_library_assigns_snoozes_closes_and_opens_a_conversation(library: Any, conversation: str) -> None:
    manage = library.conversations.manage
    team, admin = (
        ConversationsManageRequestBody_Assignment(type=who, admin_id=BRIDGE, assignee_id=to)
        for who, to in (("team", BILLING), ("admin", ANA))
    )
    manage(conversation, request=team)
    seen = manage(conversation, request=admin)
    assert (seen.admin_assignee_id, str(seen.team_assignee_id)) == (int(ANA), BILLING)
    snooze = ConversationsManageRequestBody_Snoozed(admin_id=BRIDGE, snoozed_until=4_000_000_000)
    assert manage(conversation, request=snooze).state == "snoozed"
    assert manage(conversation, request=ConversationsManageRequestBody_Close(admin_id=BRIDGE)).state == "closed"
    assert manage(conversation, request=ConversationsManageRequestBody_Open(admin_id=BRIDGE)).state == "open"


def test_the_library_updates_and_notes_and_answers_a_conversation(library: Any, conversation: str) -> None:
    library.conversations.update(conversation, title="Invoice", read=True, custom_attributes={"intent": "billing"})
    note = AdminReplyConversationRequest(message_type="note", body="<p>Triage <b>done</b></p>", admin_id=BRIDGE)
    answer = AdminReplyConversationRequest(message_type="comment", body="We are on it.", admin_id=ANA)
    library.conversations.reply(conversation, request=note)
    read = library.conversations.reply(conversation, request=answer)
    parts = [part for part in read.conversation_parts.conversation_parts if part.body]
    assert (read.title, read.read, read.custom_attributes) == ("Invoice", True, {"intent": "billing"})
    assert [(part.part_type, part.body, part.author.id) for part in parts] == [
        ("note", "<p>Triage <b>done</b></p>", BRIDGE),
        ("comment", "<p>We are on it.</p>", ANA),
    ]
    assert all(part.app_package_code for part in parts)


def test_the_library_answers_as_a_contact_and_that_opens_a_closed_conversation(library: Any, conversation: str) -> None:
    close = ConversationsManageRequestBody_Close(admin_id=BRIDGE)
    assert not library.conversations.manage(conversation, request=close).open
    (contact,) = library.contacts.search(query=one("email", "=", "ada@globex.example"))
    reply = ContactReplyIntercomUserIdRequest(body="Still empty.", intercom_user_id=contact.id)
    read = library.conversations.reply(conversation, request=reply)
    last = read.conversation_parts.conversation_parts[-1]
    assert (read.state, last.body, last.author.type) == ("open", "<p>Still empty.</p>", "user")


def test_the_library_makes_applies_and_takes_off_a_tag(library: Any, conversation: str) -> None:
    made = library.tags.create(request=CreateOrUpdateTagRequest(name="vip"))
    assert library.tags.create(request=CreateOrUpdateTagRequest(name="VIP")).id == made.id
    assert library.tags.tag_conversation(conversation, tag_id=made.id, admin_id=BRIDGE).name == "vip"
    assert [tag.name for tag in library.conversations.find(conversation).tags.tags] == ["vip"]
    library.tags.untag_conversation(conversation, made.id, admin_id=BRIDGE)
    assert library.conversations.find(conversation).tags.tags == []
    assert [tag.id for tag in library.tags.list().data] == [made.id]
    library.tags.delete(made.id)
    assert library.tags.list().data == []


def test_the_library_searches_conversations(library: Any, running: Running, http: httpx.Client) -> None:
    ids = [written(running, http, body) for body in ("An invoice", "An export", "Two invoices")]
    query = MultipleFilterSearchRequest(
        operator="AND", value=[one("state", "=", "open"), one("source.body", "~", "invoice")]
    )
    assert {found.id for found in library.conversations.search(query=query)} == {ids[0], ids[2]}


def test_the_library_turns_the_pages_of_a_search_by_hand(library: Any, running: Running, http: httpx.Client) -> None:
    """By hand, since its own pager asks for the first page for ever."""
    ids = {written(running, http) for _ in range(5)}
    query, sizes, met = one("source.subject", "=", "Empty invoice"), [], []
    after: StartingAfterPaging | None = StartingAfterPaging(per_page=2)
    while after:
        page = library.conversations.search(query=query, pagination=after)
        sizes.append(len(page.items))
        met += [found.id for found in page.items]
        assert page.response.total_count == 5
        after = page.response.pages.next
    assert sizes == [2, 2, 1]
    assert set(met) == ids


def test_the_library_creates_updates_notes_and_tags_a_ticket(library: Any) -> None:
    made = ticket(library)
    states = {state.category: state.id for state in library.ticket_states.list_ticket_states().data}
    library.tickets.update(
        made.id,
        ticket_attributes={"intent": "export"},
        ticket_state_id=states["waiting_on_customer"],
        admin_id=int(BRIDGE),
        assignee_id=ANA,
    )
    library.tickets.update(made.id, admin_id=int(BRIDGE), assignee_id=BILLING)
    note = AdminReplyTicketRequest(message_type="note", body="Triage: export", admin_id=BRIDGE)
    assert library.tickets.reply(made.id, request=note).part_type == "note"
    tag = library.tags.create(request=CreateOrUpdateTagRequest(name="export"))
    assert library.tags.tag_ticket(made.id, tag_id=tag.id, admin_id=BRIDGE).id == tag.id
    read = library.tickets.get(made.id)
    assert read.ticket_attributes["_default_title_"] == "Broken export"
    assert read.ticket_attributes["intent"] == "export"
    assert read.ticket_state.category == "waiting_on_customer"
    assert (str(read.admin_assignee_id), str(read.team_assignee_id)) == (ANA, BILLING)
    assert read.ticket_parts.ticket_parts[-1].body == "<p>Triage: export</p>"
    assert library.tags.untag_ticket(made.id, tag.id, admin_id=BRIDGE).id == tag.id


def test_the_library_searches_and_deletes_tickets(library: Any) -> None:
    export, invoice = ticket(library), ticket(library, "Wrong invoice")
    assert export.ticket_id != invoice.ticket_id
    assert [found.id for found in library.tickets.search(query=one("title", "~", "export"))] == [export.id]
    assert library.tickets.delete_ticket(export.id).deleted
    with pytest.raises(ApiError) as refusal:
        library.tickets.get(export.id)
    assert refusal.value.status_code == 404


def test_the_library_reads_people_and_companies(library: Any, conversation: str) -> None:
    assert library.admins.identify().email == "bridge@acme.example"
    admins = {admin.email: admin for admin in library.admins.list().admins}
    assert admins["ana@acme.example"].team_ids == [int(BILLING)]
    assert [team.name for team in library.teams.list().teams] == ["Billing", "Tech Support", "General"]
    away = library.admins.away(int(ANA), away_mode_enabled=True, away_mode_reassign=False)
    assert away.away_mode_enabled
    assert library.admins.find(int(ANA)).away_mode_enabled
    contact = library.contacts.find(library.conversations.find(conversation).contacts.contacts[0].id)
    globex = library.companies.find(contact.companies.data[0].id)
    assert (globex.name, globex.custom_attributes["tier"]) == ("Globex", "enterprise")
    assert {company.name for company in library.companies.list()} == {"Globex", "Initech", "Hooli", "Umbrella"}


def test_the_library_understands_the_refusals(library: Any, running: Running, conversation: str) -> None:
    with pytest.raises(NotFoundError):
        library.conversations.find("1")
    with pytest.raises(ApiError, match="parameter_invalid") as refusal:
        library.conversations.update(conversation, custom_attributes={"colour": "red"})
    assert refusal.value.status_code == 400
    with httpx.Client(trust_env=False) as http, pytest.raises(UnauthorizedError):
        Intercom(token="wrong", base_url=running.url, httpx_client=http).admins.list()
