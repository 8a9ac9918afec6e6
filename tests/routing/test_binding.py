"""Whom the policy's names mean at a desk."""

from typing import Any

import rules
from bridge.binding import bind
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


def test_each_name_that_is_missing_is_told_once_with_what_there_is() -> None:
    policy = rules.loads(POLICY.replace("ANA@acme.example", "ann@acme.example").replace("Money", "Cash"))
    assert bind(policy, roster()).missing == (
        "team 'billing' (bound to 'Cash') is not on desk 'acme', which has: money",
        "agent 'ana' (bound to 'ann@acme.example') is not on desk 'acme', which has: BO, ana@ACME.example",
        "team 'general' is not on desk 'acme', which has: money",
    )
