"""Customers from an HTTP endpoint of the team's own, real and hostile, over a real socket."""

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from werkzeug import Request, Response
from werkzeug.serving import make_server

from bridge.model import Requester
from tests.conftest import Clock
from tests.enrichment.parts import PLANTED, Asking, FakeDesk, ticket, values

RECORD = {"tier": "enterprise", "plan": "Gold", "account_owner": "Ana"}


class Crm:
    """An HTTP server that answers as the test says and keeps what it was asked."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.answer: Callable[[], Response] = lambda: said(RECORD)
        self.release = threading.Event()
        """Set when the test is over: what holds an answer back waits for it."""

    def __call__(self, environ: Any, start_response: Any) -> Any:
        self.requests.append(Request(environ))
        return self.answer()(environ, start_response)


def said(record: object, status: int = 200, **headers: str) -> Response:
    body = record if isinstance(record, bytes | str) else json.dumps(record)
    return Response(body, status, headers, mimetype="application/json")


@pytest.fixture
def crm() -> Crm:
    return Crm()


@pytest.fixture
def url(crm: Crm) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, crm, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/customers"
    crm.release.set()
    server.shutdown()
    thread.join()
    server.server_close()


def source(url: str, **more: Any) -> dict[str, Any]:
    return {"kind": "http", "url": url, "params": {"email": "{email}"}, **more}


def test_the_answer_tells_the_facts_with_the_host_as_their_source(clock: Clock, crm: Crm, url: str) -> None:
    with Asking(FakeDesk(), clock, source(url)) as ask:
        facts = ask()
    assert values(facts) == ("enterprise", "Gold", "Ana")
    assert (facts["tier"].source, facts["tier"].as_of) == ("127.0.0.1", clock())


def test_what_the_endpoint_is_asked_is_encoded_and_signed_with_the_bearer(clock: Clock, crm: Crm, url: str) -> None:
    params = {"who": "{email}", "at": "id:{external_id}/{domain}", "v": "2"}
    asker = Requester("r5", email="a&b=c d+e@x.example", external_id="ü#?")
    with Asking(FakeDesk(), clock, source(url, params=params, bearer=PLANTED)) as ask:
        ask(ticket(asker))
        assert PLANTED not in repr(ask.enrichers)
    [request] = crm.requests
    assert request.args.to_dict() == {"who": "a&b=c d+e@x.example", "at": "id:ü#?/x.example", "v": "2"}
    assert request.headers["Authorization"] == f"Bearer {PLANTED}"
    assert request.headers["Accept-Encoding"] == "identity"
    assert (request.method, request.path) == ("GET", "/customers")


def test_facts_may_lie_deeper_in_the_answer(clock: Clock, crm: Crm, url: str) -> None:
    crm.answer = lambda: said({"account": {"level": "pro", "owner": {"name": "Bo"}}, "a.b": "dotted"})
    fields = {"tier": "account.level", "account_owner": "account.owner.name", "plan": "a.b"}
    with Asking(FakeDesk(), clock, source(url, fields=fields)) as ask:
        assert values(ask()) == ("pro", "dotted", "Bo")


def test_the_endpoint_is_asked_once_in_five_minutes(clock: Clock, crm: Crm, url: str) -> None:
    with Asking(FakeDesk(), clock, source(url)) as ask:
        for seconds, asked in ((0, 1), (299, 1), (1, 2)):
            clock.turn(seconds)
            ask()
            assert len(crm.requests) == asked


@pytest.mark.parametrize("status", [404, 204])
def test_an_unknown_customer_is_missing_and_that_is_remembered_too(
    clock: Clock, crm: Crm, url: str, status: int
) -> None:
    crm.answer = lambda: said(b"", status)
    with Asking(FakeDesk(), clock, source(url)) as ask:
        assert [ask()["tier"].reason, ask()["tier"].reason] == ["missing", "missing"]
    assert len(crm.requests) == 1


HOSTILE: dict[str, tuple[Callable[[], Response], str]] = {
    "an error": (lambda: said({"error": PLANTED}, 500), "the endpoint answered 500"),
    "a refusal": (lambda: said({}, 401), "the endpoint answered 401"),
    "a redirect": (lambda: said({}, 302, Location="/elsewhere"), "the endpoint answered 302"),
    "a sign-in page": (lambda: said(f"<html>{PLANTED}</html>"), "the endpoint did not answer with JSON"),
    "nothing": (lambda: said(b""), "the endpoint did not answer with JSON"),
    "half an answer": (lambda: said('{"tier": "pro"'), "the endpoint did not answer with JSON"),
    "a list": (lambda: said([RECORD]), "the endpoint did not answer with a JSON object"),
    "a word": (lambda: said('"pro"'), "the endpoint did not answer with a JSON object"),
    "a tower": (lambda: said("[" * 60_000), "the endpoint did not answer with JSON"),
    "no text": (lambda: said(b"\xff\xfe\x00"), "the endpoint did not answer with JSON"),
    "a huge body": (lambda: said({"tier": "x" * 70_000}), "the endpoint answered with more than 65,536 bytes"),
    "an endless body": (
        lambda: Response(b"x" * 1_000 for _ in iter(int, 1)),
        "the endpoint answered with more than 65,536 bytes",
    ),
    "a packed bomb": (
        lambda: said(gzip.compress(b"[" + b" " * 10_000_000), 200, **{"Content-Encoding": "gzip"}),
        "the endpoint did not answer with JSON",
    ),
    "a list as a fact": (lambda: said({"tier": ["pro"]}), "the value is neither text nor a number"),
    "not a number": (lambda: said('{"tier": NaN}'), "the value is neither text nor a number"),
    "a long fact": (lambda: said({"tier": "x" * 201}), "the value is longer than 200 characters"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_answer_leaves_the_fact_unknown_with_the_reason_and_quotes_nothing(
    clock: Clock, crm: Crm, url: str, case: str
) -> None:
    crm.answer, reason = HOSTILE[case]
    with Asking(FakeDesk(), clock, source(url)) as ask:
        facts = ask()
    assert (facts["tier"].value, facts["tier"].reason) == (None, f"failed: {reason}")
    assert PLANTED not in repr(facts)


def test_a_redirect_is_not_followed(clock: Clock, crm: Crm, url: str) -> None:
    crm.answer = lambda: said({}, 307, Location=f"{url}?elsewhere")
    with Asking(FakeDesk(), clock, source(url, bearer=PLANTED)) as ask:
        ask()
    assert len(crm.requests) == 1


def test_markup_in_an_answer_is_a_value_like_any_other(clock: Clock, crm: Crm, url: str) -> None:
    crm.answer = lambda: said({"tier": "<b>pro</b>"})
    with Asking(FakeDesk(), clock, source(url)) as ask:
        assert ask()["tier"].value == "<b>pro</b>"  # whoever shows it escapes it


def test_an_endpoint_that_does_not_answer_is_given_up(clock: Clock, crm: Crm, url: str) -> None:
    crm.answer = lambda: said(RECORD) if crm.release.wait(10) else said({})
    with Asking(FakeDesk(), clock, source(url, timeout_seconds=0.1)) as ask:
        assert ask()["tier"].reason == "failed: the endpoint did not answer (ReadTimeout)"
        crm.release.set()


def test_an_endpoint_that_drips_is_given_up_when_its_time_is_over(clock: Clock, crm: Crm, url: str) -> None:
    def drops() -> Iterator[bytes]:
        for drop in (b"{", b'"tier":', b'"pro"', b"}"):
            clock.turn(1)
            yield drop

    crm.answer = lambda: Response(drops(), mimetype="application/json")
    with Asking(FakeDesk(), clock, source(url, timeout_seconds=2)) as ask:
        assert ask()["tier"].reason == "failed: the endpoint did not finish its answer in time"


def test_an_answer_after_the_deadline_is_there_for_the_next_ticket(clock: Clock, crm: Crm, url: str) -> None:
    arrived = threading.Event()

    def late() -> Response:
        arrived.set()
        assert crm.release.wait(10)
        return said(RECORD)

    crm.answer = late
    with Asking(FakeDesk(), clock, source(url, timeout_seconds=10)) as ask:
        assert ask(deadline=0.05)["tier"].reason == "late: no answer within 0.05 s"
        assert arrived.wait(10)
        crm.release.set()
        assert values(ask()) == ("enterprise", "Gold", "Ana")
    assert len(crm.requests) == 1


def test_a_host_that_is_not_there_is_said_so(clock: Clock) -> None:
    with Asking(FakeDesk(), clock, source("http://127.0.0.1:1/customers", bearer=PLANTED)) as ask:
        facts = ask()
    assert facts["tier"].reason == "failed: the endpoint did not answer (ConnectError)"
    assert PLANTED not in repr(facts)
