"""How a policy says how its teams hand out their tickets: what it means, and what is refused."""

from datetime import timedelta

import pytest

import rules
from bridge.errors import BadFile
from bridge.model import Member, Priority, Relaxation
from bridge.routing import Rules, Strategy, WhenAway

POLICY = """
policy: deskbridge/v1
calendars:
  day: {timezone: UTC, hours: {mon-fri: ["08:00-16:00"]}}
  night: {timezone: UTC, hours: {mon-fri: ["20:00-04:00"]}}
teams:
  billing:
    calendar: day
    slots: 3
    when_away: hand_back
    grace: 45m
    guard: 90s
    members:
      ana: {capacity: 4, skills: [refunds], languages: [de, en], channels: {chat: 1}}
      bo: {capacity: 4, calendar: night}
  general: {assign_at_arrival: true, strategy: round_robin, members: {cy: {capacity: 9}}}
  phones: {assign_at_arrival: true, members: {dee: {capacity: 9}}}
  mail: {members: {eli: {capacity: 9}}}
sla:
  first_response: {urgent: 1h, normal: 8h}
  tiers: {enterprise: {urgent: 15m}}
route:
  - name: all
    to: {team: billing, skills: [refunds], prefer: [refunds], relax: [{after: 30m, without: refunds}]}
"""


def test_each_team_hands_out_its_tickets_in_its_own_way() -> None:
    policy = rules.loads(POLICY)
    assert policy.routing("billing") == Rules(slots=3, when_away=WhenAway.HAND_BACK, grace=45.0, guard=1.5)
    assert policy.routing("general").strategy is Strategy.ROUND_ROBIN
    assert policy.routing("phones") == Rules(strategy=Strategy.BALANCED, when_away=WhenAway.KEEP, grace=30.0)
    mail = policy.routing("mail")
    assert (mail.strategy, mail.when_away, mail.slots) == (Strategy.LATE, WhenAway.KEEP, Rules().slots)


def test_a_members_own_hours_stand_in_place_of_the_teams() -> None:
    policy = rules.loads(POLICY)
    assert policy.hours("billing", "ana") is policy.opening("billing") is policy.calendars["day"]
    assert policy.hours("billing", "bo") is policy.calendars["night"]
    assert (policy.hours("general", "cy"), policy.opening("general")) == (None, None)
    assert policy.members("billing")[0] == Member(
        "ana", 4, frozenset({"refunds"}), frozenset({"de", "en"}), {"chat": 1}
    )


@pytest.mark.parametrize(
    ("priority", "tier", "promised"),
    [
        (Priority.URGENT, None, timedelta(hours=1)),
        (Priority.URGENT, "enterprise", timedelta(minutes=15)),
        (Priority.NONE, "enterprise", timedelta(hours=8)),
        (Priority.LOW, None, None),
    ],
)
def test_what_is_promised_depends_on_priority_and_tier(
    priority: Priority, tier: str | None, promised: timedelta | None
) -> None:
    assert rules.loads(POLICY).promise(priority, tier) == promised


def test_a_policy_without_promises_promises_nothing() -> None:
    without = POLICY.split("sla:", maxsplit=1)[0] + "route:\n" + POLICY.split("route:\n")[1]
    assert rules.loads(without).promise(Priority.URGENT, "enterprise") is None


def test_a_rule_says_what_it_prefers_and_what_it_gives_up_when() -> None:
    to = rules.loads(POLICY).file.route[0].to
    assert to is not None
    assert to.prefer == {"refunds"}
    assert [Relaxation(step.after, step.without) for step in to.relax] == [
        Relaxation(timedelta(minutes=30), frozenset({"refunds"}))
    ]


@pytest.mark.parametrize(
    ("right", "wrong", "words"),
    [
        ("assign_at_arrival: true, strategy: round_robin", "strategy: round_robin", "has a strategy"),
        ("strategy: round_robin", "slots: 1", "has slots"),
        ("slots: 3", "slots: 0", "should be 1 or more|greater than or equal to 1"),
        ("guard: 90s", "guard: 3h", "has a guard of more than 2h"),
        ("strategy: round_robin", "strategy: late", "should be 'round_robin', 'least_loaded' or 'balanced'"),
        ("calendar: night", "calendar: nite", "there is no calendar 'nite'"),
        ("prefer: [refunds]", "prefer: [refund]", "nobody in team 'billing' has the skill 'refund'"),
        ("without: refunds", "without: chats", "relaxes what it does not ask for: chats"),
        ("without: refunds", "without: langauge", "ask for: langauge; did you mean 'language'?"),
        ("{timezone: UTC, ", "{timezone: Europe/Belrin, ", "did you mean 'Europe/Berlin'"),
        ("[{after", "[{after: 40m, without: refunds}, {after", "out of order"),
        ("without: refunds", "without: []", "gives up no skill"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(right: str, wrong: str, words: str) -> None:
    assert right in POLICY
    with pytest.raises(BadFile, match=words):
        rules.loads(POLICY.replace(right, wrong))
