"""Who a Zendesk customer is: one call for one or for a hundred, their companies beside them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import responses

from adapters.zendesk import ZendeskDesk
from bridge.ports import Capability
from tests.adapters.zendesk_wire import BASE
from tests.contract.world import OpenGate

MANY = f"{BASE}/api/v2/users/show_many.json"
COMPANIES = f"{BASE}/api/v2/organizations/show_many.json"
GLOBEX = {"id": 51, "name": "Globex", "organization_fields": {"tier": "enterprise"}}


@pytest.fixture
def wire() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


def user(number: int, company: int | None = None) -> dict[str, Any]:
    return {
        "id": number,
        "name": f"Customer {number}",
        "organization_id": company,
        "created_at": "2026-11-03T09:14:25Z",
    }


def test_many_customers_come_with_their_companies_in_one_call(
    wire: responses.RequestsMock, desk: ZendeskDesk, gate: OpenGate
) -> None:
    wire.get(MANY, json={"users": [user(1, 51), user(2), user(3, 51)], "organizations": [GLOBEX]})
    found = desk.requesters(["1", "2", "3", "4"])
    assert wire.calls[0].request.params == {"ids": "1,2,3,4", "include": "organizations"}  # type: ignore[attr-defined]  # responses adds it
    assert {id_: each.organisation and each.organisation.name for id_, each in found.items()} == {
        "1": "Globex",
        "2": None,
        "3": "Globex",
    }
    assert found["2"].created_at == datetime(2026, 11, 3, 9, 14, 25, tzinfo=UTC)
    assert [(call.route, call.cost) for call in gate.calls] == [("/api/v2/users/show_many", 1)]
    assert Capability.MANY_REQUESTERS in desk.can


def test_one_customer_comes_with_their_company_in_one_call(
    wire: responses.RequestsMock, desk: ZendeskDesk, gate: OpenGate
) -> None:
    wire.get(f"{BASE}/api/v2/users/1.json", json={"user": user(1, 51), "organizations": [GLOBEX]})
    organisation = desk.requester("1").organisation
    assert organisation is not None
    assert organisation.fields == {"tier": "enterprise"}
    assert [call.route for call in gate.calls] == ["/api/v2/users/{id}"]


def test_companies_that_were_not_loaded_beside_their_people_take_one_more_call(
    wire: responses.RequestsMock, desk: ZendeskDesk
) -> None:
    wire.get(MANY, json={"users": [user(1, 51), user(2, 52), user(3, 51)]})
    wire.get(COMPANIES, json={"organizations": [GLOBEX]})
    found = desk.requesters(["1", "2", "3"])
    assert wire.calls[1].request.params == {"ids": "51,52"}  # type: ignore[attr-defined]  # responses adds it
    assert found["3"].organisation is not None
    assert found["2"].organisation is None  # a company that is gone
