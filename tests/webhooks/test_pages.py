"""The Flask app with every page, by Flask's own test client."""

from collections.abc import Iterator, Mapping

import pytest
from flask.testing import FlaskClient
from structlog.testing import capture_logs

from bridge.metrics import Metrics
from webhooks.pages import create_pages


class State:
    """What keeps the bridge from working, as a test has it."""

    def __init__(self) -> None:
        self.troubles: Mapping[str, str] = {}
        self.mistake: Exception | None = None

    def __call__(self) -> Mapping[str, str]:
        if self.mistake is not None:
            raise self.mistake
        return self.troubles


@pytest.fixture
def state() -> State:
    return State()


@pytest.fixture
def client(state: State) -> Iterator[FlaskClient]:
    pages = create_pages({"acme"}, Metrics(), state, lambda: {"policy": "is older than its file"})
    with pages.test_client() as client:
        yield client


@pytest.mark.parametrize("path", ["/hooks/acme", "/hooks/acme/", "/hooks/acme/secret", "/hooks/acme/secret/more"])
def test_a_connected_desk_finds_somebody_listening_at_every_path_below_its_own(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.get_json()) == (200, {"status": "listening"})
    assert (client.head(path).status_code, client.head(path).data) == (200, b"")


@pytest.mark.parametrize("path", ["/hooks/other", "/hooks//acme", "/hooks", "/", "/healthz/", "/hooks/acme//secret"])
def test_what_is_not_there_is_said_in_json_and_never_redirected(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.get_json()["status"] in {"not found", "no desk of that name is connected"}


@pytest.mark.parametrize(
    ("path", "more"), [("/healthz", set()), ("/hooks/acme", {"POST"}), ("/hooks/acme/x", {"POST"})]
)
def test_a_method_that_a_page_does_not_take_is_refused_in_json_with_those_it_takes(
    client: FlaskClient, path: str, more: set[str]
) -> None:
    answer = client.delete(path)
    assert (answer.status_code, answer.get_json()) == (405, {"status": "method not allowed"})
    assert set(answer.allow or ()) == {"GET", "HEAD", "OPTIONS"} | more
    assert set(client.options(path).allow or ()) == {"GET", "HEAD", "OPTIONS"} | more


def test_it_is_ready_with_its_warnings_and_not_ready_with_its_troubles(client: FlaskClient, state: State) -> None:
    warnings = {"policy": "is older than its file"}
    answer = client.get("/readyz")
    assert (answer.status_code, answer.get_json()) == (200, {"status": "ready", "troubles": {}, "warnings": warnings})
    state.troubles = {"database": "OperationalError"}
    answer = client.get("/readyz")
    expected = {"status": "not ready", "troubles": state.troubles, "warnings": warnings}
    assert (answer.status_code, answer.get_json()) == (503, expected)
    assert answer.headers["Retry-After"] == "5"


def test_a_page_that_fails_asks_to_come_again_and_tells_no_word_of_why(client: FlaskClient, state: State) -> None:
    state.mistake = RuntimeError("planted")
    with capture_logs() as logs:
        answer = client.get("/readyz?planted")
    assert (answer.status_code, answer.get_json(), answer.headers["Retry-After"]) == (
        503,
        {"status": "come again"},
        "5",
    )
    assert [(line["event"], line["error"]) for line in logs] == [("request failed", "RuntimeError")]
    assert "planted" not in str(logs)
