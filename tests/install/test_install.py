"""`deskbridge install webhooks` and `deskbridge uninstall`, as they are run against sandbox desks."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.store import Store, installations
from deskbridge import settingsfile
from deskbridge.keeping import Files
from deskbridge.settingsfile import CannotChange, put_list
from sandbox.common import Running, start
from sandbox.freshdesk import AGENT_KEY, API_KEY, FreshdeskSandbox
from sandbox.intercom import ACCESS_TOKEN, IntercomSandbox
from sandbox.zendesk import CLIENT_ID, CLIENT_SECRET, ZendeskSandbox
from tests.install.place import Place

URL = ("--url", "https://bridge.example")
ADDRESS = "https://bridge.example/hooks/acme"


@pytest.fixture
def zendesk() -> Iterator[tuple[ZendeskSandbox, Running]]:
    sandbox = ZendeskSandbox()
    with start(sandbox) as running:
        yield sandbox, running


@pytest.fixture
def freshdesk() -> Iterator[tuple[FreshdeskSandbox, Running]]:
    sandbox = FreshdeskSandbox()
    with start(sandbox) as running:
        yield sandbox, running


def at_zendesk(folder: Path, running: Running, **more: Any) -> Place:
    client = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    return Place(folder, "acme", {"vendor": "zendesk", "url": running.url, "credentials": client} | more)


def at_freshdesk(folder: Path, running: Running, **more: Any) -> Place:
    return Place(folder, "acme", {"vendor": "freshdesk", "url": running.url, "api_key": API_KEY} | more)


def test_the_signing_secret_is_fetched_kept_apart_and_referred_to(
    tmp_path: Path, zendesk: tuple[ZendeskSandbox, Running]
) -> None:
    sandbox, running = zendesk
    place = at_zendesk(tmp_path, running)
    result = place.run("install", "webhooks", "acme", *URL)
    (webhook,) = sandbox.backend.registry.webhooks.values()
    assert webhook.hook.url == ADDRESS
    assert "Done: 'acme' sends its webhooks to https://bridge.example/hooks/acme" in result.stdout
    (reference,) = place.settings()["webhook_secrets"]
    assert reference == "${file:secrets/acme.webhook_secrets}"
    assert (tmp_path / "secrets/acme.webhook_secrets").read_text("utf-8").strip() == webhook.hook.secret
    assert webhook.hook.secret not in result.output + place.config.read_text("utf-8")
    assert place.config.read_text("utf-8").startswith("# Ours, do not touch.\n")


def test_run_twice_neither_the_desk_nor_a_file_changes(tmp_path: Path, zendesk: tuple[ZendeskSandbox, Running]) -> None:
    sandbox, running = zendesk
    place = at_zendesk(tmp_path, running)
    place.run("install", "webhooks", "acme", *URL)
    before = (place.config.read_bytes(), list(sandbox.backend.registry.webhooks))
    again = place.told("install", "webhooks", "acme")
    assert (again["calls"], again["new_secrets"], again["address"]) == ([], [], ADDRESS)
    assert (place.config.read_bytes(), list(sandbox.backend.registry.webhooks)) == before
    assert len(place.told("uninstall", "acme")["calls"]) == 1
    assert place.told("uninstall", "acme")["calls"] == []
    assert not sandbox.backend.registry.webhooks


def test_a_secret_that_is_known_by_another_reference_is_left_as_it_is_written(
    tmp_path: Path, zendesk: tuple[ZendeskSandbox, Running]
) -> None:
    sandbox, running = zendesk
    place = at_zendesk(tmp_path, running)
    place.run("install", "webhooks", "acme", *URL)
    (webhook,) = sandbox.backend.registry.webhooks.values()
    (tmp_path / "mine").write_text(webhook.hook.secret)
    (tmp_path / "mine").chmod(0o600)
    put_list(place.config, "acme", "webhook_secrets", ["${file:mine}"])
    assert place.told("install", "webhooks", "acme")["new_secrets"] == []
    assert place.settings()["webhook_secrets"] == ["${file:mine}"]


def test_a_secret_that_was_renewed_at_the_desk_holds_beside_the_one_before(
    tmp_path: Path, zendesk: tuple[ZendeskSandbox, Running]
) -> None:
    _, running = zendesk
    place = at_zendesk(tmp_path, running, webhook_secrets=["an-old-one"])
    assert place.told("install", "webhooks", "acme", *URL)["new_secrets"] == ["webhook_secrets"]
    assert place.settings()["webhook_secrets"] == ["${file:secrets/acme.webhook_secrets}", "an-old-one"]


def test_freshdesk_gets_secrets_that_nobody_can_guess_before_its_rules_are_made(
    tmp_path: Path, freshdesk: tuple[FreshdeskSandbox, Running]
) -> None:
    sandbox, running = freshdesk
    place = at_freshdesk(tmp_path, running)
    result = place.run("install", "webhooks", "acme", *URL)
    header, path = ((tmp_path / f"secrets/acme.{key}").read_text("utf-8").strip() for key in KEYS)
    assert min(len(header), len(path)) >= 32
    assert header != path
    actions = [rule.body["actions"][0] for rule in sandbox.rulebook.rules.values()]
    assert {action["url"] for action in actions} == {f"{ADDRESS}/{path}"}
    assert {action["custom_headers"]["X-Deskbridge-Secret"] for action in actions} == {header}
    assert not [secret for secret in (header, path) if secret in result.output]
    before = place.config.read_bytes()
    assert place.told("install", "webhooks", "acme")["calls"] == []
    assert place.config.read_bytes() == before


KEYS = ("webhook_secrets", "path_secrets")


def test_a_rule_made_by_hand_lends_its_shape_and_none_of_its_secrets(
    tmp_path: Path, freshdesk: tuple[FreshdeskSandbox, Running]
) -> None:
    sandbox, running = freshdesk
    sandbox.register_hook("https://crm.example/in", "somebody-elses-secret", ["created"])
    (theirs,) = sandbox.rulebook.rules.values()
    theirs.body["name"] = "Tell the CRM"
    theirs.body["actions"][0] |= {"content": '{"id": "{{ticket.id}}"}', "api_key": "somebody-elses-key"}
    place = at_freshdesk(tmp_path, running)
    shown = place.told("install", "webhooks", "acme", *URL, "--dry-run")["calls"]
    assert [call["body"]["actions"][0]["content"] for call in shown] == [CONTENT, CONTENT]
    place.run("install", "webhooks", "acme", *URL)
    ours = [rule.body["actions"][0] for rule in sandbox.rulebook.rules.values() if rule is not theirs]
    assert [action["content"] for action in ours] == [CONTENT, CONTENT]
    assert not [action for action in ours if "somebody" in str(action)]
    assert place.told("install", "webhooks", "acme")["calls"] == []


CONTENT = '{"v": 1, "ticket_id": "{{ticket.id}}", "triggered_event": "{{triggered_event}}"}'


def test_a_dry_run_shows_every_call_with_its_secrets_masked_and_changes_nothing(
    tmp_path: Path, freshdesk: tuple[FreshdeskSandbox, Running]
) -> None:
    sandbox, running = freshdesk
    secrets = {"webhook_secrets": ["a-header-nobody-can-guess"], "path_secrets": ["a-path-nobody-can-guess"]}
    place = at_freshdesk(tmp_path, running, **secrets)
    before = place.config.read_bytes()
    result = place.run("install", "webhooks", "acme", *URL, "--dry-run")
    assert "POST /api/v2/automations/1/rules" in result.stdout
    assert "POST /api/v2/automations/4/rules" in result.stdout
    assert f'"url": "{ADDRESS}/***"' in result.stdout
    assert "nobody-can-guess" not in result.output
    assert not sandbox.rulebook.rules
    assert place.config.read_bytes() == before
    assert not (tmp_path / "secrets").exists()


def test_triggers_are_shown_with_a_stand_in_for_the_webhook_that_is_not_there_yet(
    tmp_path: Path, zendesk: tuple[ZendeskSandbox, Running]
) -> None:
    _, running = zendesk
    place = at_zendesk(tmp_path, running)
    calls = place.told("install", "webhooks", "acme", *URL, "--via", "triggers", "--dry-run")["calls"]
    assert [call["path"] for call in calls] == ["/api/v2/webhooks", "/api/v2/triggers", "/api/v2/triggers"]
    assert calls[1]["body"]["trigger"]["actions"][0]["value"][0] == "<id of the new webhook>"


def test_going_from_events_to_triggers_and_back_leaves_one_webhook(
    tmp_path: Path, zendesk: tuple[ZendeskSandbox, Running]
) -> None:
    sandbox, running = zendesk
    place = at_zendesk(tmp_path, running)
    registry = sandbox.backend.registry
    for way, triggers in (("events", 0), ("triggers", 2), ("events", 0)):
        place.run("install", "webhooks", "acme", *URL, "--via", way)
        assert (len(registry.webhooks), len(registry.triggers)) == (1, triggers)
        (webhook,) = registry.webhooks.values()
        assert (webhook.fields["subscriptions"] == ["conditional_ticket_events"]) == (way == "triggers")
        assert place.told("install", "webhooks", "acme")["calls"] == []


def test_a_refused_credential_is_told_apart_from_one_that_may_not(
    tmp_path: Path, freshdesk: tuple[FreshdeskSandbox, Running]
) -> None:
    _, running = freshdesk
    for key, words in (
        ("nobody's", "`deskbridge doctor acme` tells what to do"),
        (AGENT_KEY, "This needs the API key"),
    ):
        place = at_freshdesk(tmp_path, running, api_key=key)
        for command in (("install", "webhooks", "acme", *URL), ("uninstall", "acme")):
            assert words in str(place.run(*command, code=None).exception)


def test_what_stays_after_a_removal_is_said(tmp_path: Path, zendesk: tuple[ZendeskSandbox, Running]) -> None:
    sandbox, running = zendesk
    place = at_zendesk(tmp_path, running)
    another = {"name": "Deskbridge: acme", "endpoint": "https://another.example/hooks/acme"}
    sandbox.backend.registry.add(another | {"http_method": "POST", "request_format": "json"}, 0.0)
    place.run("install", "webhooks", "acme", *URL)
    result = place.run("uninstall", "acme")
    assert "deletes webhook 'Deskbridge: acme'" in result.stdout
    assert "- webhook 'Deskbridge: acme', which was put up for another address" in result.stdout
    assert [each.hook.url for each in sandbox.backend.registry.webhooks.values()] == [another["endpoint"]]


@pytest.fixture
def intercom(tmp_path: Path) -> Iterator[Place]:
    with start(IntercomSandbox()) as running:
        yield Place(tmp_path, "acme", {"vendor": "intercom", "url": running.url, "access_token": ACCESS_TOKEN})


def test_intercom_prints_the_steps_and_waits_until_its_ping_has_come(intercom: Place) -> None:
    store = Store(f"sqlite:///{intercom.folder}/deskbridge.db")
    store.migrate()
    ring = threading.Timer(1.0, lambda: installations.pinged(store, "acme", datetime.now(UTC)))
    ring.start()
    try:
        result = intercom.run("install", "webhooks", "acme", *URL, "--wait", "60")
    finally:
        ring.join()
    assert f"Endpoint URL: {ADDRESS}" in result.stdout
    assert "'acme' has called at" in result.stdout
    again = intercom.told("install", "webhooks", "acme", "--wait", "0")
    assert again["heard_at"]
    moved = intercom.run("install", "webhooks", "acme", "--url", "https://new.example", "--wait", "0", code=None)
    assert "has not called in 0 s" in str(moved.exception)
    installations.pinged(store, "acme", datetime.now(UTC))
    assert intercom.told("install", "webhooks", "acme", "--wait", "0")["heard_at"]
    store.close()


def test_a_call_that_was_refused_is_told_with_the_reason_while_and_after_it_is_waited(intercom: Place) -> None:
    store = Store(f"sqlite:///{intercom.folder}/deskbridge.db")
    store.migrate()
    installations.refused(store, "acme", "not made with a client secret of ours", datetime.now(UTC))
    result = intercom.run("install", "webhooks", "acme", *URL, "--wait", "1", code=None)
    words = "UTC was refused: not made with a client secret of ours; compare `webhook_secrets` in the settings"
    assert (result.stdout.count(words), words in str(result.exception)) == (1, True)
    installations.pinged(store, "acme", datetime.now(UTC))
    store.close()
    assert words not in intercom.run("install", "webhooks", "acme", "--wait", "1").output


def test_waiting_can_be_interrupted(intercom: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupted)
    result = intercom.run("install", "webhooks", "acme", *URL, code=130)
    assert "Run this again to look whether it has called." in result.stderr


def test_what_only_a_person_can_take_out_at_intercom_is_said(intercom: Place) -> None:
    intercom.run("install", "webhooks", "acme", *URL, "--wait", "0", code=None)
    left = intercom.told("uninstall", "acme")["left"]
    assert f"{ADDRESS} as the app's endpoint: only a person can take it out there" in left
    assert "nothing of ours" not in intercom.run("uninstall", "acme").output
    again = intercom.told("uninstall", "acme")["left"]
    assert "our address as the app's endpoint: only a person can take it out there" in again


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("webhooks", "acme"), "say by --url"),
        (("webhooks", "other", *URL), "no desk is called other"),
        (("webhooks", "acme", "--url", "bridge.example"), "must be an https address like https://bridge.example.com"),
        (("webhooks", "acme", "--url", "http://bridge.example"), "must be an https address"),
        (("webhooks", "acme", "--url", "https://me@bridge.example"), "without a path or a user"),
        (("webhooks", "acme", *URL, "--via", "pigeon"), "there are: events, triggers"),
    ],
)
def test_a_mistake_is_told_before_any_call(
    tmp_path: Path, zendesk: tuple[ZendeskSandbox, Running], arguments: tuple[str, ...], words: str
) -> None:
    sandbox, running = zendesk
    result = at_zendesk(tmp_path, running).run("install", *arguments, code=2)
    assert words in " ".join(result.output.replace("│", " ").split())
    assert not [call for call in sandbox.calls.calls if "oauth" not in call.path]


def test_a_desk_that_refuses_a_rule_without_words_says_how_to_show_it_the_shape(
    tmp_path: Path, freshdesk: tuple[FreshdeskSandbox, Running]
) -> None:
    sandbox, running = freshdesk
    place = at_freshdesk(tmp_path, running)
    sandbox.faults.configure({"500": {"next": 9, "match": "POST /api/v2/automations"}})
    result = place.run("install", "webhooks", "acme", *URL, code=None)
    assert "make one such webhook or rule by hand, whose shape is then copied" in str(result.exception)
    sandbox.faults.clear()
    place.run("install", "webhooks", "acme", *URL)
    assert len(sandbox.rulebook.rules) == 2


def test_a_desk_that_asks_for_patience_is_outlasted(
    tmp_path: Path, freshdesk: tuple[FreshdeskSandbox, Running]
) -> None:
    sandbox, running = freshdesk
    place = at_freshdesk(tmp_path, running)
    sandbox.faults.configure({"429": {"next": 1, "match": "POST /api/v2/automations", "retry_after": 1}})
    place.run("install", "webhooks", "acme", *URL)
    assert len(sandbox.rulebook.rules) == 2


@pytest.mark.parametrize("as_json", [(), ("--json",)])
def test_no_secret_is_in_any_output_in_the_settings_or_open_in_the_database(
    as_json: tuple[str, ...], tmp_path: Path, freshdesk: tuple[FreshdeskSandbox, Running]
) -> None:
    _, running = freshdesk
    place = at_freshdesk(tmp_path, running)
    put_list(place.config, "acme", "webhook_secrets", ["${file:planted}"])
    (tmp_path / "planted").write_text("a-planted-header-secret")
    (tmp_path / "planted").chmod(0o600)
    shown = ""
    for command in (
        *(("install", "webhooks", "acme", *URL, "--dry-run"), ("install", "webhooks", "acme", *URL)),
        *(("doctor",), ("uninstall", "acme", "--dry-run"), ("uninstall", "acme")),
    ):
        shown += place.run(*command, *as_json, code=None).output
    secrets = ["a-planted-header-secret", (tmp_path / "secrets/acme.path_secrets").read_text("utf-8").strip()]
    with sqlite3.connect(tmp_path / "deskbridge.db") as database:
        shown += "".join(database.iterdump())
    database.close()
    assert len(shown) > 1_000
    assert [secret for secret in [*secrets, API_KEY] if secret in shown] == []
    assert not [secret for secret in secrets if secret in place.config.read_text("utf-8")]


class Killed(BaseException):
    """What `kill -9` looks like from inside."""


@dataclass
class Death:
    """Comes right after one of the moments at which a file or the database changed; for calls see `test_killed`."""

    at: int
    moments: int = 0

    def after(self, act: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any, **more: Any) -> Any:
            done = act(*arguments, **more)
            self.moments += 1
            if self.moments == self.at:
                raise Killed
            return done

        return watched


MOMENTS = (
    (Files, "keep"),
    (settingsfile, "put_list"),
    (installations, "save"),
    (installations, "forget"),
)


def run_to(place: Place, moment: int, *command: str) -> int:
    """Run a command until it dies at a moment (0: never); how many moments it came by."""
    death = Death(moment)
    with pytest.MonkeyPatch.context() as patch:
        for owner, name in MOMENTS:
            patch.setattr(owner, name, death.after(getattr(owner, name)))
        if moment:
            with pytest.raises(Killed):
                place.run(*command)
        else:
            place.run(*command)
    return death.moments


@pytest.mark.parametrize("vendor", ["zendesk", "freshdesk"])
def test_killed_after_any_change_here_and_run_again_desk_files_and_database_end_the_same(
    vendor: str, tmp_path: Path
) -> None:
    sandbox: Any = {"zendesk": ZendeskSandbox, "freshdesk": FreshdeskSandbox}[vendor](plan="unlimited")
    install, remove = ("install", "webhooks", "acme", *URL), ("uninstall", "acme")
    with start(sandbox) as running:
        place = {"zendesk": at_zendesk, "freshdesk": at_freshdesk}[vendor](tmp_path, running)
        untouched = place.config.read_text("utf-8")
        moments, wanted, settled = run_to(place, 0, *install), there(sandbox), place.config.read_text("utf-8")
        to_remove = run_to(place, 0, *remove)
        for moment in range(1, max(moments, to_remove) + 1):
            place.config.write_text(untouched, "utf-8")
            run_to(place, min(moment, moments), *install)
            place.run(*install)
            assert there(sandbox) == wanted
            assert place.config.read_text("utf-8") == settled
            assert proven(sandbox, tmp_path)
            run_to(place, min(moment, to_remove), *remove)
            place.run(*remove)
            assert there(sandbox) == []


def there(sandbox: Any) -> list[tuple[str, str]]:
    """Name and address, without the secret at its end, of all that was put up."""
    if isinstance(sandbox, ZendeskSandbox):
        return [(each.fields["name"], each.hook.url) for each in sandbox.backend.registry.webhooks.values()]
    rules = [rule.body for rule in sandbox.rulebook.rules.values()]
    return sorted((rule["name"], rule["actions"][0]["url"].rpartition("/")[0]) for rule in rules)


def proven(sandbox: Any, folder: Path) -> bool:
    """Whether what the desk signs or sends is what the settings lead to."""
    kept = {file.name: file.read_text("utf-8").strip() for file in (folder / "secrets").iterdir()}
    if isinstance(sandbox, ZendeskSandbox):
        signs = {each.hook.secret for each in sandbox.backend.registry.webhooks.values()}
        return signs == {kept["acme.webhook_secrets"]}
    actions = [rule.body["actions"][0] for rule in sandbox.rulebook.rules.values()]
    return {
        (action["custom_headers"]["X-Deskbridge-Secret"], action["url"].rpartition("/")[2]) for action in actions
    } == {(kept["acme.webhook_secrets"], kept["acme.path_secrets"])}


LAYOUTS = [
    "desks:\n  acme:\n    vendor: zendesk # theirs\n    url: x # here\n\n  other: {}\n",
    "desks:\n  acme:\n    webhook_secrets:\n      - old\n      # not this one\n    url: x\n",
    "desks:\n  acme: {vendor: zendesk, url: x}\n",
    'desks:\n  acme:\n    webhook_secrets: ["a", b]  # two\n    url: x',
    "desks:\n    acme:\n        vendor: zendesk\n        credentials:\n            client_id: c",
]


@pytest.mark.parametrize("text", LAYOUTS)
def test_a_key_is_set_in_whatever_layout_and_every_comment_stays(tmp_path: Path, text: str) -> None:
    file = tmp_path / "deskbridge.yaml"
    file.write_text(text, "utf-8")
    file.chmod(0o640)
    assert put_list(file, "acme", "webhook_secrets", ["${secret:acme.x}"])
    written = file.read_text("utf-8")
    before, after = yaml.safe_load(text), yaml.safe_load(written)
    before["desks"]["acme"]["webhook_secrets"] = ["${secret:acme.x}"]
    assert after == before
    assert [word for word in ("# theirs", "# here", "# two") if word in text and word not in written] == []
    assert file.stat().st_mode & 0o777 == 0o640
    assert not put_list(file, "acme", "webhook_secrets", ["${secret:acme.x}"])
    assert file.read_text("utf-8") == written


def test_a_desk_without_an_entry_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "deskbridge.yaml"
    file.write_text("desks: {acme: {}}\n", "utf-8")
    with pytest.raises(CannotChange, match="no entry for desk 'acme'"):
        put_list(file, "acme", "webhook_secrets", ["x"])
