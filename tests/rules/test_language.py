"""What the language asks of time, the past and people, what it says and does, and where a name must lead somewhere."""

from datetime import UTC, datetime, timedelta

import pytest

from bridge.model import (
    Actor,
    ActorKind,
    Hook,
    Message,
    Mode,
    Notice,
    Organisation,
    Priority,
    Remark,
    Requester,
    Standing,
    Target,
    Visibility,
)
from rules.operators import duration_words
from tests.rules.build import BASE, END, NOW, case, faults, intent, policy, verdict

WEEK = 'calendars:\n  week: {timezone: UTC, hours: {mon-fri: ["08:00-16:00"]}}\n'


def said(*authors: ActorKind, at: datetime = NOW) -> tuple[Message, ...]:
    return tuple(
        Message(str(number), Actor(kind), Visibility.PUBLIC, "", at + timedelta(hours=number))
        for number, kind in enumerate(authors)
    )


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ("{age: 2h}", True),
        ("{age: {over: 2h}}", False),
        ("{age: {at_least: 1h30m, under: 1d}}", True),
        ("{idle: {at_most: 30m}}", True),
        ("{idle: {over: 30m}}", False),
        ("{waiting: {unknown: true}}", True),
        ("{not: {waiting: 1s}}", False),
        ("{messages.requester: 0}", True),
    ],
)
def test_times_count_from_the_moment_of_the_decision(when: str, holds: bool) -> None:
    given = case(
        created_at=NOW - timedelta(hours=2), updated_at=NOW - timedelta(minutes=30), messages=said(ActorKind.AGENT)
    )
    assert verdict(when, given).applied is holds


def test_calendars_are_told_apart_whatever_they_are_called() -> None:
    loaded = policy(f"""\
    calendars:
      "a, b": {{timezone: UTC, hours: {{sat: ["08:00-16:00"]}}}}
      a: {{timezone: UTC, hours: {{mon-fri: ["08:00-16:00"]}}}}
      b: {{timezone: UTC, hours: {{sat: ["08:00-16:00"]}}}}
    annotate:
      - {{name: one, when: {{within: ["a, b"]}}, then: {{type: x}}}}
      - {{name: two, when: {{within: [a, b]}}, then: {{type: x}}}}
    route:
    {END}""")
    outcome = loaded.decide(case(), desk="d", desk_mode=Mode.LIVE)
    assert [verdict.rule for verdict in outcome.verdicts] == ["two", "everything else"]


R, A, B = ActorKind.REQUESTER, ActorKind.AGENT, ActorKind.BOT


@pytest.mark.parametrize(
    ("authors", "hours"),
    [([R], 0), ([R, R], 0), ([R, A, R], 2), ([R, A, R, R], 2), ([R, B], 0), ([R, A], None), ([], None)],
)
def test_who_waits_waits_since_the_first_message_that_no_agent_answered(
    authors: list[ActorKind], hours: int | None
) -> None:
    start = NOW - timedelta(hours=10)
    given = case(messages=said(*authors, at=start))
    if hours is None:
        assert verdict("{waiting: {unknown: true}}", given).applied
    else:
        span = duration_words(timedelta(hours=10 - hours))
        assert verdict(f"{{waiting: {{at_least: {span}, at_most: {span}}}}}", given).applied


def test_business_time_counts_open_hours_only() -> None:
    loaded = policy(
        WEEK
        + """\
annotate:
  - {name: open, when: {within: week}, then: {type: x}}
  - {name: late, when: {waiting: {at_least: 4h, calendar: week}}, then: {type: x}}
  - {name: too late, when: {waiting: {over: 4h, calendar: week}}, then: {type: x}}
route:
"""
        + END
    )
    friday = datetime(2026, 1, 2, 16, tzinfo=UTC)
    names = [account.rule for account in loaded.explain(case(messages=said(R, at=friday)), desk="d") if account.applied]
    assert names == ["open", "late", "everything else"]


def test_who_has_and_had_a_ticket_is_asked_by_the_policys_names() -> None:
    standing = Standing("ana", "billing", frozenset({"cy"}), frozenset({"vip"}))
    given = case(standing=standing)
    for when in ("{assignee: ana}", "{team: billing}", "{previous_assignees: [cy, ana]}", "{previous_tags: vip}"):
        assert verdict(when, given).applied
        assert not verdict(when, case()).applied
    assert verdict("{assignee: {unknown: true}, previous_assignees: {none: [cy]}}", case()).applied


def test_text_values_are_compared_by_their_parts_case_aside() -> None:
    company = Organisation("9", "Globex AG", {"seats": 900}, ("key", "EU"))
    fields = {"role": "Admin", "langs": ["De"]}
    person = Requester("1", "Ann Lee", "Ann@Globex.example", "C-7", organisation=company, fields=fields)
    given = case(requester=person, status_raw="Waiting for parts")
    for when in (
        "{requester.email: {ends_with: '@globex.example'}}",
        "{requester.name: {starts_with: 'ann '}}",
        "{requester.organisation: {contains: LOBE}}",
        "{requester.external_id: {pattern: '^C-[0-9]$'}}",
        "{requester.field.role: admin}",
        "{requester.field.langs: de}",
        "{organisation.field.seats: {over: 500}}",
        "{organisation.tags: {all: [eu, key]}}",
        "{desk.status: {starts_with: waiting}}",
        "{not: {requester.name: {contains: bob}}}",
    ):
        assert verdict(when, given).applied, when
    for when in ("{requester.name: {starts_with: lee}}", "{requester.field.seats: {contains: '9'}}"):
        assert not verdict(when, given).applied


def test_a_number_has_no_text_to_look_into_and_a_text_no_size() -> None:
    given = case(fields={"size": 12, "name": "twelve"})
    for when in ("{field.size: {contains: '1'}}", "{field.name: {over: 1}}"):
        assert verdict(when, given).verdict is None
        assert verdict(f"{{not: {when}}}", given).verdict is None


ACTIONS = """\
webhooks: {crm: "https://crm.example/t"}
annotate:
  - name: first
    when: {priority: high}
    then: {note: "{subject}: {requester.name} {{x}} {field.order}", call: crm, notify: {to: ana, text: "see {intent}"}}
  - {name: halt, when: {status: new}, then: {priority: low, stop: true}}
  - {name: never, when: {status: new}, then: {priority: urgent}}
route:
  - {name: to billing, when: {status: new}, to: {team: billing, wait_at_most: 1h30m, prefer_last_agent: 3d}}
"""


def test_what_a_rule_says_and_calls_is_in_the_outcome_with_its_placeholders_filled() -> None:
    given = case(subject="<b>Hi</b>", priority=Priority.HIGH, triage=intent("billing", 0.6))
    outcome = policy(ACTIONS + END).decide(given, desk="d", desk_mode=Mode.LIVE)
    assert outcome.effect.remarks == (Remark("first", "<b>Hi</b>: unknown {x} unknown"),)
    assert outcome.effect.notices == (Notice("first", frozenset({"ana"}), "see billing"),)
    assert outcome.effect.hooks == (Hook("first", "crm"),)
    assert outcome.target == Target(
        "to billing", "billing", frozenset(), "general", timedelta(minutes=90), timedelta(days=3)
    )


def test_stop_ends_the_stage_and_says_so() -> None:
    loaded = policy(ACTIONS + END)
    assert loaded.decide(case(), desk="d", desk_mode=Mode.LIVE).effect.priority is Priority.LOW
    told = {account.rule: account.because for account in loaded.explain(case(), desk="d")}
    assert told["never"] == "status is new; but 'halt' stops"


def test_skip_in_an_annotate_rule_leaves_the_ticket_where_it_is_and_keeps_the_other_effects() -> None:
    loaded = policy(
        "annotate:\n  - {name: leave, when: {status: new}, then: {add_tags: [x], skip: true}}\n"
        f"  - {{name: also, when: {{status: new}}, then: {{type: y}}}}\nroute:\n{END}"
    )
    outcome = loaded.decide(case(), desk="d", desk_mode=Mode.LIVE)
    assert (outcome.target, outcome.effect.add_tags, outcome.effect.type) == (None, frozenset({"x"}), "y")
    assert loaded.explain(case(), desk="d")[-1].because == "it has no condition; but 'leave' skips"


def test_an_account_tells_every_condition_in_the_words_and_the_line_of_the_file() -> None:
    loaded = policy("""\
    annotate:
      - name: it
        when:
          any:
            - {status: open, field.order: {in: [A, B]}}
            - not: {channel: chat}
            - text: {words: [refund], pattern: "[0-9]+"}
        then: {type: x}
    route:
      - {name: everything else, to: {team: general}}
    """)
    account = loaded.explain(case("refund please", fields={"order": "C"}), desk="d")[0].condition
    assert account is not None
    both, opposite, text = account.parts
    assert (account.words, account.line, account.verdict) == ("any", 11, True)
    assert [(part.words, part.line, part.verdict, part.value) for part in both.parts] == [
        ("status: open", 12, False, "new"),
        ("field.order: {in: [A, B]}", 12, False, "C"),
    ]
    assert [(part.words, part.line, part.verdict, part.value) for part in opposite.parts] == [
        ("channel: chat", 13, False, "other")
    ]
    assert (text.words, text.line, text.verdict, text.value) == (
        "text: {words: [refund], pattern: [0-9]+}",
        14,
        False,
        "'refund'; no match of the pattern",
    )


def calendar(text: str) -> str:
    return f"{BASE}calendars:\n  a: {{{text}}}\nroute:\n{END}"


def webhook(url: str) -> str:
    return f"{BASE}webhooks: {{crm: '{url}'}}\nroute:\n{END}"


def asking(when: str, then: str = "{type: x}") -> str:
    return f"{BASE}{WEEK}annotate:\n  - {{name: x, when: {when}, then: {then}}}\nroute:\n{END}"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (asking("{age: 2}"), "should be a duration such as 30s, 10m, 2h, 1h30m or 3d."),
        (
            asking("{age: {calendar: week}}"),
            "asks for no duration; it needs one of over, under, at_least, at_most, unknown.",
        ),
        (
            asking("{age: {over: 2h, calendar: weeks}}"),
            "there is no calendar 'weeks' in this policy; did you mean 'week'?",
        ),
        (
            asking("{not: {any: [{within: {any: [wek]}}]}}"),
            "there is no calendar 'wek' in this policy; did you mean 'week'?",
        ),
        (asking("{assignee: anna}"), "there is no agent 'anna' in this policy; did you mean 'ana'?"),
        (asking("{previous_assignees: [ana, zoe]}"), "there is no agent 'zoe' in this policy; there are: ana, cy."),
        (asking("{last_agent: {in: [ana, cyy]}}"), "there is no agent 'cyy' in this policy; did you mean 'cy'?"),
        (asking("{not: {entities: {all: [urls]}}}"), "there is no entity 'urls' in this policy; did you mean 'url'?"),
        (
            asking("{team: {in: [billing, generl]}}"),
            "there is no team 'generl' in this policy; did you mean 'general'?",
        ),
        (asking("{tags: {unknown: true}}"), "'unknown' is not a key here; the keys here are all, any, none."),
        (asking("{status: new}", "{call: crm}"), "there is no webhook 'crm' in this policy; there are: none."),
        (
            asking("{status: new}", "{notify: {to: [ana, bob], text: x}}"),
            "there is no agent or team 'bob' in this policy; there are: ana, billing, cy, general.",
        ),
        (asking("{status: new}", "{notify: {to: [], text: x}}"), "tells nobody."),
        (asking("{status: new}", "{note: 'a { b'}"), "has a brace by itself; write {{ or }} for one."),
        (webhook("http://x.example"), "should be an https:// address without a user name in it."),
        (webhook("https://a:b@x.example"), "should be an https:// address without a user name in it."),
        (
            calendar("timezone: Mars/Base, hours: {}"),
            "is no time zone; write one like Europe/Berlin or America/New_York.",
        ),
        (calendar("timezone: Europe/Berln, hours: {}"), "is no time zone; did you mean 'Europe/Berlin'?"),
        (
            asking("{status: new}", "{priority: urgnt}"),
            "should be 'low', 'normal', 'high' or 'urgent'; did you mean 'urgent'?",
        ),
        (asking("{status: new}", "{add_tags: vip}"), "should be a list, such as [one, two]."),
        (asking("{contacts_24h: {over: many}}"), "should be a number."),
        (asking("{asks_for_human: maybe}"), "should be true or false."),
        (asking("{text: {pattern: ''}}"), "is an empty pattern, which every text has."),
        (
            calendar("timezone: UTC, hours: {mun: ['08:00-09:00']}"),
            "is no day of the week; write mon, tue, wed, thu, fri, sat, sun, or a range like mon-thu.",
        ),
        (calendar("timezone: UTC, hours: {mon: ['8-9']}"), "is no span of time; write it like 09:00-17:30."),
        (calendar("timezone: UTC, hours: {}"), "is never open; give at least one day a span."),
        (
            f"{BASE}route:\n  - {{name: x, to: {{team: billing, wait_at_most: soon}}}}\n",
            "should be a duration such as 30s, 10m, 2h, 1h30m or 3d.",
        ),
    ],
)
def test_what_cannot_be_meant_is_told(text: str, fault: str) -> None:
    (told,) = faults(text)
    assert told.split(": ", 1)[1] == fault


def test_an_unknown_placeholder_is_told_with_the_nearest_or_all_there_are() -> None:
    (told,) = faults(asking("{status: new}", "{note: 'Hi {requestor.name}'}"))
    assert told.endswith("has no placeholder {requestor.name}; did you mean 'requester.name'?")
    (told,) = faults(asking("{status: new}", "{note: 'Hi {zzz}'}"))
    assert "has no placeholder {zzz}; there are event, desk," in told
