"""`deskbridge doctor`: what it finds at desks and here, that it finds it in whatever state, and that it only reads."""

import http.server
import json
import shutil
import sqlite3
import threading
import time
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from bridge.model import Delivery
from bridge.ports import Diagnosis, Health
from bridge.store import Store, installations
from bridge.store import budget as budgets
from bridge.store.bulk import Trust
from bridge.store.inbox import Arrival, keep
from bridge.store.tables import bulk_trust
from deskbridge.doctor import check_up
from deskbridge.wiring import read_settings, utc_now
from sandbox.common import CustomerMessage, Running, SandboxDesk, start
from sandbox.freshdesk import AGENT_KEY, API_KEY, FreshdeskSandbox
from sandbox.intercom import ACCESS_TOKEN, IntercomSandbox
from sandbox.intercom import CLIENT_SECRET as HUB_SECRET
from sandbox.zendesk import API_TOKEN, CLIENT_ID, CLIENT_SECRET, ZendeskSandbox
from tests.install.place import Place

POLICY = """
policy: deskbridge/v1
mode: shadow
teams:
  billing: {members: {ana: {capacity: 5}, bo: {capacity: 5}}}
route:
  - {name: everything, to: {team: billing}}
bindings:
  "*":
    teams: {billing: Billing}
    agents: {ana: ana@acme.example, bo: bo@acme.example}
tests:
  - {name: anything, given: {body: hello}, expect: {route: everything}}
"""

CLIENT = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
DESKS: dict[str, dict[str, Any]] = {
    "zendesk": {"credentials": CLIENT},
    "freshdesk": {"api_key": API_KEY},
    "intercom": {"access_token": ACCESS_TOKEN, "app_id": "ab12cd34", "webhook_secrets": [HUB_SECRET]},
}
SANDBOXES: dict[str, Callable[..., SandboxDesk]] = {
    "zendesk": ZendeskSandbox,
    "freshdesk": FreshdeskSandbox,
    "intercom": IntercomSandbox,
}

Found = Mapping[str, list[Diagnosis]]


class Surgery:
    """One desk at its sandbox, the bridge's folder, and the doctor."""

    def __init__(self, folder: Path, vendor: str, sandbox: SandboxDesk, running: Running) -> None:
        self.vendor, self.sandbox, self.running, self.folder = vendor, sandbox, running, folder
        self.place = self.with_settings()

    def with_settings(self, policy: str = POLICY, **more: Any) -> Place:
        desk = {"vendor": self.vendor, "url": self.running.url} | DESKS[self.vendor] | more
        self.place = Place(self.folder, "acme", desk, policy)
        return self.place

    def store(self) -> Store:
        found = Store(f"sqlite:///{self.folder}/deskbridge.db", durability="normal")
        found.migrate()
        return found

    def looks(self, clock: Callable[[], datetime] = utc_now) -> Found:
        """What the doctor says, by what it is about."""
        found: dict[str, list[Diagnosis]] = {}
        settings = read_settings(self.place.config, {})
        for line in check_up(settings, list(settings.desks), clock):
            found.setdefault(line.diagnosis.about, []).append(line.diagnosis)
        return found

    def about(self, what: str) -> Diagnosis:
        """The one thing that is said about something."""
        (found,) = self.looks()[what]
        return found


@pytest.fixture
def surgery(tmp_path: Path) -> Iterator[Callable[..., Surgery]]:
    ending: list[Running] = []

    def opened(vendor: str, **arguments: Any) -> Surgery:
        sandbox = SANDBOXES[vendor](**arguments)
        ending.append(start(sandbox))
        return Surgery(tmp_path, vendor, sandbox, ending[-1])

    yield opened
    for running in ending:
        running.stop()


@contextmanager
def listening(status: int = 200, body: bytes = b"{}", kind: str = "application/json") -> Iterator[str]:
    """Somebody who answers everything alike."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - the base class calls it so

        def log_message(self, *args: object) -> None:
            """Tests print nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


# All is well ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", DESKS)
def test_where_all_is_well_no_line_asks_for_anything_and_the_exit_code_is_0(
    vendor: str, surgery: Callable[..., Surgery]
) -> None:
    here = surgery(vendor)
    with listening() as url:
        here.place.run("install", "webhooks", "acme", "--url", url, "--wait", "0", code=None)
        here.place.run("sync")
        store = here.store()
        installations.pinged(store, "acme", utc_now())
        store.close()
        # A secret for a sandbox may stand in the file: the only thing to say.
        lines = [json.loads(line) for line in here.place.run("doctor", "--json", code=None).stdout.splitlines()]
    asked = [(line["about"], line["health"], line["words"]) for line in lines if line["health"] in {"warning", "fault"}]
    assert [each for each in asked if each[0] != "settings"] == []
    abouts = {line["about"] for line in lines}
    assert abouts >= EVERYWHERE
    assert {line["desk"] for line in lines} == {None, "acme"}


EVERYWHERE = {
    *("settings", "policy", "database", "migrations", "disk", "account", "permissions", "clocks", "call budget"),
    *("statuses", "policy's names", "availability", "webhook secrets", "address", "webhooks", "polling"),
}


@pytest.mark.parametrize("vendor", DESKS)
def test_it_only_reads_at_the_desk_and_here_whatever_is_there_already(
    vendor: str, surgery: Callable[..., Surgery]
) -> None:
    here = surgery(vendor)
    here.looks()
    assert sorted(file.name for file in here.folder.iterdir()) == ["deskbridge.yaml", "policy.yaml"]
    here.place.run("install", "webhooks", "acme", "--url", "http://127.0.0.1:9", "--wait", "0", code=None)
    before, calls = state_of(here), len(here.sandbox.calls.calls)
    assert here.looks()
    assert state_of(here) == before
    made = [(call.method, call.path) for call in here.sandbox.calls.calls[calls:]]
    assert not [each for each in made if each[0] != "GET" and "oauth" not in each[1] and "/search" not in each[1]]
    assert len(made) <= 30


def state_of(here: Surgery) -> tuple[list[object], list[object]]:
    """Everything in the database, and everything that was ever written at the desk."""
    with sqlite3.connect(here.folder / "deskbridge.db") as database:
        rows: list[object] = list(database.iterdump())
    database.close()
    return rows, list(here.sandbox.history.writes)


def test_for_people_each_line_has_its_health_and_under_it_what_to_do(surgery: Callable[..., Surgery]) -> None:
    here = surgery("zendesk", own_routing="auto")
    result = here.place.run("doctor", code=1)
    assert result.stdout.startswith("this bridge:\n")
    assert "acme:\n  ok       account: 127.0.0.1" in result.stdout
    assert (
        "  warning  own routing: omnichannel routing is on: Zendesk gives out tickets tagged 'auto' too\n"
        in result.stdout
    )
    assert "           -> Switch it off in the Admin Center under Omnichannel routing" in result.stdout


# Credential and limits ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("vendor", "wrong"),
    [
        ("zendesk", {"credentials": CLIENT | {"client_secret": "planted-secret"}}),
        ("freshdesk", {"api_key": "planted-secret"}),
        ("intercom", {"access_token": "planted-secret"}),
    ],
)
def test_a_wrong_credential_is_a_fault_without_the_credential(
    vendor: str, wrong: dict[str, Any], surgery: Callable[..., Surgery]
) -> None:
    here = surgery(vendor)
    result = here.with_settings(**wrong).run("doctor", "--json", code=2)
    (line,) = [line for line in map(json.loads, result.stdout.splitlines()) if line["about"] == "account"]
    assert (line["health"], line["advice"]) == (
        "fault",
        f"`deskbridge connect {vendor} acme` says how to give another credential.",
    )
    assert "planted-secret" not in result.output


@pytest.mark.parametrize("vendor", DESKS)
def test_a_web_page_where_an_api_was_due_is_told_as_such(vendor: str, surgery: Callable[..., Surgery]) -> None:
    here = surgery(vendor)
    with listening(200, b"<html>Sign in, please</html>", "text/html") as url:
        here.with_settings(url=url)
        told = here.about("account")
    assert told.health is Health.FAULT
    assert "text/html" in told.words
    assert "Sign in" not in told.words


def test_a_key_that_is_no_administrators_loses_what_is_named(surgery: Callable[..., Surgery]) -> None:
    here = surgery("freshdesk")
    here.with_settings(api_key=AGENT_KEY)
    found = here.looks()
    assert {each.health for each in found["permissions"]} == {Health.WARNING}
    assert any("put up webhooks" in each.words for each in found["permissions"])
    assert any("no administrator" in each.words for each in found["account"])


def test_an_api_token_is_warned_of(surgery: Callable[..., Surgery]) -> None:
    here = surgery("zendesk")
    here.with_settings(credentials={"email": "bridge@acme.example", "api_token": API_TOKEN})
    assert any("30 April 2027" in each.words for each in here.looks()["account"])


@pytest.mark.parametrize(("minutes", "health"), [(0, Health.OK), (1, Health.WARNING), (6, Health.FAULT)])
def test_clocks_apart_are_found_by_the_desks_own(minutes: int, health: Health, surgery: Callable[..., Surgery]) -> None:
    here = surgery("freshdesk")
    (told,) = here.looks(lambda: utc_now() + timedelta(minutes=minutes))["clocks"]
    assert told.health is health


@pytest.mark.parametrize(
    ("vendor", "plan", "words"),
    [
        ("zendesk", "team", "200 calls in 60 s (Team), of which we take 140"),
        ("freshdesk", "growth", "200 calls in 60 s (Growth), of which we take 140"),
        ("intercom", "smallest", "83 calls in 10 s (less than an app is usually let; Intercom raises it on request)"),
    ],
)
def test_the_limit_and_the_plan_are_learnt_from_the_headers(
    vendor: str, plan: str, words: str, surgery: Callable[..., Surgery]
) -> None:
    told = surgery(vendor, plan=plan).about("call budget")
    assert told.words.startswith(words)


def test_what_others_leave_too_little_of_is_warned_of(surgery: Callable[..., Surgery]) -> None:
    here = surgery("freshdesk", plan="trial")
    with httpx.Client(auth=(API_KEY, "X")) as others:
        for _ in range(36):
            others.get(f"{here.running.url}/api/v2/agents/me").raise_for_status()
    told = here.about("call budget")
    assert told.health is Health.WARNING
    assert "left just now" in told.words


# Own routing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [1, 2, 3, 12])
def test_freshdesks_automatic_assignment_is_named_by_team_and_method(
    method: int, surgery: Callable[..., Surgery]
) -> None:
    here = surgery("freshdesk", auto_assign={"Billing": method, "General": method})
    told = {each.words.partition(" itself")[0]: each for each in here.looks()["own routing"]}
    assert {each.health for each in told.values()} == {Health.NOTE}
    here.with_settings(mode="live")
    told = {each.words.partition(" itself")[0]: each for each in here.looks()["own routing"]}
    ours = told["the desk gives out the tickets of 'Billing'"]
    assert ours.health is Health.WARNING
    assert "Freshdesk automatic assignment (" in ours.words
    assert told["the desk gives out the tickets of 'General'"].health is Health.NOTE


@pytest.mark.parametrize(("there", "health"), [(True, Health.OK), (False, Health.WARNING)])
def test_a_plan_without_summaries_is_told_where_notes_were_to_go_there(
    there: bool, health: Health, surgery: Callable[..., Surgery]
) -> None:
    here = surgery("freshdesk", summaries=there)
    here.with_settings(note_in="summary")
    assert "ticket summaries" not in here.looks()  # without a ticket there is no summary to ask for
    here.sandbox.customer_writes(message("How do I export?"))
    assert here.about("ticket summaries").health is health


def test_intercoms_balanced_teams_are_found(surgery: Callable[..., Surgery]) -> None:
    here = surgery("intercom")
    assert isinstance(here.sandbox, IntercomSandbox)
    next(team for team in here.sandbox.space.teams.values() if team.name == "Billing").distribution = "balanced"
    here.with_settings(mode="live")
    told = here.about("own routing")
    assert (told.health, told.words) == (
        Health.WARNING,
        "the desk gives out the tickets of 'Billing' itself: balanced",
    )


# People and statuses --------------------------------------------------------------------------------------------------


def test_whom_the_policy_names_and_the_desk_lacks_and_teams_without_cover_are_told(
    surgery: Callable[..., Surgery],
) -> None:
    here = surgery("zendesk")
    here.with_settings(POLICY.replace("ana@acme.example", "gone@acme.example").replace("bo@acme", "cy@acme"))
    found = here.looks()
    assert "agent 'ana' (bound to 'gone@acme.example') is not on desk 'acme'" in found["policy's names"][0].words
    assert [(each.health, each.words) for each in found["cover"]] == [
        (Health.WARNING, "not in the desk's own team for 'billing': Cy Clark")
    ]
    here.with_settings(POLICY.replace("@acme.example", "@nowhere.example"))
    (told,) = here.looks()["cover"]
    assert (told.health, told.words) == (Health.FAULT, "none of the members of team 'billing' is at this desk")


def test_a_team_of_which_nobody_is_there_now_is_noted(surgery: Callable[..., Surgery]) -> None:
    here = surgery("zendesk")
    for agent in ("ana", "bo"):
        here.sandbox.agent_status(f"{agent}@acme.example", "offline")
    told = here.about("cover")
    assert (told.health, told.words) == (Health.NOTE, "nobody of team 'billing' is online now")


def test_writing_in_the_name_of_somebody_who_also_gets_tickets_is_warned_of(surgery: Callable[..., Surgery]) -> None:
    here = surgery("zendesk")
    here.with_settings(POLICY.replace("ana@acme.example", "bridge@acme.example"))
    assert "in the name of 'ana', to whom the policy gives tickets" in here.about("acting user").words


def test_a_status_that_nothing_maps_is_a_fault_here_and_of_check_live(surgery: Callable[..., Surgery]) -> None:
    here = surgery("freshdesk", statuses={8: "Bei der Werkstatt"})
    told = here.about("statuses")
    assert told.health is Health.FAULT
    assert "8 'Bei der Werkstatt'" in told.words
    checked = here.place.run("check", "--live", code=None)
    assert told.words in str(checked.exception)
    here.with_settings(status_map={8: "on_hold"})
    assert here.about("statuses").health is Health.OK
    here.place.run("check", "--live")


# Webhooks -------------------------------------------------------------------------------------------------------------


def test_a_webhook_that_is_no_more_as_it_was_put_up_is_a_fault_until_it_is_put_up_again(
    surgery: Callable[..., Surgery],
) -> None:
    here = surgery("zendesk")
    assert isinstance(here.sandbox, ZendeskSandbox)
    here.place.run("install", "webhooks", "acme", "--url", "http://127.0.0.1:9")
    assert here.about("webhook set-up").health is Health.OK
    (webhook,) = here.sandbox.backend.registry.webhooks.values()
    webhook.fields["status"] = "inactive"
    told = here.about("webhook set-up")
    assert told.health is Health.FAULT
    assert "change webhook 'Deskbridge: acme'" in told.words
    here.place.run("install", "webhooks", "acme")
    assert here.about("webhook set-up").health is Health.OK


def test_secrets_that_are_missing_or_not_what_the_desk_signs_with_are_told(surgery: Callable[..., Surgery]) -> None:
    here = surgery("zendesk")
    assert isinstance(here.sandbox, ZendeskSandbox)
    told = here.about("webhook secrets")
    assert (told.health, "every webhook is refused" in told.words) == (Health.WARNING, True)
    here.place.run("install", "webhooks", "acme", "--url", "http://127.0.0.1:9")
    assert here.about("webhook secrets").health is Health.OK
    (webhook,) = here.sandbox.backend.registry.webhooks.values()
    webhook.hook.secret = here.sandbox.backend.registry.new_secret()
    told = here.about("webhook secrets")
    assert told.health is Health.FAULT
    assert webhook.hook.secret not in f"{told.words} {told.advice}"
    here.place.run("install", "webhooks", "acme")
    assert here.about("webhook secrets").health is Health.OK


@pytest.mark.parametrize(("status", "health"), [(200, Health.OK), (404, Health.FAULT), (None, Health.WARNING)])
def test_it_is_looked_whether_somebody_listens_at_the_address(
    status: int | None, health: Health, surgery: Callable[..., Surgery]
) -> None:
    here = surgery("freshdesk")
    with listening(status or 200) as url:
        here.place.run("install", "webhooks", "acme", "--url", url if status else "http://127.0.0.1:9")
        assert here.about("address").health is health


def test_calls_of_zendesk_that_failed_are_told_with_what_their_answer_means(surgery: Callable[..., Surgery]) -> None:
    here = surgery("zendesk")
    with listening(401) as url:
        here.place.run("install", "webhooks", "acme", "--url", url)
        here.sandbox.customer_writes(message("Where is my refund?"))
        until_quiet(here)
        told = here.about("webhook calls")
    assert told.health is Health.WARNING
    assert "1 failed (1 with 401)" in told.words
    assert told.advice is not None
    assert "its signature is not ours" in told.advice


def test_whether_a_repeated_call_keeps_its_id_is_seen_and_not_believed(surgery: Callable[..., Surgery]) -> None:
    here = surgery("zendesk")
    with listening(409) as url:
        here.place.run("install", "webhooks", "acme", "--url", url, "--via", "triggers")
        here.sandbox.customer_writes(message("Where is my refund?"))
        until_quiet(here)
        told = here.about("repeated calls")
    assert (told.health, told.words) == (Health.OK, "a call that was made 4 times kept its id")


def message(body: str) -> Any:
    return CustomerMessage(email="ada@globex.example", body=body, subject="A question")


def until_quiet(here: Surgery) -> None:
    until = time.monotonic() + 20
    while not here.sandbox.sender.quiet() and time.monotonic() < until:
        time.sleep(0.02)
    assert here.sandbox.sender.quiet()


# Our own memory -------------------------------------------------------------------------------------------------------


def test_what_arrived_what_polling_found_and_what_nobody_understood_is_counted(
    surgery: Callable[..., Surgery],
) -> None:
    here, now = surgery("freshdesk"), utc_now()
    store = here.store()
    arrivals = [
        Arrival(Delivery("acme", f"@reconciled/{n}", b"{}", {}, now), f"{n}", "reconciled", now) for n in (1, 2)
    ]
    keep(store, arrivals)
    told = here.about("webhooks")
    assert (told.health, told.words) == (Health.WARNING, "no webhook of this desk has ever arrived")
    keep(store, [Arrival(Delivery("acme", "old", b"{}", {}, now - timedelta(days=2)), "9", "created", now)])
    assert "polling found 2 changes besides" in here.about("webhooks").words
    assert here.about("webhooks").health is Health.WARNING
    odd = Delivery("acme", "odd", b"{}", {}, now)
    keep(store, [Arrival(odd, None, "unknown", now, "unknown kind: {moon:full}")])
    assert here.about("webhooks").health is Health.OK
    assert "unknown kind: {moon:full}" in here.about("webhooks understood").words
    store.close()


def test_a_call_that_was_refused_is_warned_of_until_one_is_taken(surgery: Callable[..., Surgery]) -> None:
    here, now = surgery("intercom"), utc_now()
    store = here.store()
    installations.refused(store, "acme", "not made with a client secret of ours", now - timedelta(minutes=1))
    told = here.about("webhooks refused")
    assert (told.health, "not made with a client secret of ours" in told.words) == (Health.WARNING, True)
    assert "webhook_secrets" in (told.advice or "")
    installations.pinged(store, "acme", now)
    store.close()
    assert "webhooks refused" not in here.looks()


def test_polling_that_stands_still_is_a_fault(surgery: Callable[..., Surgery]) -> None:
    here = surgery("freshdesk")
    here.place.run("sync")
    assert here.about("polling").health is Health.OK
    (told,) = here.looks(lambda: utc_now() + timedelta(hours=1))["polling"]
    assert told.health is Health.FAULT


def test_calls_that_are_held_back_and_bulk_writes_that_were_tried_are_told(surgery: Callable[..., Surgery]) -> None:
    here, store = surgery("freshdesk"), None
    store = here.store()
    now = utc_now()
    budgets.change(store, "acme", lambda known: (known.broken(now).paused("*", now + timedelta(hours=1)), None))
    told = here.looks()["calls held back"]
    assert [each.health for each in told] == [Health.FAULT, Health.NOTE]
    for trust, words in ((Trust.PROVEN, "keep lock and mark"), (Trust.BROKEN, "are not used")):
        with store.writing() as connection:
            connection.execute(bulk_trust.delete())
            connection.execute(bulk_trust.insert().values(desk="acme", trust=trust.value))
        assert words in here.about("bulk writes").words
    store.close()


# The bridge itself ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", ["zendesk", "freshdesk"])
def test_a_help_centre_that_the_settings_name_is_looked_at_and_no_other(
    vendor: str, surgery: Callable[..., Surgery]
) -> None:
    here = surgery(vendor)
    assert "help centre" not in here.looks()
    with here.place.config.open("a") as settings:
        settings.write("knowledge: {articles: [{kind: help_center, desk: acme}]}\n")
    assert here.about("help centre").health is Health.OK
    here.sandbox.help_center.enabled = False
    told = here.about("help centre")
    assert told.health is Health.WARNING
    assert "cannot be read" in told.words
    assert told.advice is not None


def test_a_policy_with_mistakes_or_failing_tests_is_a_fault_and_the_desks_are_looked_at_all_the_same(
    surgery: Callable[..., Surgery],
) -> None:
    here = surgery("freshdesk")
    here.with_settings(POLICY.replace("teams:", "taems:"))
    found = here.looks()
    assert found["policy"][0].health is Health.FAULT
    assert found["account"][0].health is Health.OK
    here.with_settings(POLICY.replace("expect: {route: everything}", "expect: {priority: high}"))
    assert "its tests fail: anything" in here.about("policy").words


@pytest.mark.parametrize(
    ("revision", "health"), [("0001", Health.WARNING), ("9999", Health.FAULT), (None, Health.WARNING)]
)
def test_tables_of_another_release_are_told_and_not_touched(
    revision: str | None, health: Health, surgery: Callable[..., Surgery]
) -> None:
    here = surgery("freshdesk")
    here.store().close()
    with sqlite3.connect(here.folder / "deskbridge.db") as database:
        database.execute("DELETE FROM alembic_version")
        if revision is not None:
            database.execute("INSERT INTO alembic_version VALUES (?)", (revision,))
    database.close()
    found = here.looks()
    assert found["migrations"][0].health is health
    assert "webhooks" not in found


def test_a_database_that_cannot_be_used_is_told_without_its_password(surgery: Callable[..., Surgery]) -> None:
    here = surgery("freshdesk")
    text = here.place.config.read_text("utf-8")
    here.place.config.write_text(f"database: postgresql://me:planted-secret@127.0.0.1:9/none\n{text}", "utf-8")
    told = here.about("database")
    assert told.health is Health.FAULT
    assert "planted-secret" not in told.words


def test_a_disk_that_is_all_but_full_is_a_fault(
    surgery: Callable[..., Surgery], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = surgery("freshdesk")
    here.store().close()
    usage = namedtuple("usage", "total used free")
    for free, health in ((50_000_000, Health.FAULT), (500_000_000, Health.WARNING), (5_000_000_000, Health.OK)):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: usage(10**10, 0, free))
        assert here.about("disk").health is health
