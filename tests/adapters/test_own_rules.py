"""Triggers and automation rules in a policy's words: what the policy then decides, and what could not be said."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

import rules
from adapters.freshdesk import rules as freshdesk
from adapters.freshdesk.mapping import STATUSES
from adapters.intercom import rules as intercom
from adapters.zendesk import rules as zendesk
from bridge.errors import BadFile
from bridge.model import (
    Actor,
    ActorKind,
    AgentRecord,
    AgentStatus,
    Case,
    Channel,
    EventKind,
    Imported,
    Message,
    Mode,
    Outcome,
    Priority,
    Requester,
    Roster,
    Standing,
    Status,
    TeamRecord,
    Ticket,
    TicketRef,
    Visibility,
)
from bridge.triage import text_of
from deskbridge.cli import app
from deskbridge.importing import policy_of
from sandbox.common.server import start as listen
from tests.core.world import OPTIONS, SANDBOXES

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
ROSTER = Roster(
    "acme",
    NOW,
    agents=(
        AgentRecord("11", "Ana Alvarez", "ana@acme.example", ("1",), limit=4),
        AgentRecord("12", "Bo Berg", "bo@acme.example", ("1", "2")),
        AgentRecord("13", "Bo Berg", "bo.b@acme.example", ("2",)),
        AgentRecord("14", "Gone Gray", "gone@acme.example", ("2",), status=AgentStatus.GONE),
    ),
    teams=(TeamRecord("1", "Billing"), TeamRecord("2", "Tech Support"), TeamRecord("3", "Empty")),
)


def read(imported: Imported) -> tuple[rules.LoadedPolicy, dict[str, list[str]]]:
    """The policy, loaded clean, and what could not be said by rule."""
    text, unsaid = policy_of(imported, ROSTER)
    gaps: dict[str, list[str]] = {}
    for gap in unsaid:
        gaps.setdefault(gap.rule, []).append(gap.what)
    return rules.loads(text), gaps


def decided(
    policy: rules.LoadedPolicy,
    subject: str = "",
    event: EventKind = EventKind.TICKET_CREATED,
    *,
    body: str = "",
    team: str | None = None,
    assignee: str | None = None,
    **more: Any,
) -> Outcome:
    """What a policy says of a ticket that stands with a team and an agent, by the policy's names for them."""
    written = Message("1", Actor(ActorKind.REQUESTER, "1"), Visibility.PUBLIC, body, NOW)
    given = {"requester": Requester("1"), "status": Status.NEW, **{key: _word(key, more[key]) for key in more}}
    ticket = Ticket(TicketRef("acme", "1"), subject, messages=(written,), created_at=NOW, updated_at=NOW, **given)
    text = text_of(ticket)
    standing = Standing(team=team, assignee=assignee)
    case = Case(ticket, event, NOW, text, policy.triage(ticket, text), standing=standing)
    return policy.decide(case, desk="acme", desk_mode=Mode.LIVE)


def _word(key: str, value: Any) -> Any:
    """A plain word as the model's own."""
    kinds: dict[str, Callable[[Any], Any]] = {"status": Status, "priority": Priority, "channel": Channel}
    return kinds[key](value) if key in kinds else value


def trigger(title: str, all_: list[tuple[str, str, Any]], *actions: tuple[str, Any], **more: Any) -> dict[str, Any]:
    def row(condition: tuple[str, str, Any]) -> dict[str, Any]:
        return dict(zip(("field", "operator", "value"), condition, strict=True))

    return {
        "title": title,
        "conditions": {"all": [row(one) for one in all_], "any": [row(one) for one in more.pop("any_", [])]},
        "actions": [{"field": field, "value": value} for field, value in actions],
        **more,
    }


def of_zendesk(*triggers: dict[str, Any], **more: Any) -> tuple[rules.LoadedPolicy, dict[str, list[str]]]:
    return read(zendesk.said({"triggers": list(triggers), **more}, ROSTER))


CREATED = ("update_type", "is", "Create")


def test_a_trigger_becomes_a_route_and_an_annotation_under_the_same_condition() -> None:
    policy, gaps = of_zendesk(
        trigger(
            "Refunds",
            [CREATED, ("subject_includes_word", "includes", "refund chargeback")],
            ("group_id", "1"),
            ("priority", "high"),
            ("current_tags", "money urgent-money"),
            ("custom_fields_77", "yes"),
        ),
        ticket_fields=[{"id": 77, "title": "Refund wanted", "type": "tagger"}],
    )
    assert gaps == {"team Empty": ["nobody is in it"]}
    found = decided(policy, "A REFUND, please")
    assert found.target is not None
    assert found.target.team == "Billing"
    assert found.effect.priority == "high"
    assert found.effect.add_tags == {"money", "urgent-money"}
    assert found.effect.fields == {"Refund wanted": "yes"}
    assert policy.bound("fields", "acme", "Refund wanted") == "77"
    assert decided(policy, "refunds", EventKind.REQUESTER_REPLIED).target is None
    assert decided(policy, "Refunded").target is None, "a word is a whole word"


def test_teams_have_their_members_by_the_desks_own_names_and_limits() -> None:
    policy, _ = of_zendesk()
    assert policy.teams() == ("Billing", "Tech Support")
    assert [(one.name, one.capacity) for one in policy.members("Billing")] == [
        ("Ana Alvarez", 4),
        ("bo@acme.example", 10),
    ]
    assert [one.name for one in policy.members("Tech Support")] == ["bo@acme.example", "bo.b@acme.example"]
    assert policy.file.mode is Mode.SHADOW


def test_of_triggers_that_set_a_group_the_last_wins_and_one_that_fills_an_empty_group_gives_way() -> None:
    def sets(title: str, word: str, group: str, *guard: tuple[str, str, Any]) -> dict[str, Any]:
        return trigger(title, [("subject_includes_word", "includes", word), *guard], ("group_id", group))

    empty = ("group_id", "is", "")
    policy, _ = of_zendesk(
        sets("one", "alpha", "1"),
        sets("two", "beta", "2"),
        sets("three", "gamma", "1", empty),
        sets("four", "delta", "2", empty),
    )

    def team(subject: str, **more: Any) -> str | None:
        target = decided(policy, subject, **more).target
        return target.team if target else None

    assert team("alpha") == "Billing"
    assert team("alpha beta") == "Tech Support"
    assert team("alpha delta") == "Billing"
    assert team("gamma delta") == "Billing"
    assert team("nothing of it") is None
    assert team("gamma", team="Tech Support") is None


SAID: list[tuple[tuple[str, str, Any], dict[str, Any], dict[str, Any]]] = [
    (("status", "is", "open"), {"status": "open"}, {"status": "new"}),
    (("status", "is_not", "hold"), {"status": "open"}, {"status": "on_hold"}),
    (("status", "less_than", "solved"), {"status": "pending"}, {"status": "resolved"}),
    (("priority", "greater_than", "normal"), {"priority": "high"}, {"priority": "normal"}),
    (("priority", "is", ""), {"priority": "none"}, {"priority": "low"}),
    (("type", "is_not", "incident"), {"type": None}, {"type": "incident"}),
    (("type", "is", ""), {"type": None}, {"type": "task"}),
    (("group_id", "is", "1"), {"team": "Billing"}, {"team": "Tech Support"}),
    (("group_id", "is_not", "1"), {"team": None}, {"team": "Billing"}),
    (("group_id", "is_not", ""), {"team": "Billing"}, {"team": None}),
    (("assignee_id", "is", "11"), {"assignee": "Ana Alvarez"}, {"assignee": "bo@acme.example"}),
    (("current_tags", "includes", "a b"), {"tags": frozenset("b")}, {"tags": frozenset("c")}),
    (("current_tags", "not_includes", "a b"), {"tags": frozenset("c")}, {"tags": frozenset("ac")}),
    (("subject_includes_word", "is", "50% off (now)"), {"subject": "get 50% OFF (now)!"}, {"subject": "50 off now"}),
    (("subject_includes_word", "is_not", "spam"), {"subject": "hello"}, {"subject": "antispam"}),
    (("comment_includes_word", "not_includes", "unsubscribe stop"), {"body": "go"}, {"body": "please stop"}),
    (("description_includes_word", "includes", "lawyer"), {"body": "my lawyer"}, {"body": "my flyer"}),
    (("via_id", "is", "4"), {"channel": "email"}, {"channel": "web"}),
    (("custom_fields_77", "is", "gold"), {"fields": {"77": "gold"}}, {"fields": {"77": "tin"}}),
    (("custom_fields_77", "is_not", "gold"), {"fields": {}}, {"fields": {"77": "gold"}}),
    (("custom_fields_77", "not_present", ""), {"fields": {"77": None}}, {"fields": {"77": "tin"}}),
    (("custom_fields_78", "is", "true"), {"fields": {"78": True}}, {"fields": {"78": False}}),
]


@pytest.mark.parametrize(("condition", "yes", "no"), SAID, ids=[f"{s[0][0]} {s[0][1]} {s[0][2]}" for s in SAID])
def test_a_condition_of_zendesk_holds_for_the_same_tickets(
    condition: tuple[str, str, Any], yes: dict[str, Any], no: dict[str, Any]
) -> None:
    policy, gaps = of_zendesk(
        trigger("one", [condition], ("current_tags", "hit")),
        ticket_fields=[{"id": 78, "title": "Agreed", "type": "checkbox"}],
    )
    assert set(gaps) == {"team Empty"}
    assert decided(policy, **yes).effect.add_tags == {"hit"}
    assert decided(policy, **no).effect.add_tags == frozenset()


def test_a_trigger_that_cannot_be_said_whole_is_left_out_and_told_in_its_own_words() -> None:
    policy, gaps = of_zendesk(
        trigger("Happy", [("satisfaction_score", "is", "good"), CREATED], ("priority", "high")),
        trigger("Touched", [("status", "changed", None)], ("priority", "high")),
        trigger("Mails", [CREATED], ("notification_user", ["requester_id", "Subject", "Secret words"])),
        trigger("Takes tags", [CREATED], ("set_tags", "only these"), ("current_tags", "kept")),
        trigger("Off", [CREATED], ("priority", "low"), active=False),
        trigger("Other group", [("group_id", "is", "99")], ("group_id", "98")),
        automations=[{"title": "Close after four days"}],
    )
    assert gaps.pop("team Empty")
    assert gaps == {
        "Happy": ["condition 'satisfaction_score is good'", "the whole trigger: " + WHOLE],
        "Touched": ["condition 'status changed'", "the whole trigger: " + WHOLE],
        "Mails": ["action 'notification_user requester_id'"],
        "Takes tags": ["action 'set_tags only these'"],
        "Off": ["switched off at Zendesk"],
        "Other group": [
            "condition 'group_id is 99': team 99, whom the desk does not list",
            "action 'group_id 98': team 98, whom the desk does not list",
            "the whole trigger: " + WHOLE,
        ],
        "Close after four days": ["an automation, which the clock starts; a policy decides on events"],
    }
    assert [rule.name for rule in policy.file.annotate] == ["Takes tags"]


WHOLE = "without these conditions it would act on other tickets"


def test_rows_that_are_no_objects_are_told_and_the_trigger_left_out() -> None:
    odd = {"title": "Odd", "conditions": {"all": [None], "any": None}, "actions": ["x"]}
    policy, gaps = of_zendesk(odd, {"title": None, "conditions": None, "actions": None})
    assert gaps["Odd"] == [*["something that is no object"] * 2, "the whole trigger: " + WHOLE]
    assert not policy.file.annotate


def test_alternatives_that_can_be_said_stay() -> None:
    either = [("priority", "is", "urgent"), ("satisfaction_score", "is", "bad")]
    policy, gaps = of_zendesk(trigger("Either", [CREATED], ("current_tags", "hot"), any_=either))
    assert gaps["Either"] == ["condition 'satisfaction_score is bad'"]
    assert decided(policy, priority="urgent").effect.add_tags == {"hot"}
    assert decided(policy, priority="high").effect.add_tags == frozenset()


@pytest.mark.parametrize("title", ["", "same", "x" * 500, "a: [b] #c\n- 'd' \N{BELL}", "null", "{{ticket.id}}", "no"])
def test_whatever_a_rule_is_called_the_policy_loads(title: str) -> None:
    both = [trigger(title, [CREATED], ("priority", "low"), ("group_id", "1"), id=n) for n in range(2)]
    policy, _ = of_zendesk(*both, trigger("same", [CREATED], ("set_tags", title)))
    assert len(policy.file.annotate) == len(policy.file.route) - 1 == 2


# Freshdesk


def rule(name: str, properties: list[tuple[str, str, Any]], *actions: tuple[str, Any], **more: Any) -> dict[str, Any]:
    rows = [
        {"resource_type": "ticket", "field_name": field, "operator": operator, "value": value}
        for field, operator, value in properties
    ]
    sets = [{"name": "condition_set_1", "match_type": more.pop("match", "all"), "properties": rows}]
    return {
        "name": name,
        "active": True,
        "conditions": sets,
        "operator": "condition_set_1",
        "actions": [{"field_name": field, "value": value} for field, value in actions],
        **more,
    }


def of_freshdesk(created: list[Any], updated: list[Any] | None = None, **more: Any) -> Any:
    return read(freshdesk.said({"1": created, "4": updated or [], **more}, ROSTER, STATUSES))


ALL = ("priority", "in", [1, 2, 3, 4])


def test_of_freshdesks_rules_for_new_tickets_the_first_that_matches_is_the_only_one() -> None:
    policy, gaps = of_freshdesk(
        [
            rule("later", [("subject", "contains", ["invoice"])], ("group_id", 1), ("add_tag", ["money"]), position=2),
            rule("first", [("subject", "contains", "urgent")], ("priority", 4), position=1),
        ]
    )
    assert set(gaps) == {"team Empty"}
    found = decided(policy, "invoices")
    assert found.target is not None
    assert found.target.team == "Billing"
    assert found.effect.add_tags == {"money"}
    both = decided(policy, "URGENT invoice")
    assert both.target is None
    assert both.effect.add_tags == frozenset()
    assert both.effect.priority == "urgent"
    assert decided(policy, "invoice", EventKind.REQUESTER_REPLIED).effect.add_tags == frozenset()


OF_FRESHDESK: list[tuple[tuple[str, str, Any], dict[str, Any], dict[str, Any]]] = [
    (("status", "in", [2, 3]), {"status": "new"}, {"status": "resolved"}),
    (("status", "not_in", [3]), {"status": "open"}, {"status": "pending"}),
    (("priority", "in", [3, 4]), {"priority": "urgent"}, {"priority": "low"}),
    (("source", "is", 7), {"channel": "chat"}, {"channel": "email"}),
    (("ticket_type", "in", ["Incident"]), {"type": "Incident"}, {"type": None}),
    (("ticket_type", "not_in", ["Incident"]), {"type": None}, {"type": "Incident"}),
    (("group_id", "in", [1, 2]), {"team": "Tech Support"}, {"team": None}),
    (("tag_names", "in", ["vip"]), {"tags": frozenset({"vip"})}, {"tags": frozenset()}),
    (("subject", "does_not_contain", ["out of office", "auto"]), {"subject": "hi"}, {"subject": "AUTOreply"}),
    (("subject_or_description", "contains", ["angry"]), {"body": "I am angry"}, {"body": "calm"}),
    (("cf_plan", "is", "Gold"), {"fields": {"cf_plan": "Gold"}}, {"fields": {"cf_plan": "Tin"}}),
]


@pytest.mark.parametrize(("condition", "yes", "no"), OF_FRESHDESK, ids=[f"{s[0][0]} {s[0][1]}" for s in OF_FRESHDESK])
def test_a_condition_of_freshdesk_holds_for_the_same_tickets(
    condition: tuple[str, str, Any], yes: dict[str, Any], no: dict[str, Any]
) -> None:
    policy, gaps = of_freshdesk([rule("one", [condition], ("add_tag", ["hit"]))])
    assert set(gaps) == {"team Empty"}
    assert decided(policy, **yes).effect.add_tags == {"hit"}
    assert decided(policy, **no).effect.add_tags == frozenset()


def test_rules_for_updates_are_read_where_a_requesters_reply_starts_them() -> None:
    def on(name: str, performer: int, *events: str) -> dict[str, Any]:
        return rule(
            name,
            [ALL],
            ("add_tag", ["again"]),
            performer={"type": performer},
            events=[{"field_name": event} for event in events],
        )

    policy, gaps = of_freshdesk(
        [], [on("reply", 2, "reply_sent"), on("agent", 1, "status")], **{"3": [rule("h", [ALL])]}
    )
    assert decided(policy, "x", EventKind.REQUESTER_REPLIED, priority="low").effect.add_tags == {"again"}
    assert decided(policy, "x", priority="low").effect.add_tags == frozenset()
    assert gaps["agent"] == ["a rule for updates: performer 1, events status"]
    assert gaps["h"] == ["a rule that the clock starts; a policy decides on events"]


def test_what_freshdesks_rules_do_beyond_a_policy_is_told() -> None:
    policy, gaps = of_freshdesk(
        [
            rule("mail", [ALL], ("send_email_to_requester", None), ("status", 5), ("priority", 3)),
            rule("deep", [("last_interaction", "is", "x")], ("priority", 3)),
        ]
    )
    assert gaps["mail"] == ["action 'send_email_to_requester'", "action 'status 5'"]
    assert gaps["deep"][0] == "condition 'ticket last_interaction is x'"
    assert [one.name for one in policy.file.annotate] == ["mail (2)"]


def test_what_a_row_of_freshdesk_says_besides_its_value_is_told_and_never_left_out() -> None:
    deep, strict, parent = (rule(name, [ALL], ("priority", 3)) for name in ("deep", "strict", "parent"))
    deep["conditions"][0]["properties"][0]["nested_fields"] = {"level2": {"field_name": "cf_city"}}
    strict["conditions"][0]["properties"][0]["case_sensitive"] = True
    parent["actions"][0]["resource_type"] = "parent_ticket"
    policy, gaps = of_freshdesk([deep, strict, parent])
    assert gaps["deep"][0].endswith(" with nested_fields")
    assert gaps["strict"][0].endswith(" with case_sensitive")
    assert gaps["parent"] == ["action 'priority 3' of the parent ticket"]
    assert not any(one.then.priority for one in policy.file.annotate)


def test_lists_of_an_export_that_are_not_read_are_told() -> None:
    _, gaps = of_zendesk(macros=[{"title": "Close"}, {"title": "Thank"}], views=[], count=2)
    assert gaps["macros"] == ["2 of them, which are not read"]
    assert gaps.keys() == {"macros", "team Empty"}
    _, gaps = of_freshdesk([], **{"2": [rule("x", [ALL])]})
    assert gaps["2"] == ["1 of them, which are not read"]


def test_a_rule_that_the_policy_language_refuses_is_told_and_takes_no_other_with_it() -> None:
    odd, fine = rule("Odd", [ALL], ("ticket_type", "x" * 150)), rule("Fine", [ALL], ("ticket_type", "Task"))
    policy, gaps = of_freshdesk([odd, fine])
    assert [one.then.type for one in policy.file.annotate] == ["Task"]
    assert gaps["Odd (2)"] == ["should have at most 100 characters."]


def test_intercom_gives_teams_and_says_what_it_does_not_show() -> None:
    policy, gaps = read(intercom.said({"tags": [{"name": "vip"}, {"name": "bug"}]}))
    assert policy.teams() == ("Billing", "Tech Support")
    assert gaps["workflows"] == ["Intercom has no API for them"]
    assert gaps["tags"] == ["in use here, by whatever rule: bug, vip"]


# The command, at running sandbox desks

Run = Callable[..., tuple[int, str]]


@contextmanager
def desk(folder: Path, vendor: str) -> Iterator[str]:
    """A sandbox desk of a vendor with a settings file for it; its address."""
    with listen(SANDBOXES[vendor]()) as running:
        options = json.loads(json.dumps({"url": running.url, **OPTIONS[vendor]}, default=str))
        settings = {"desks": {f"acme-{vendor}": {"vendor": vendor, **options}}}
        (folder / "deskbridge.yaml").write_text(json.dumps(settings))
        yield running.url


def imported(folder: Path, vendor: str, *more: str) -> tuple[int, str]:
    given = ["policy", "import", vendor, "-o", str(folder / "out.yaml"), "-c", str(folder / "deskbridge.yaml"), *more]
    result = CliRunner().invoke(app, given)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_triggers_are_read_from_zendesk_itself_however_many_pages(tmp_path: Path) -> None:
    with desk(tmp_path, "zendesk") as url:
        api = httpx.Client(base_url=f"{url}/api/v2", auth=("bridge@acme.example/token", "sandbox-api-token"))
        groups = {group["name"]: group["id"] for group in api.get("/groups").json()["groups"]}
        for number in range(120):
            row = trigger(f"T{number}", [("subject_includes_word", "includes", f"word{number}")])
            row["actions"] = [{"field": "group_id", "value": str(groups["Tech Support"])}]
            assert api.post("/triggers", json={"trigger": row | {"position": number}}).status_code == 201
        clock = trigger("Nightly", [("status", "is", "pending")], ("status", "solved"))
        assert api.post("/automations", json={"automation": clock}).status_code == 201
        api.close()
        code, said = imported(tmp_path, "zendesk")
    assert code == 0, said
    policy = rules.load(tmp_path / "out.yaml")
    assert len(policy.file.route) == 121
    assert "not said: Nightly: an automation" in said
    assert "# - Nightly: an automation" in (tmp_path / "out.yaml").read_text("utf-8")
    assert {one.name for one in policy.members("Billing")} == {"Ana Alvarez", "Bo Berg"}


def test_rules_are_read_from_freshdesk_itself_though_it_stumbles(tmp_path: Path) -> None:
    with desk(tmp_path, "freshdesk") as url:
        api = httpx.Client(base_url=f"{url}/api/v2", auth=("sandbox-freshdesk-key", "X"))
        group = next(row["id"] for row in api.get("/groups").json() if row["name"] == "Billing")
        for type_ in (1, 3):
            row = rule("Invoices", [("subject", "contains", ["invoice"])], ("group_id", group))
            assert api.post(f"/automations/{type_}/rules", json=row).status_code == 201
        api.close()
        stumbles = {"503": {"next": 1, "match": "/automations/"}}
        assert httpx.put(f"{url}/_sandbox/faults", json=stumbles).status_code == 200
        code, said = imported(tmp_path, "freshdesk")
    assert code == 0, said
    assert "asked again in" in said
    assert "clock starts" in said
    found = decided(rules.load(tmp_path / "out.yaml"), "An invoice")
    assert found.target is not None
    assert found.target.team == "Billing"


def test_an_export_file_stands_in_for_the_desks_rules_and_no_file_is_written_over(tmp_path: Path) -> None:
    export = tmp_path / "export.json"
    export.write_text(json.dumps({"triggers": [trigger("Loud", [CREATED], ("priority", "urgent"))]}))
    with desk(tmp_path, "zendesk"):
        assert imported(tmp_path, "zendesk", "--file", str(export))[0] == 0
        assert [one.name for one in rules.load(tmp_path / "out.yaml").file.annotate] == ["Loud"]
        with pytest.raises(Exception, match="--force writes over it"):
            imported(tmp_path, "zendesk")
        for bad, words in (
            ({"triggers": [None, 3, {}]}, "'triggers' should hold objects only"),
            ({"triggers": 5}, "holds no list of rules; docs/policy-import.md tells"),
            ({}, "holds no list of rules"),
        ):
            export.write_text(json.dumps(bad))
            with pytest.raises(BadFile, match=words):
                imported(tmp_path, "zendesk", "--force", "--file", str(export))
        export.write_text('{"triggers": [,]}')
        with pytest.raises(BadFile, match=r"export\.json:1:15: is not JSON"):
            imported(tmp_path, "zendesk", "--force", "--file", str(export))


def test_a_vendor_without_a_desk_is_refused_by_name(tmp_path: Path) -> None:
    with desk(tmp_path, "intercom"):
        for vendor, words in (("zendesk", "which has: none"), ("jira", "zendesk, freshdesk, intercom")):
            code, said = imported(tmp_path, vendor)
            assert (code, words in " ".join(said.replace("│", " ").split())) == (2, True), said
        assert imported(tmp_path, "intercom")[0] == 0
    assert set(rules.load(tmp_path / "out.yaml").teams()) == {"Billing", "Tech Support", "General"}
