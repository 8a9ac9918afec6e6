"""Customers from the team's own database, asked with their own query, on both engines."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url, text

from bridge.model import Requester
from tests.conftest import Clock
from tests.enrichment.parts import PLANTED, Asking, FakeDesk, ticket, values

BY_EMAIL = "SELECT tier, plan, owner AS account_owner FROM customers WHERE lower(email) = :email"
CUSTOMERS = (
    "CREATE TABLE customers (email TEXT, tier TEXT, plan TEXT, owner TEXT, external_id TEXT)",
    "INSERT INTO customers VALUES ('Ada@globex.example', 'enterprise', 'Gold', 'Ana', 'g-1')",
    "INSERT INTO customers (email, tier) VALUES ('bo@twice.example', 'pro'), ('bo@twice.example', 'free')",
)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    path = tmp_path / "crm é?.db"
    with sqlite3.connect(path) as connection:
        for statement in CUSTOMERS:
            connection.execute(statement)
    connection.close()
    return f"sqlite:///{path}".replace("?", "%3F")


@pytest.fixture
def postgresql_url(postgresql: str) -> Iterator[str]:
    engine = create_engine(make_url(postgresql).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        for statement in CUSTOMERS:
            connection.execute(text(statement))
    yield postgresql
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE customers"))
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue(f"{request.param}_url")
    return found


def source(url: str, query: str = BY_EMAIL, **more: Any) -> dict[str, Any]:
    return {"kind": "sql", "url": url, "query": query, **more}


def test_the_row_of_the_customer_tells_the_facts_by_its_column_names(clock: Clock, url: str) -> None:
    with Asking(FakeDesk(), clock, source(url)) as ask:
        facts = ask()
    assert values(facts) == ("enterprise", "Gold", "Ana")
    assert facts["tier"].as_of == clock()
    assert facts["tier"].source.startswith("sql ")


def test_the_database_is_asked_once_in_five_minutes_and_its_answer_keeps_its_age(clock: Clock, sqlite_url: str) -> None:
    read_at = clock()
    with Asking(FakeDesk(), clock, source(sqlite_url)) as ask:
        ask()
        change(sqlite_url, "UPDATE customers SET tier = 'free'")
        clock.turn(299)
        assert (ask()["tier"].value, ask()["tier"].as_of) == ("enterprise", read_at)
        clock.turn(1)
        assert (ask()["tier"].value, ask()["tier"].as_of) == ("free", clock())


def test_a_customer_may_be_looked_up_by_any_of_the_four_words(clock: Clock, url: str) -> None:
    query = (
        "SELECT tier FROM customers WHERE external_id = :external_id "
        "AND CAST(:domain AS TEXT) = 'globex.example' AND CAST(:organisation AS TEXT) = 'Globex'"
    )
    with Asking(FakeDesk(), clock, source(url, query)) as ask:
        assert ask()["tier"].value == "enterprise"


def test_what_is_not_known_of_the_requester_is_null(clock: Clock, url: str) -> None:
    query = "SELECT 'walk-in' AS tier WHERE CAST(:external_id AS TEXT) IS NULL"
    desk = FakeDesk()
    desk.people["r1"] = Requester("r1", email="x@y.example")
    with Asking(desk, clock, source(url, query)) as ask:
        assert ask()["tier"].value == "walk-in"


def test_an_address_made_of_sql_is_only_an_address(clock: Clock, url: str) -> None:
    evil = Requester("r6", email="x' OR '1'='1@globex.example")
    with Asking(FakeDesk(), clock, source(url)) as ask:
        assert ask(ticket(evil))["tier"].reason == "missing"


def test_two_rows_for_one_customer_are_no_answer(clock: Clock, url: str) -> None:
    with Asking(FakeDesk(), clock, source(url)) as ask:
        tier = ask(ticket(Requester("r2", email="bo@twice.example")))["tier"]
    assert (tier.value, tier.reason) == (None, "failed: the query gave more than one row")


def test_a_query_that_writes_is_refused_and_changes_nothing(clock: Clock, url: str) -> None:
    query = "DELETE FROM customers WHERE lower(email) = :email RETURNING tier, plan, owner AS account_owner"
    with Asking(FakeDesk(), clock, source(url, query)) as ask:
        assert str(ask()["tier"].reason).startswith("failed: the database did not answer (")
    with Asking(FakeDesk(), clock, source(url)) as ask:
        assert values(ask()) == ("enterprise", "Gold", "Ana")


def test_a_query_that_takes_too_long_is_stopped(clock: Clock, url: str) -> None:
    endless = (
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
        "SELECT count(*) AS tier FROM n WHERE CAST(:email AS TEXT) <> ''"
    )
    with Asking(FakeDesk(), clock, source(url, endless, timeout_seconds=0.05)) as ask:
        assert ask()["tier"].reason == "failed: the database did not answer (OperationalError)"


@pytest.mark.parametrize(
    "query", ["SELECT :email FROM nowhere", f"SELEKT '{PLANTED}' || :email", "SELECT 1/0 || :email ||"]
)
def test_a_query_that_is_wrong_leaves_the_facts_unknown_and_quotes_nothing(clock: Clock, url: str, query: str) -> None:
    with Asking(FakeDesk(), clock, source(url, query)) as ask:
        facts = ask()
    assert values(facts) == (None, None, None)
    assert str(facts["tier"].reason).startswith("failed: the database did not answer (")
    assert PLANTED not in repr(facts)


def test_a_database_that_is_not_there_is_not_made(clock: Clock, tmp_path: Path) -> None:
    with Asking(FakeDesk(), clock, source(f"sqlite:///{tmp_path}/none.db")) as ask:
        assert ask()["tier"].reason == "failed: the database did not answer (OperationalError)"
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_is_not_there_costs_no_secret(clock: Clock) -> None:
    with Asking(FakeDesk(), clock, source(f"postgresql://crm:{PLANTED}@127.0.0.1:1/crm")) as ask:
        facts = ask()
        assert PLANTED not in repr((facts, ask.enrichers))
    assert facts["tier"].source == "sql crm"
    assert facts["tier"].reason == "failed: the database did not answer (OperationalError)"


def test_values_that_are_no_text_become_one_or_are_unknown(clock: Clock, postgresql_url: str) -> None:
    query = "SELECT 12.50::numeric AS tier, 7 AS plan, now() AS account_owner WHERE :email <> ''"
    with Asking(FakeDesk(), clock, source(postgresql_url, query)) as ask:
        facts = ask()
    assert values(facts) == ("12.50", "7", None)
    assert facts["account_owner"].reason == "failed: the value is neither text nor a number"


def change(url: str, statement: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()
