"""An outside judge: python-freshdesk, which strangers wrote for the live service, finds its way in the sandbox."""

from collections.abc import Iterator
from typing import Any

import pytest
from freshdesk.v2.api import API
from freshdesk.v2.errors import (
    FreshdeskAccessDenied,
    FreshdeskBadRequest,
    FreshdeskNotFound,
    FreshdeskRateLimited,
    FreshdeskUnauthorized,
)
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter

from sandbox.freshdesk import AGENT_KEY, API_KEY, FreshdeskSandbox
from tests.sandbox.freshdesk_parts import Caller, served

DOMAIN = "acme.freshdesk.com"


class Loopback(HTTPAdapter):
    """Carries what is meant for the account's domain to the sandbox; the library stays as it is."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        assert request.url is not None
        request.url = request.url.replace(f"https://{DOMAIN}", self.url)
        return super().send(request, *args, **kwargs | {"proxies": {}})


@pytest.fixture
def caller() -> Iterator[Caller]:
    with served(FreshdeskSandbox()) as caller:
        yield caller


def library(caller: Caller, key: str = API_KEY) -> Any:
    api = API(DOMAIN, key)
    api._session.mount("https://", Loopback(caller.root))
    return api


@pytest.fixture
def api(caller: Caller) -> Iterator[Any]:
    api = library(caller)
    yield api
    api._session.close()


def test_the_library_creates_and_reads_a_ticket(api: Any) -> None:
    made = api.tickets.create_ticket(
        "Empty invoice",
        description="<p>The PDF is empty.</p>",
        email="ada@globex.example",
        tags=["billing"],
        custom_fields={"cf_vip": True},
    )
    read = api.tickets.get_ticket(made.id, "requester", "company", "stats", "conversations")
    assert (read.subject, read.description_text, read.tags) == ("Empty invoice", "The PDF is empty.", ["billing"])
    assert (read.status, read.priority, read.source) == ("open", "low", "portal")
    assert read.custom_fields["cf_vip"] is True
    assert read.requester["email"] == "ada@globex.example"
    assert read.company["name"] == "Globex"


def test_the_library_walks_the_knowledge_base(api: Any) -> None:
    (category,) = api.solutions.categories.list_categories()
    folders = {folder.name: folder for folder in api.solutions.folders.list_from_category(category.id)}
    assert (folders["Help"].visibility, folders["For the team"].visibility) == (1, 3)
    listed = {article.title: article for article in api.solutions.articles.list_from_folder(folders["Help"].id)}
    assert listed["Reset your password"].status == "published"
    assert listed["Reset your password"].description_text.endswith("follow the mail.")
    (german,) = api.solutions.articles.list_from_folder_translated(folders["Help"].id, "de")
    assert german.title == "Passwort zurücksetzen"


def test_the_library_updates_and_tags_a_ticket(api: Any, caller: Caller) -> None:
    id_ = caller.customer(tags=["old"])
    agent = next(agent for agent in api.agents.list_agents() if agent.contact["email"] == "cy@acme.example")
    api.tickets.update_ticket(id_, priority=3, status=3, responder_id=agent.id, tags=["vip", "api"])
    read = api.tickets.get_ticket(id_)
    assert (read.priority, read.status, read.responder_id, read.tags) == ("high", "pending", agent.id, ["vip", "api"])


def test_the_library_adds_notes_and_replies_and_lists_them(api: Any, caller: Caller) -> None:
    id_ = caller.customer()
    note = api.comments.create_note(id_, "Triage: <b>billing</b>")
    api.comments.create_reply(id_, "We are on it.")
    listed = api.comments.list_comments(id_)
    assert (note.private, note.source, note.body_text) == (True, "note", "Triage: billing")
    assert [(said.source, said.private, said.incoming) for said in listed] == [
        ("note", True, False),
        ("reply", False, False),
    ]


def test_the_library_lists_every_page_of_tickets(api: Any, caller: Caller) -> None:
    ids = {caller.customer(f"Number {number}") for number in range(105)}
    assert {ticket.id for ticket in api.tickets.list_tickets(filter_name=None)} == ids
    assert len(api.tickets.list_new_and_my_open_tickets()) == 105
    assert len(api.tickets.list_tickets(filter_name=None, updated_since="2020-01-01T00:00:00Z", page=2)) == 5


def test_the_library_searches_through_pages_of_thirty(api: Any, caller: Caller) -> None:
    for _ in range(31):
        caller.customer()
    caller.edit(31, set={"priority": "urgent"})
    assert len(api.tickets.filter_tickets("status:2")) == 31
    assert [ticket.id for ticket in api.tickets.filter_tickets("priority:4 AND agent_id:null")] == [31]


def test_the_library_reads_people_and_fields(api: Any, caller: Caller) -> None:
    caller.customer()
    me = api.agents.currently_authenticated_agent()
    contact = api.contacts.list_contacts(email="ada@globex.example")[0]
    company = api.companies.get_company(contact.company_id)
    fields = {field.name: field for field in api.ticket_fields.list_ticket_fields()}
    assert me.contact["email"] == "bridge@acme.example"
    assert company.custom_fields == {"tier": "enterprise", "plan": "Enterprise", "account_owner": "Ana Alvarez"}
    assert [group.name for group in api.groups.list_groups()] == ["Billing", "Tech Support", "General"]
    assert fields["status"].choices["6"] == ["Waiting on Customer", "Awaiting your Reply"]


def test_the_library_understands_the_refusals(api: Any, caller: Caller) -> None:
    id_ = caller.customer()
    with pytest.raises(FreshdeskBadRequest, match=r"Validation failed.*invalid_field"):
        api.tickets.update_ticket(id_, colour="red")
    with pytest.raises(FreshdeskNotFound):
        api.tickets.get_ticket(999)


@pytest.mark.parametrize(
    ("key", "refusal"), [("wrong", FreshdeskUnauthorized), (AGENT_KEY, FreshdeskAccessDenied)], ids=["wrong", "agent"]
)
def test_the_library_understands_why_a_key_will_not_do(caller: Caller, key: str, refusal: type[Exception]) -> None:
    other = library(caller, key)
    with pytest.raises(refusal):
        other.agents.list_agents()
    other._session.close()


def test_the_library_understands_a_spent_limit(api: Any, caller: Caller) -> None:
    caller.control("PUT", "/faults", **{"429": {"next": 1, "retry_after": 7}})
    with pytest.raises(FreshdeskRateLimited, match="until 7 seconds"):
        api.tickets.get_ticket(caller.customer())
