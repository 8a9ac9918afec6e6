"""`deskbridge connect`: what it says and writes, twice, interrupted, and when anything stands in its way."""

import json
import os
import re
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from typer.testing import CliRunner, Result

from bridge.sealing import KEY, new_key
from bridge.store.tokens import StoredTokens
from deskbridge import connecting
from deskbridge.cli import app, init
from deskbridge.vendors import VENDORS
from deskbridge.wiring import read_settings, utc_now
from sandbox.common.server import Running, start
from tests.connect.parts import (
    API_KEY,
    CLIENT_SECRET,
    ENV,
    PLANTED,
    SIGNING,
    Answer,
    account,
    certificate_of_nobody,
    files,
    options,
    run,
    said,
    something_else,
)


@pytest.fixture(params=sorted(VENDORS))
def vendor(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def desk(vendor: str) -> Iterator[Running]:
    with start(account(vendor)) as running:
        yield running


@pytest.fixture
def zendesk() -> Iterator[Running]:
    with start(account("zendesk")) as running:
        yield running


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "https_proxy", "http_proxy", KEY):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def settings(folder: Path, env: dict[str, str] = ENV) -> dict[str, object]:
    """The options of the desk as `serve` would read them."""
    found = read_settings(folder / "deskbridge.yaml", env).desks["acme"]
    return found.options.model_dump() | {"mode": found.mode.value}


# What it does ---------------------------------------------------------------------------------------------------------


def test_from_an_empty_folder_to_a_desk_in_shadow_mode(vendor: str, desk: Running, folder: Path) -> None:
    result = run(*options(vendor, desk.url))
    assert result.exit_code == 0, said(result)
    assert "Deskbridge <bridge@acme.example>" in result.output
    assert "missing" not in result.output
    assert settings(folder)["mode"] == "shadow"
    assert (folder / "policy.yaml").exists()
    found = read_settings(folder / "deskbridge.yaml", ENV)
    assert list(found.desks) == ["acme"]
    assert found.plain_secrets == ()
    assert not [name for name, content in files(folder).items() if PLANTED.encode() in content]
    assert {call.method for call in desk.desk.calls.calls if "/search" not in call.path} <= {"GET", "POST"}
    assert not desk.desk.history.writes


def test_next_comes_serve_before_webhooks_where_only_a_person_can_put_them_up(vendor: str, desk: Running) -> None:
    _, _, told = run(*options(vendor, desk.url)).output.partition("Next: ")
    order = re.findall(r"deskbridge (check|install|serve)", told)
    assert order == (["check", "serve", "install"] if vendor == "intercom" else ["check", "install", "serve"])


def test_a_second_time_nothing_is_changed(vendor: str, desk: Running, folder: Path) -> None:
    run(*options(vendor, desk.url))
    before = files(folder)
    again = run(*options(vendor, desk.url))
    assert "like that; nothing was changed" in again.output
    assert "nothing was changed" in run(vendor, "acme").output  # and nothing has to be told again
    assert files(folder) == before


def test_the_only_desk_of_a_vendor_is_meant_where_none_is_named(vendor: str, desk: Running, folder: Path) -> None:
    run(*options(vendor, desk.url))
    before = files(folder)
    again = run(vendor)
    assert "Taken for desk 'acme' of deskbridge.yaml" in again.output, said(again)
    assert "like that; nothing was changed" in again.output
    assert files(folder) == before
    run(vendor, "other", *options(vendor, desk.url)[2:])
    asked = run(vendor)
    assert asked.exit_code == 2
    assert "by its NAME (acme, other)" in asked.output


def test_the_desk_of_the_settings_at_an_address_is_meant_unless_another_is_named(
    vendor: str, desk: Running, folder: Path
) -> None:
    run(*options(vendor, desk.url))
    told = run(vendor, *options(vendor, f"{desk.url}/")[2:]).output
    assert "Taken for desk 'acme' of deskbridge.yaml" in told
    assert list(read_settings(folder / "deskbridge.yaml", ENV).desks) == ["acme"]
    twice = run(vendor, "other", *options(vendor, desk.url)[2:]).output
    assert "Note: desk 'acme' is at the same address: take one of the two out of deskbridge.yaml." in twice
    assert list(read_settings(folder / "deskbridge.yaml", ENV).desks) == ["acme", "other"]


def test_the_address_of_a_desk_that_init_wrote_is_known_through_its_reference(
    vendor: str, desk: Running, folder: Path
) -> None:
    init.write(folder)
    env = ENV | {f"{vendor.upper()}_URL": desk.url}
    result = run(vendor, *options(vendor, desk.url)[2:], env=env)
    assert f"Taken for desk 'acme-{vendor}' of deskbridge.yaml" in result.output, said(result)
    assert f"Wrote desk 'acme-{vendor}'" in result.output
    assert len(read_settings(folder / "deskbridge.yaml", env).desks) == 3


def test_a_desk_that_init_wrote_for_the_sandbox_is_never_made_into_a_real_one(
    vendor: str, desk: Running, folder: Path
) -> None:
    init.write(folder)
    before = files(folder)
    named = run(vendor, f"acme-{vendor}", *options(vendor, desk.url)[2:])
    assert named.exit_code == 2
    assert "is the sandbox's, as `deskbridge init` wrote it" in named.output
    assert files(folder) == before


def test_the_sandbox_desks_that_init_left_are_named_until_they_are_taken_out(
    vendor: str, desk: Running, folder: Path
) -> None:
    init.write(folder)
    told = run(*options(vendor, desk.url)).output
    assert "for the sandbox: acme-zendesk, acme-freshdesk, acme-intercom. Take that out, or" in told
    config = folder / "deskbridge.yaml"
    settings = config.read_text("utf-8")
    config.write_text(settings.partition("  acme-zendesk:")[0], "utf-8")
    told = run(*options(vendor, desk.url)).output
    assert "sandbox" not in told
    assert list(read_settings(config, ENV).desks) == ["acme"]


def test_a_region_of_intercoms_is_the_address_of_many_workspaces(folder: Path) -> None:
    desk = "  acme: {vendor: intercom, url: https://api.eu.intercom.io, access_token: t}\n"
    (folder / "deskbridge.yaml").write_text(f"desks:\n{desk}", "utf-8")
    with something_else(Answer(407)) as proxy:
        env = ENV | {"HTTPS_PROXY": f"http://{proxy}"}
        result = run("intercom", "--region", "eu", *options("intercom", "x")[4:], env=env)
    assert "Taken for" not in result.output
    assert "no answer from api.eu.intercom.io" in str(result.exception)


def test_an_address_and_a_region_are_one_too_many(folder: Path) -> None:
    result = run(*options("intercom", "http://127.0.0.1:1"), "--region", "eu")
    assert (result.exit_code, "give --url or --region, not both" in result.output) == (2, True)
    assert not files(folder)


def test_interrupted_at_a_question_or_a_call_it_ends_with_130_and_a_word(
    vendor: str, desk: Running, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(connecting, "met", interrupted)
        at_a_call = run(*options(vendor, desk.url))
    at_a_question = run(vendor, typed=interrupted)
    for stopped in (at_a_call, at_a_question):
        assert stopped.exit_code == 130, said(stopped)
        assert "Interrupted. Nothing was written" in stopped.stderr
    assert not files(folder)


def test_input_that_ends_at_a_question_is_a_mistake(vendor: str, folder: Path) -> None:
    result = run(vendor, typed="")
    assert (result.exit_code, "the input ended at a question" in result.output) == (2, True)
    assert not files(folder)


def test_everything_can_be_asked_for_and_secrets_go_into_files_of_their_own(
    vendor: str, desk: Running, folder: Path
) -> None:
    typed = {
        "zendesk": f"{desk.url}\nclient-credentials\ndeskbridge\n{ENV['Z']}\n",
        "freshdesk": f"{desk.url}\n{API_KEY}\n",
        "intercom": f"{desk.url}\n{ENV['I']}\n{SIGNING}\n",
    }
    result = run(vendor, typed=typed[vendor])
    assert result.exit_code == 0, said(result)
    found = read_settings(folder / "deskbridge.yaml", {})
    assert list(found.desks) == [vendor]
    kept = list((folder / "secrets").iterdir())
    assert {stat.S_IMODE(path.stat().st_mode) for path in kept} == {0o600}
    assert not [name for name, content in files(folder).items() if PLANTED.encode() in content]


def test_secrets_go_into_the_database_where_its_key_is_there(vendor: str, desk: Running, folder: Path) -> None:
    env = ENV | {KEY: new_key()}
    result = run(*options(vendor, desk.url), "--store", "database", env=env)
    assert result.exit_code == 0, said(result)
    assert "${secret:acme." in (folder / "deskbridge.yaml").read_text()
    assert settings(folder, {KEY: env[KEY]})["mode"] == "shadow"
    assert not [name for name, content in files(folder).items() if PLANTED.encode() in content]
    assert "nothing was changed" in run(vendor, "acme", env={KEY: env[KEY]}).output


def test_what_an_admin_wrote_beside_it_stays(vendor: str, desk: Running, folder: Path) -> None:
    (folder / "deskbridge.yaml").write_text(
        "# ours\nworkers: 7  # enough\ndesks:\n"
        f"  acme:  # the big one\n    vendor: {vendor}\n    mode: live # since May\n    headroom: 0.5\n\n"
        "  other: {vendor: freshdesk, url: 'https://other.freshdesk.com', api_key: '${F}'}  # the small one\n"
    )
    run(*options(vendor, desk.url))
    text = (folder / "deskbridge.yaml").read_text()
    for words in ("# ours", "# enough", "# the big one", "mode: live # since May", "headroom: 0.5", "# the small one"):
        assert words in text
    found = read_settings(folder / "deskbridge.yaml", ENV)
    assert (found.workers, found.desks["acme"].mode.value, list(found.desks)) == (7, "live", ["acme", "other"])


def test_a_secret_is_no_option_since_processes_are_listed_with_theirs(vendor: str, desk: Running, folder: Path) -> None:
    told = [f"{PLANTED}given" if each in {"${Z}", "${F}", "${I}"} else each for each in options(vendor, desk.url)]
    result = run(*told)
    assert result.exit_code == 2
    assert "whoever lists processes reads options" in re.sub(r"[\s│]+", " ", result.output)
    assert not files(folder)


def test_a_reference_that_leads_nowhere_is_told(vendor: str, desk: Running) -> None:
    result = run(*options(vendor, desk.url), env=dict.fromkeys(ENV, ""))
    assert result.exit_code == 2
    assert "is not set in the environment" in re.sub(r"[\s│]+", " ", result.output)


# What a credential may do ---------------------------------------------------------------------------------------------


def test_a_key_without_administrator_rights_is_told_what_it_cannot_do(folder: Path) -> None:
    with start(account("freshdesk")) as desk:
        result = run(*options("freshdesk", desk.url), env={"F": "sandbox-agent-key"})
    assert result.exit_code == 0
    assert "Ana Alvarez <ana@acme.example>" in result.output
    assert "missing  List All Agents (administrator), to know the agents: You are not authorized" in result.output
    assert "nobody but this agent can be assigned" in result.output


def test_an_agent_of_zendesk_who_is_no_administrator_lacks_what_is_needed(zendesk: Running, folder: Path) -> None:
    told = ["zendesk", "acme", "--url", zendesk.url, "--grant", "api-token", "--api-token", "${T}"]
    result = run(*told, "--email", "ana@acme.example")
    assert "incremental exports (administrator), to find what no webhook told: Forbidden" in str(result.exception)
    assert not files(folder)


def test_an_api_token_works_with_a_word_on_its_end(zendesk: Running) -> None:
    told = ["zendesk", "acme", "--url", zendesk.url, "--grant", "api-token", "--api-token", "${T}"]
    output = run(*told, "--email", "bridge@acme.example").output
    assert "ends API tokens on 30 April 2027" in output
    assert "The credential holds until 2027-04-30" in output
    nobody = run(*told, "--email", "ada@client.example")
    assert "does not take the credential" in str(nobody.exception)


def test_a_sign_in_without_the_scope_to_write_is_told_in_the_vendors_words(zendesk: Running) -> None:
    result = by_browser(zendesk, partial(allowed, scope="read"))
    assert "missing  tickets:write, to assign, tag and note on tickets: the token's scope is 'read'" in result.output


def test_a_sign_in_without_a_scope_to_read_is_refused_with_its_name(zendesk: Running, folder: Path) -> None:
    result = by_browser(zendesk, partial(allowed, scope="tickets:read users:read"))
    assert "groups, to know the teams: insufficient_scope" in str(result.exception)
    assert "deskbridge.yaml" not in files(folder) or "acme" not in (folder / "deskbridge.yaml").read_text()


def test_an_app_of_intercom_without_a_permission_is_told_in_the_vendors_words() -> None:
    with start(account("intercom", denied=["tags"])) as desk:
        result = run(*options("intercom", desk.url))
        assert "missing  Read tags, to tag conversations and tickets: forbidden: " in result.output
    with start(account("intercom", denied=["tickets"])) as desk:
        assert "Read tickets, to read tickets" in str(run(*options("intercom", desk.url)).exception)


def test_intercom_writes_in_the_name_of_the_teammate_that_is_chosen(folder: Path) -> None:
    with start(account("intercom")) as desk:
        assert "Ana Alvarez" in run(*options("intercom", desk.url), "--admin-id", "9002").output
        assert settings(folder)["admin_id"] == "9002"
        assert "no teammate" in str(run(*options("intercom", desk.url), "--admin-id", "1").exception)
        assert "version 2.16 of the API" in run(*options("intercom", desk.url), "--version", "2.15").output


# A person's sign-in ---------------------------------------------------------------------------------------------------


SECRET_KEY = new_key()
BY_PERSON = ("--grant", "authorization-code", "--client-id", "deskbridge", "--client-secret", "${Z}")


def allowed(shown: str, scope: str | None = None, **changed: str) -> str:
    """Where the browser lands of a person who opens the address that was shown, and allows what it asks for."""
    [address] = re.findall(r"http://\S+/oauth/authorizations/new\S+", shown)
    assert "Allow deskbridge?" in httpx.get(address).text
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    asked |= {"scope": scope} if scope else {}
    desk = address.partition("/oauth")[0]
    return httpx.post(f"{desk}/oauth/authorizations", params=asked | changed).headers["location"] + "\n"


def by_browser(desk: Running, lands: Callable[[str], str] = allowed, *more: str) -> Result:
    told = ["zendesk", "acme", "--url", desk.url, *BY_PERSON, *more]
    return run(*told, env=ENV | {KEY: SECRET_KEY}, typed=lands)


def test_a_person_signs_in_once(zendesk: Running, folder: Path) -> None:
    result = by_browser(zendesk)
    assert result.exit_code == 0, said(result)
    assert "Deskbridge <bridge@acme.example>, admin" in result.output
    assert settings(folder, ENV | {KEY: SECRET_KEY})["credentials"]["grant"] == "authorization_code"  # type: ignore[index]
    before = files(folder)
    again = by_browser(zendesk, lambda _: pytest.fail("nobody had to be asked"))
    assert "nothing was changed" in again.output
    assert files(folder).keys() == before.keys()
    assert not [name for name, content in files(folder).items() if PLANTED.encode() in content]


def test_somebody_else_signs_in_where_the_first_may_not_do_what_is_needed(zendesk: Running, folder: Path) -> None:
    first = by_browser(zendesk, partial(allowed, **{"as": "ana@acme.example"}))
    assert "Ana Alvarez <ana@acme.example>, agent at" in str(first.exception)
    assert "--anew" in str(first.exception)
    assert "Deskbridge <bridge@acme.example>, admin" in by_browser(zendesk, allowed, "--anew").output


def test_a_sign_in_that_holds_no_more_is_told_and_made_anew(zendesk: Running, folder: Path) -> None:
    by_browser(zendesk)
    tokens = StoredTokens(f"sqlite:///{folder}/deskbridge.db", SECRET_KEY, "acme", clock=utc_now)
    httpx.post(f"{zendesk.url}/oauth/tokens", json={**spending(tokens.pair().refresh)})  # which ends our pair
    tokens.close()
    env = ENV | {KEY: SECRET_KEY}
    check = CliRunner().invoke(app, ["check", "--live"], env=env)
    assert "sign in by `deskbridge connect` again" in str(check.exception)
    assert "Deskbridge <bridge@acme.example>, admin" in by_browser(zendesk).output
    assert CliRunner().invoke(app, ["check", "--live"], env=env).exit_code == 0
    about = {line["about"]: line for line in diagnoses(env)}
    assert about["credential"]["health"] == "ok"
    assert f"holds until {utc_now() + timedelta(days=30):%Y-%m-%d}" in about["credential"]["words"]
    assert PLANTED not in str(about)


def diagnoses(env: dict[str, str]) -> list[dict[str, str]]:
    told = CliRunner().invoke(app, ["doctor", "acme", "--json"], env=env).stdout
    return [json.loads(line) for line in told.splitlines()]


def spending(refresh: str) -> dict[str, str]:
    client = {"client_id": "deskbridge", "client_secret": CLIENT_SECRET}
    return {"grant_type": "refresh_token", "refresh_token": refresh, **client}


def test_a_sign_in_needs_the_key_that_its_tokens_are_kept_with(zendesk: Running, folder: Path) -> None:
    result = run("zendesk", "acme", "--url", zendesk.url, *BY_PERSON)
    assert f"{KEY} is not set in the environment" in str(result.exception)
    assert not files(folder)


@pytest.mark.parametrize(
    ("lands", "words"),
    [
        (
            lambda shown: re.sub("state=[^&]+", "state=another", allowed(shown)) + "\n",
            "not the address which this sign-in",
        ),
        (lambda _: "http://localhost/?error=access_denied&error_description=The+user+said+no\n", "The user said no"),
        (lambda shown: re.sub("code=[^&]+", "code=wrong", allowed(shown)), "invalid_grant"),
        (lambda _: "https://acme.zendesk.com/\n", "copy it whole"),
    ],
)
def test_a_sign_in_that_goes_wrong_is_told(
    zendesk: Running, folder: Path, lands: Callable[[str], str], words: str
) -> None:
    assert words in str(by_browser(zendesk, lands).exception)
    assert "acme" not in (folder / "deskbridge.yaml").read_text()


# What stands in its way -----------------------------------------------------------------------------------------------


WRONG = {"Z": f"{PLANTED}wrong", "F": f"{PLANTED}wrong", "I": f"{PLANTED}wrong", "S": SIGNING}


def test_a_wrong_credential_is_told_with_where_to_find_the_right_one(vendor: str, desk: Running, folder: Path) -> None:
    words = str(run(*options(vendor, desk.url), env=WRONG).exception)
    assert "does not take the credential" in words
    where = {"zendesk": "Admin Center", "freshdesk": "profile settings", "intercom": "Developer Hub"}
    assert where[vendor] in words
    assert "--anew" not in words
    assert "?." not in words
    assert words.endswith("Nothing was written.")
    assert not files(folder)


def test_every_command_that_a_credential_is_refused_to_says_where_to_look_on_and_connect_takes_another(
    vendor: str, desk: Running
) -> None:
    run(*options(vendor, desk.url))
    for command in (["check", "--live"], ["sync"]):
        refused = CliRunner().invoke(app, command, env=ENV | WRONG | {"COLUMNS": "240"})
        assert "`deskbridge doctor` tells what to do" in said(refused)
    words = str(run(vendor, "acme", env=ENV | WRONG).exception)
    [option] = re.findall(r"`(--[a-z-]+) -`(?: \(or `--api-token -`\))? asks for another\.", words)
    right = {"zendesk": ENV["Z"], "freshdesk": ENV["F"], "intercom": ENV["I"]}[vendor]
    another = run(vendor, "acme", option, "-", env=ENV | WRONG, typed=f"{right}\n")
    assert "Wrote desk 'acme'" in another.output, said(another)
    assert CliRunner().invoke(app, ["check", "--live"], env=ENV | WRONG).exit_code == 0


GUEST = Answer()
NO_ACCOUNT = Answer(404, body="<html>No help desk here</html>")
ELSEWHERE = Answer(301, location="https://www.example.com/")
BROKEN = Answer(200, "application/json", "[1, 2")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (GUEST, "something in between answers in its stead (a proxy, a sign-in page)"),
        (NO_ACCOUNT, "there is no such account at"),
        (ELSEWHERE, "301"),
        (BROKEN, "JSON"),
        (Answer(407, body="<html>Proxy authentication</html>"), "as a web page"),
        (Answer(502, body="<html>Bad gateway</html>"), "as a web page"),
    ],
)
def test_what_is_no_desk_is_told_as_what_it_is(vendor: str, folder: Path, answer: Answer, words: str) -> None:
    with something_else(answer) as there:
        result = run(*options(vendor, f"http://{there}"))
    assert words in str(result.exception), said(result)
    assert not files(folder)


def test_a_certificate_that_nobody_vouches_for_is_told_with_what_may_be_done(
    vendor: str, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    context = certificate_of_nobody(tmp_path_factory.mktemp("tls"))
    with something_else(GUEST, context) as there:
        words = str(run(*options(vendor, f"https://{there}")).exception)
    assert "its certificate is not trusted" in words
    assert "SSL_CERT_FILE" in words
    assert not files(folder)


def test_a_host_that_does_not_speak_tls_is_told(vendor: str) -> None:
    with something_else(GUEST) as there:
        assert "it does not speak TLS" in str(run(*options(vendor, f"https://{there}")).exception)


def test_a_proxy_that_lets_nobody_through_is_told(vendor: str, folder: Path) -> None:
    with something_else(Answer(407)) as proxy:
        env = ENV | {"HTTPS_PROXY": f"http://{proxy}"}
        words = str(run(*options(vendor, "https://acme.example"), env=env).exception)
    assert "the proxy that HTTPS_PROXY names does not let us through; NO_PROXY=acme.example" in words
    assert not files(folder)


def test_a_name_that_is_no_hosts_is_told(vendor: str, folder: Path) -> None:
    words = str(run(*options(vendor, "https://acme.invalid")).exception)
    assert words.endswith("this machine has DNS. Nothing was written.")
    assert not files(folder)


def test_nothing_that_listens_is_told(vendor: str, folder: Path) -> None:
    words = str(run(*options(vendor, "http://127.0.0.1:1")).exception)
    assert "it takes no connections" in words


def test_an_address_that_is_none_is_told_with_an_example(vendor: str, folder: Path) -> None:
    assert "must be an https address like" in str(run(*options(vendor, "http://desk.example")).exception)
    assert not files(folder)


def test_a_subdomain_is_enough_and_names_the_desk() -> None:
    with something_else(Answer(407)) as proxy:
        env = ENV | {"HTTPS_PROXY": f"http://{proxy}"}
        told = str(run("freshdesk", "--url", "ACME", "--api-key", "${F}", env=env).exception)
        assert "no answer from acme.freshdesk.com" in told
        told = str(
            run(*options("intercom", "x")[:2], "--region", "eu", *options("intercom", "x")[4:], env=env).exception
        )
        assert "no answer from api.eu.intercom.io" in told


def test_a_desk_that_asks_for_patience_gets_it(vendor: str, desk: Running) -> None:
    desk.desk.faults.configure({"429": {"next": 1, "retry_after": 1}})
    result = run(*options(vendor, desk.url))
    assert result.exit_code == 0, said(result)
    assert "asked again in" in result.output


# As a process --------------------------------------------------------------------------------------------------------


def test_no_list_of_processes_shows_a_secret_and_one_killed_in_the_middle_leaves_nothing(
    zendesk: Running, folder: Path
) -> None:
    zendesk.desk.faults.configure({"slow": {"next": 1, "seconds": 60, "match": "GET /api/v2/groups"}})
    command = [sys.executable, "-m", "deskbridge", "connect", *options("zendesk", zendesk.url)]
    env = os.environ | ENV | {"PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    until = time.monotonic() + 60
    while not any("/users?" in call.path for call in zendesk.desk.calls.calls) and time.monotonic() < until:
        time.sleep(0.02)
    listed = Path(f"/proc/{process.pid}/cmdline").read_bytes()
    process.kill()
    output, _ = process.communicate(timeout=30)
    assert b"deskbridge" in listed
    assert PLANTED.encode() not in listed + output
    assert not files(folder)
    zendesk.desk.closing.set()  # lets go of the call that was slow
    assert run(*options("zendesk", zendesk.url)).exit_code == 0
