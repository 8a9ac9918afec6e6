"""Reading `deskbridge.yaml`."""

import base64
import json
import traceback
from pathlib import Path
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from bridge.enrichment.options import CsvSource, SqlSource
from bridge.errors import BadFile
from bridge.model import Mode
from bridge.settings import Settings, load_settings

PLANTED = "hunter2-planted-secret"


class Login(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    client: str
    secret: SecretStr


class AcmeOptions(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str
    api_key: Annotated[SecretStr, Field(min_length=4)]
    webhook_secrets: tuple[SecretStr, ...] = ()
    login: Login | None = None
    snooze_hours: int = 72


class BeaconOptions(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    token: SecretStr


VENDORS: dict[str, type[BaseModel]] = {"acme": AcmeOptions, "beacon": BeaconOptions}
MINIMAL = "desks:\n  shop:\n    vendor: acme\n    url: https://shop.example\n    api_key: ${KEY}\n"


def load(folder: Path, text: str, **env: str) -> Settings:
    path = folder / "deskbridge.yaml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path, vendors=VENDORS, env={"KEY": PLANTED, **env})


def faults(folder: Path, text: str, **env: str) -> list[str]:
    """The faults of a text as `line:column: message`."""
    with pytest.raises(BadFile) as caught:
        load(folder, text, **env)
    assert PLANTED not in "".join(traceback.format_exception(caught.value))
    return [str(fault).removeprefix(f"{folder / 'deskbridge.yaml'}:") for fault in caught.value.faults]


def test_a_file_that_names_one_desk_has_safe_defaults_for_all_else(tmp_path: Path) -> None:
    settings = load(tmp_path, MINIMAL)
    assert settings.address == ("127.0.0.1", 8080)
    assert settings.database.get_secret_value() == f"sqlite:///{tmp_path}/deskbridge.db"
    assert settings.policy == tmp_path / "policy.yaml"
    assert settings.durability == "full"
    assert settings.desks["shop"].mode is Mode.SHADOW
    assert [source.kind for source in settings.enrichment.customer] == ["desk"]


def test_a_desk_has_its_vendors_own_options(tmp_path: Path) -> None:
    desk = load(tmp_path, MINIMAL + "    mode: live\n").desks["shop"]
    assert desk.vendor == "acme"
    assert desk.mode is Mode.LIVE
    assert isinstance(desk.options, AcmeOptions)
    assert desk.options.url == "https://shop.example"
    assert desk.options.api_key.get_secret_value() == PLANTED


def test_all_faults_are_told_at_once_each_at_its_place(tmp_path: Path) -> None:
    assert faults(
        tmp_path,
        """\
listn: 127.0.0.1:8080
workers: zero
durability: fulll
database: mysql://bridge:hunter2-planted-secret@db/bridge
enrichment:
  deadline_seconds: -1
  customer:
    - kind: htp
    - kind: sql
      url: oracle://u:hunter2-planted-secret@h/d
      query: SELECT 1
    - kind: http
      url: https://u:hunter2-planted-secret@crm.example
      params: {mail: "{emial}"}
      bearer: hunter2-planted-secret
desks:
  shop:
    vendor: acme
    url: 4
    api_key: ${KEY}
    api_kex: hunter2-planted-secret
    mode: liv
  Big Shop:
    vendor: beacn
    token: hunter2-planted-secret
  other:
    vendor: beacon
""",
    ) == [
        "1:1: 'listn' is not a key here; did you mean 'listen'?",
        "2:10: should be a whole number.",
        "3:13: should be 'full' or 'normal'; did you mean 'full'?",
        "4:11: must be a database that stays, sqlite:///file or postgresql://user@host/name.",
        "6:21: should be greater than 0.",
        "8:13: should be one of 'desk', 'csv', 'sql', 'http'; did you mean 'http'?",
        "10:12: must be a database that stays, sqlite:///file or postgresql://user@host/name.",
        "11:14: the query asks for nobody; it can use :email, :domain, :organisation, :external_id.",
        "13:12: must be http(s)://host/path; a token goes into 'bearer', a query into 'params'.",
        "14:15: there is no {emial}; write {email}, {domain}, {organisation}, {external_id}.",
        "19:10: should be text.",
        "21:5: 'api_kex' is not a key here; did you mean 'api_key'?",
        "22:11: should be 'shadow', 'suggest' or 'live'; did you mean 'live'?",
        "23:3: a desk's name has only a to z, 0 to 9 and '-'.",
        "24:13: should be 'acme' or 'beacon'; did you mean 'beacon'?",
        "26:3: 'token' is missing here.",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("listen: 127.0.0.1:8080\n", "1:1: 'desks' is missing here."),
        ("desks: {}\n", "1:8: names no desk. Add one: a name with its vendor and options under it."),
        ("desks:\n  shop: acme\n", "2:9: should be keys with values."),
        ("desks: [acme]\n", "1:8: should be keys with values."),
        ("desks:\n  shop:\n    url: x\n", "2:3: 'vendor' is missing here."),
        ("desks:\n  shop:\n    vendor: [acme]\n", "3:13: should be 'acme' or 'beacon'"),
        ("listen: nowhere\n" + MINIMAL, "1:9: must be host:port, like 127.0.0.1:8080."),
        ("listen: 127.0.0.1:8080/x\n" + MINIMAL, "1:9: must be host:port, like 127.0.0.1:8080."),
        ("listen: 1.2.3.4:99999\n" + MINIMAL, "1:9: must be host:port, like 127.0.0.1:8080."),
        ("database: 'sqlite://'\n" + MINIMAL, "1:11: must be a database that stays"),
        ("database: 'sqlite:///:memory:'\n" + MINIMAL, "1:11: must be a database that stays"),
        ("database: somewhere\n" + MINIMAL, "1:11: is no database URL"),
        ("max_body: 10\n" + MINIMAL, "1:11: should be greater than or equal to 1024."),
        ("- desks\n", "1:1: should be keys with values."),
        ("", "1:1: "),
    ],
)
def test_a_file_of_the_wrong_shape_is_told_where(tmp_path: Path, text: str, told: str) -> None:
    [only] = faults(tmp_path, text)
    assert only.startswith(told)


def test_a_file_that_is_not_there_is_a_fault_and_not_a_crash(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="cannot be read"):
        load_settings(tmp_path / "none.yaml", vendors=VENDORS, env={})


@pytest.mark.parametrize("name", ["copy", "json", "model-config", "0", "-", "vendor"])
def test_a_desk_may_be_called_anything_that_fits_into_an_address(tmp_path: Path, name: str) -> None:
    assert list(load(tmp_path, MINIMAL.replace("shop:", f"{name}:")).desks) == [name]


def test_values_come_from_the_environment_also_inside_text_and_as_numbers(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        "workers: ${N}\ndatabase: postgresql://bridge:${PW}@db/bridge\n" + MINIMAL,
        N="7",
        PW="p%40ss",
    )
    assert settings.workers == 7
    assert settings.database.get_secret_value() == "postgresql+psycopg://bridge:p%40ss@db/bridge"


def test_a_variable_that_is_missing_or_empty_is_told_with_its_name_and_place(tmp_path: Path) -> None:
    text = MINIMAL + "    webhook_secrets: ['${A}', '${B}']\n    snooze_hours: ${C}\n"
    assert faults(tmp_path, text, B="") == [
        "6:23: ${A} is not set in the environment; set it, or write $${A} for the text",
        "6:31: ${B} is not set in the environment; set it, or write $${B} for the text",
        "7:19: ${C} is not set in the environment; set it, or write $${C} for the text",
    ]


@pytest.mark.parametrize("text", ["${hunter2-planted-secret}", "${hunter2-planted-secret", "${KEY", "${}", "a${"])
def test_what_only_looks_like_a_variable_is_told_without_showing_it(tmp_path: Path, text: str) -> None:
    [only] = faults(tmp_path, MINIMAL.replace("${KEY}", f"'{text}'"))
    assert only == "5:14: '${' starts the name of a variable here, which is not one; write $${ for the text itself"


def test_a_default_stands_in_for_a_variable_that_is_missing_or_empty(tmp_path: Path) -> None:
    text = MINIMAL + "    webhook_secrets: ['${A:-a:-b c}', '${B:-fallback}', '${C:-fallback}', '$${A:-x}']\n"
    settings = load(tmp_path, text, B="", C="given")
    options = settings.desks["shop"].options
    assert isinstance(options, AcmeOptions)
    secrets = [secret.get_secret_value() for secret in options.webhook_secrets]
    assert secrets == ["a:-b c", "fallback", "given", "${A:-x}"]
    assert settings.plain_secrets == tuple(f"desks.shop.webhook_secrets.{index}" for index in (0, 1, 3))


def test_a_doubled_dollar_stands_for_the_text_itself_and_what_comes_out_is_not_read_again(tmp_path: Path) -> None:
    text = MINIMAL + "    webhook_secrets: ['$${KEY}', '${ONCE}', 'a$b$$c']\n"
    options = load(tmp_path, text, ONCE="${KEY}").desks["shop"].options
    assert isinstance(options, AcmeOptions)
    assert [secret.get_secret_value() for secret in options.webhook_secrets] == ["${KEY}", "${KEY}", "a$b$$c"]


@given(secret=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=4))
def test_whatever_the_environment_holds_arrives_unchanged(
    tmp_path_factory: pytest.TempPathFactory, secret: str
) -> None:
    options = load(tmp_path_factory.getbasetemp(), MINIMAL, KEY=secret).desks["shop"].options
    assert isinstance(options, AcmeOptions)
    assert options.api_key.get_secret_value() == secret


def test_relative_paths_start_from_the_folder_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "customers.csv").write_text("email\n")
    settings = load(
        tmp_path,
        """\
policy: rules/policy.yaml
database: sqlite:////var/lib/bridge.db
enrichment:
  customer:
    - {kind: csv, path: customers.csv}
    - {kind: sql, url: "sqlite:///crm.db", query: "SELECT tier FROM c WHERE mail = :email"}
"""
        + MINIMAL,
    )
    assert settings.policy == tmp_path / "rules/policy.yaml"
    assert settings.database.get_secret_value() == "sqlite:////var/lib/bridge.db"
    csv, sql = settings.enrichment.customer
    assert isinstance(csv, CsvSource)
    assert csv.path == tmp_path / "customers.csv"
    assert isinstance(sql, SqlSource)
    assert sql.url.get_secret_value() == f"sqlite:///{tmp_path}/crm.db"


def test_a_customer_file_that_is_not_there_is_told_at_start(tmp_path: Path) -> None:
    text = "enrichment:\n  customer:\n    - kind: csv\n      path: none.csv\n" + MINIMAL
    assert faults(tmp_path, text) == [f"4:13: there is no file 'none.csv'. Relative paths start from {tmp_path}."]


HELP = "knowledge:\n  articles:\n    - {kind: help_center, desk: shop"


def test_a_help_centre_is_named_by_its_desk_each_language_once(tmp_path: Path) -> None:
    text = MINIMAL + HELP + ", locale: en-us}\n    - {kind: help_center, desk: shop, locale: en-us}\n"
    (one,) = load(tmp_path, text).knowledge.help_centers
    assert (one.desk, one.locale) == ("shop", "en-us")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (HELP.replace("shop", "shoe") + "}", "there is no desk 'shoe'. There are shop."),
        (HELP + ", locale: ../users}", "is no language; write one like en-us"),
        (HELP + ", path: help}", "'path' is not a key here; the keys here are desk, kind, locale."),
    ],
)
def test_a_help_centre_that_cannot_be_is_refused_where_it_stands(tmp_path: Path, text: str, fault: str) -> None:
    (told,) = faults(tmp_path, MINIMAL + text + "\n")
    assert told.startswith("8:")
    assert fault in told


def test_facts_cannot_be_stale_before_they_are_read_again(tmp_path: Path) -> None:
    text = "enrichment:\n  ttl_seconds: 600\n  customer:\n    - {kind: desk, max_age_seconds: 60}\n" + MINIMAL
    assert faults(tmp_path, text) == ["2:3: a source's max_age_seconds must not be below ttl_seconds."]
    text = "enrichment:\n  history: {ttl_seconds: 60, max_age_seconds: 30}\n" + MINIMAL
    assert faults(tmp_path, text) == ["2:12: max_age_seconds must not be below ttl_seconds."]


SECRETS_EVERYWHERE = """\
database: postgresql://bridge:hunter2-planted-secret@db/bridge
enrichment:
  customer:
    - {kind: sql, url: "postgresql://u:hunter2-planted-secret@db/crm", query: "SELECT 1 WHERE 'a' = :email"}
    - {kind: sql, url: "postgresql://u:${KEY}@db/crm", query: "SELECT 1 WHERE 'a' = :email"}
    - {kind: http, url: "https://crm.example/c", params: {q: "{email}"}, bearer: hunter2-planted-secret}
desks:
  shop:
    vendor: acme
    url: https://shop.example
    api_key: hunter2-planted-secret
    webhook_secrets: ["${OTHER}", hunter2-planted-secret]
    login: {client: us, secret: hunter2-planted-secret}
"""


def test_no_secret_shows_in_anything_made_of_the_settings(tmp_path: Path) -> None:
    settings = load(tmp_path, SECRETS_EVERYWHERE, OTHER="another")
    desk = settings.desks["shop"]
    dumps = [settings.model_dump(), desk.options.model_dump()]
    shown = [settings, desk, desk.options, settings.enrichment, dumps, settings.plain_secrets]
    told = "".join(f"{each!r} {each!s}" for each in shown) + json.dumps(settings.model_dump(mode="json"))
    assert PLANTED not in told
    assert "another" not in told


def test_no_secret_shows_when_settings_are_made_wrongly_by_hand() -> None:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({"database": f"mysql://u:{PLANTED}@h/d", "desks": {}})
    assert PLANTED not in str(caught.value)


def test_secrets_that_stand_in_the_file_are_listed_for_a_warning(tmp_path: Path) -> None:
    settings = load(tmp_path, SECRETS_EVERYWHERE, OTHER="another")
    assert sorted(settings.plain_secrets) == [
        "database",
        "desks.shop.api_key",
        "desks.shop.login.secret",
        "desks.shop.webhook_secrets.1",
        "enrichment.customer.0.url",
        "enrichment.customer.2.bearer",
    ]
    assert load(tmp_path, "database: postgresql://bridge@db/bridge\n" + MINIMAL).plain_secrets == ()


def test_an_address_may_be_a_name_or_ipv6_and_its_port_may_be_any_free_one(tmp_path: Path) -> None:
    assert load(tmp_path, "listen: localhost:0\n" + MINIMAL).address == ("localhost", 0)
    assert load(tmp_path, "listen: '[::1]:8080'\n" + MINIMAL).address == ("::1", 8080)


def test_settings_cannot_be_changed(tmp_path: Path) -> None:
    settings = load(tmp_path, MINIMAL)
    with pytest.raises(ValidationError):
        settings.workers = 9


def test_secrets_for_webhooks_are_whole_ones_and_networks_are_networks(tmp_path: Path) -> None:
    whole = "whsec_" + base64.b64encode(bytes(range(24))).decode()
    text = MINIMAL + "outgoing:\n  secrets: {crm: ['%s']}\n  private_networks: [%s]\n"
    found = load(tmp_path, text % ("${CRM}", "10.0.0.0/8, 'fd00::/8'"), CRM=whole).outgoing.receivers
    assert found.keys == {"crm": [bytes(range(24))]}
    assert [str(network) for network in found.private] == ["10.0.0.0/8", "fd00::/8"]
    assert faults(tmp_path, text % (PLANTED, "10.0.0.1/8")) == [
        "7:19: must be whsec_ and 24 to 64 bytes in base64: echo whsec_$(openssl rand -base64 32).",
        "8:22: is no network; write one like 10.20.0.0/16.",
    ]
