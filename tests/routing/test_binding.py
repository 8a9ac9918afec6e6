"""Whom the policy's names mean at a desk."""

from typing import Any

import rules
from bridge.binding import Missing, bind
from bridge.model import AgentRecord, Roster, TeamRecord
from tests.conftest import Clock

POLICY = """
policy: deskbridge/v1
mode: live
teams:
  billing: {members: {ana: {capacity: 3}, bo: {capacity: 4}}}
  general: {members: {ana: {capacity: 3}}}
triage:
  intent: {act: 0.8, suggest: 0.5}
  words: {billing: [invoice]}
route:
  - {name: everything, to: {team: billing}}
bindings:
  acme: {teams: {billing: Money}, agents: {ana: ANA@acme.example}}
"""


def roster(**more: Any) -> Roster:
    agents = (AgentRecord("7", "Ana Alvarez", email="ana@ACME.example"), AgentRecord("8", "BO"))
    return Roster("acme", Clock().now, agents, (TeamRecord("10", "money"),), **more)


def test_names_are_found_by_binding_mail_or_name_whatever_their_case() -> None:
    found = bind(rules.loads(POLICY), roster())
    assert found.team_ids == {"billing": "10"}
    assert {name: record.id for name, record in found.agents.items()} == {"ana": "7", "bo": "8"}
    assert found.names == {"7": "Ana Alvarez", "8": "BO"}


def test_a_bound_field_that_the_desk_lists_is_there_and_one_that_it_does_not_is_missing() -> None:
    bound = rules.loads(POLICY.replace("acme: {teams", "acme: {fields: {plan: cf_plan, order: cf_ordr}, teams"))
    there = ("status", "cf_plan", "cf_order")
    assert [one for one in bind(bound, roster(field_names=there)).missing if one.kind == "fields"] == [
        Missing("fields", "order", "field 'order' (bound to 'cf_ordr') is not on desk 'acme'; did you mean 'cf_order'?")
    ]
    assert not [one for one in bind(bound, roster(field_names=None)).missing if one.kind == "fields"]


def test_each_name_that_is_missing_is_told_once_with_what_there_is() -> None:
    policy = rules.loads(POLICY.replace("ANA@acme.example", "ann@acme.example").replace("Money", "Cash"))
    assert tuple(one.words for one in bind(policy, roster()).missing) == (
        "team 'billing' (bound to 'Cash') is not on desk 'acme', which has: money",
        "agent 'ana' (bound to 'ann@acme.example') is not on desk 'acme'; did you mean 'ana@ACME.example'?",
        "team 'general' is not on desk 'acme', which has: money",
    )
