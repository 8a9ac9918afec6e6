"""The judge on literal states: what is right is clean, and each kind of fault is found and called by its name."""

from typing import Any

import pytest

from benchmarks.chaos.judge import Verdict, judge, oversold
from benchmarks.chaos.script import LINE, LINE_SLOTS, RAISED, WORDS, tag_of

CALM = [word for word in WORDS if word not in RAISED]
FIRST, SECOND = CALM[0], CALM[1]
LOUD = WORDS[0]
ULIDS = ("01M7Y4H82PYYVMJJJCH9Q3TJ37", "01M7Y4H8AMEPT7R1BEAFR9QCGV")
BRIDGE = "bridge@acme.example"
AGENT_OF = {"zendesk": "assignee_id", "freshdesk": "responder_id"}


class Desk:
    """One desk with one ticket, written down as its sandbox would; a right one until it is spoilt."""

    def __init__(self, vendor: str = "freshdesk", word: str = FIRST) -> None:
        self.vendor = vendor
        self.ticket: dict[str, Any] = {
            "id": "7", "subject": f"The ledger: {word}", "status": "open", "priority": None, "assignee": None,
            "team": None, "tags": [], "notes": [], "replies": [], "created_at": 100.0,
        }  # fmt: skip
        self.writes: list[dict[str, Any]] = []
        self.calls: list[dict[str, Any]] = []
        self.deliveries: list[dict[str, Any]] = []
        self.fields: dict[str, float] = {}
        self.write(100.0, "requester", "create")

    def write(self, at: float, who: str, action: str = "update", mark: str | None = None, **changes: Any) -> None:
        row = {"seq": len(self.writes) + 1, "at": at, "ticket": "7", "actor": "x", "actor_kind": who, "action": action}
        metadata = {"deskbridge": {"op": mark}} if mark else {}
        self.writes.append(row | {"changes": changes, "metadata": metadata})

    def call(self, at: float, method: str = "GET", status: int = 200, fault: str | None = None) -> None:
        row = {"at": at, "method": method, "path": "/api/v2/tickets/7", "status": status, "actor": BRIDGE}
        self.calls.append(row | {"fault": fault})

    def tag(self, at: float, who: str, *tags: str, off: bool = False, mark: str | None = None) -> None:
        before = list(self.ticket["tags"])
        after = [tag for tag in before if tag not in tags] if off else [*before, *tags]
        self.ticket["tags"] = after
        self.write(at, who, mark=mark, tags=[before, after])

    def note(self, at: float, words: str, ref: str | None = None) -> None:
        body = f"<p>{words}</p>" + (f"<p><i>Deskbridge ref {ref}</i></p>" if ref else "")
        self.ticket["notes"].append({"id": str(at), "body": body, "author": BRIDGE, "at": at})

    def reply(self, at: float, word: str) -> None:
        said = {"id": str(at), "body": f"<p>More about the {word}.</p>", "author": "c", "at": at, "public": True}
        self.ticket["replies"].append(said | {"author_kind": "requester"})

    def assign(self, at: float, who: str = "integration", team: str = "Billing") -> None:
        self.ticket |= {"assignee": "ana@acme.example", "team": team}
        has: dict[str, float] = {"group_id": 1, AGENT_OF[self.vendor]: at}
        changes: dict[str, Any] = {name: [self.fields.get(name), value] for name, value in has.items()}
        self.write(at, who, **changes)
        self.fields |= has

    def decided(self, word: str = FIRST, at: float = 102.0) -> "Desk":
        """Everything that is due to a first message, done once."""
        self.call(at)
        self.assign(at + 0.1)
        self.tag(at + 0.1, "integration", tag_of(word))
        self.note(at + 0.2, f"Tags added: {tag_of(word)}", ULIDS[0])
        return self

    def judged(self, *killed: float) -> Verdict:
        state = {"vendor": self.vendor, "tickets": [self.ticket], "writes": self.writes, "calls": self.calls}
        return judge(state | {"deliveries": self.deliveries}, killed)


def test_what_was_done_once_is_clean_and_every_effect_of_it_is_counted() -> None:
    verdict = Desk().decided().judged()
    assert verdict.clean
    assert sorted(effect.what for effect in verdict.effects) == ["agent", "note", "tag", "team"]
    assert {effect.since for effect in verdict.effects} == {100.0}
    assert all(effect.done is not None and effect.done > 102 for effect in verdict.effects)


def test_a_ticket_nobody_looked_at_is_lost_with_everything_that_is_missing() -> None:
    (words,) = Desk().judged().lost
    assert words == f"freshdesk 7 '{FIRST}': no tag, no note, no team, no agent"


def test_a_reply_nobody_reacted_to_is_lost_by_itself() -> None:
    desk = Desk().decided()
    desk.reply(110.0, SECOND)
    assert desk.judged().lost == [f"freshdesk 7 '{SECOND}': no tag"]


def test_a_tag_that_vanished_in_the_end_is_lost_unless_an_agent_took_it_off() -> None:
    gone = Desk().decided()
    gone.tag(110.0, "integration", tag_of(FIRST), off=True)
    assert gone.judged().lost
    taken = Desk().decided()
    taken.tag(110.0, "agent", tag_of(FIRST), off=True)
    assert taken.judged().clean


def test_a_ticket_in_the_wrong_team_is_lost_unless_an_agent_put_it_there() -> None:
    wrong = Desk().decided()
    wrong.ticket["team"] = "General"
    assert wrong.judged().lost == [f"freshdesk 7 '{FIRST}': no team"]
    wrong.write(110.0, "agent", group_id=[1, 3])
    assert wrong.judged().clean


def test_a_priority_is_due_to_some_words_only_and_not_where_an_agent_chose_one() -> None:
    desk = Desk(word=LOUD).decided(word=LOUD)
    assert desk.judged().lost == [f"freshdesk 7 '{LOUD}': no priority"]
    desk.ticket["priority"] = 3
    desk.write(102.5, "integration", priority=[1, 3])
    assert desk.judged().clean
    chosen = Desk(word=LOUD).decided(word=LOUD)
    chosen.write(101.0, "agent", priority=[1, 1])
    assert chosen.judged().clean


def test_an_operation_whose_mark_is_there_twice_is_duplicated() -> None:
    zendesk = Desk("zendesk").decided()
    zendesk.write(103.0, "integration", mark=ULIDS[0], comment=[None, 1], action="note")
    zendesk.write(103.0, "integration", mark=ULIDS[0], priority=[None, "low"])
    assert zendesk.judged().clean
    zendesk.write(104.0, "integration", mark=ULIDS[0], comment=[None, 2], action="note")
    assert zendesk.judged().duplicated == [f"zendesk 7: the operation note {ULIDS[0]} 2 times"]


@pytest.mark.parametrize(("words", "ref"), [("another text", ULIDS[0]), (f"Tags added: {tag_of(FIRST)}", ULIDS[1])])
def test_a_note_with_the_same_reference_or_about_the_same_message_is_duplicated(words: str, ref: str) -> None:
    desk = Desk().decided()
    desk.note(105.0, words, ref)
    assert desk.judged().duplicated


def test_a_tag_and_an_assignment_may_come_again_only_after_an_agent_undid_them() -> None:
    again = Desk().decided()
    again.assign(105.0)
    again.tag(105.0, "integration", tag_of(FIRST), off=True)
    again.tag(106.0, "integration", tag_of(FIRST))
    assert {words.split(": ")[1] for words in again.judged().duplicated} == {
        "assignee again", "team again", f"tag {tag_of(FIRST)} again",
    }  # fmt: skip
    undone = Desk().decided()
    undone.tag(105.0, "agent", tag_of(FIRST), off=True)
    undone.tag(115.0, "integration", tag_of(FIRST))
    assert not undone.judged().duplicated
    assert undone.judged().overwritten == [f"freshdesk 7: tag {tag_of(FIRST)} was an agent's"]


def test_a_field_that_an_agent_set_and_we_changed_is_overwritten() -> None:
    desk = Desk()
    desk.assign(101.0, "agent", team="General")
    desk.decided()
    assert desk.judged().overwritten == [
        "freshdesk 7: assignee was an agent's", "freshdesk 7: team was an agent's",
    ]  # fmt: skip


def test_a_tag_of_an_agent_that_our_write_took_off_is_overwritten() -> None:
    desk = Desk().decided()
    desk.tag(105.0, "agent", "vip")
    desk.tag(109.0, "integration", "vip", off=True)
    assert desk.judged().overwritten == ["freshdesk 7: no tag vip was an agent's"]


@pytest.mark.parametrize(
    ("vendor", "looked_at", "race"),
    [("freshdesk", 108.9, 100.0), ("freshdesk", 108.99, None), ("freshdesk", 106.9, None), ("zendesk", 108.9, None)],
)
def test_only_without_a_lock_and_between_a_fresh_look_and_the_write_it_is_a_race(
    vendor: str, looked_at: float, race: float | None
) -> None:
    desk = Desk(vendor).decided()
    desk.call(looked_at)
    desk.tag(108.95, "agent", "vip")
    desk.tag(109.0, "integration", "vip", off=True)
    verdict = desk.judged()
    assert [round(window, 1) for _, window in verdict.races] == ([] if race is None else [race])
    assert len(verdict.overwritten) == (race is None)


@pytest.mark.parametrize("died", ["timeout_after_write", "killed before", "killed after", None])
def test_what_an_agent_undid_before_a_lost_answer_could_be_read_back_is_a_race(died: str | None) -> None:
    desk = Desk().decided()
    if died == "timeout_after_write":
        desk.call(102.11, "PUT", 0, died)
    desk.tag(103.0, "agent", tag_of(FIRST), off=True)
    desk.call(109.9)
    desk.tag(110.0, "integration", tag_of(FIRST))
    killed = {"killed before": 101.5, "killed after": 103.0}.get(died or "", 104.0)
    verdict = desk.judged(killed)
    assert [round(window) for _, window in verdict.races] == ([] if died is None else [7900])
    assert bool(verdict.overwritten) == (died is None)


@pytest.mark.parametrize(("vendor", "came"), [("freshdesk", None), ("freshdesk", 104.0), ("zendesk", None)])
def test_what_agents_undid_before_our_first_write_is_a_race_only_where_the_desk_told_nobody(
    vendor: str, came: float | None
) -> None:
    desk = Desk(vendor)
    took: dict[str, Any] = {AGENT_OF[vendor]: [None, 5]}
    let_go: dict[str, Any] = {AGENT_OF[vendor]: [5, None]}
    desk.write(102.0, "agent", **took)
    desk.write(103.0, "agent", **let_go)
    for due in (102.0, 103.0):
        attempts = [{"at": due, "error": "refused"}, *([{"at": came, "status": 200}] if came else [])]
        desk.deliveries.append({"ticket": "7", "created_at": due, "attempts": attempts})
    desk.decided(at=110.0)
    verdict = desk.judged()
    unheard = vendor == "freshdesk" and came is None
    assert [round(window) for _, window in verdict.races] == ([8100] if unheard else [])
    assert bool(verdict.overwritten) == (not unheard)


def test_marks_that_do_not_grow_are_disordered() -> None:
    desk = Desk().decided()
    desk.note(105.0, "an older decision", ULIDS[0][:-1] + "0")
    assert desk.judged().disordered == [f"freshdesk 7: {ULIDS[0][:-1]}0 after {ULIDS[0]}"]


def test_a_newer_message_served_first_is_disordered_unless_one_decision_served_both() -> None:
    desk = Desk()
    desk.reply(101.0, SECOND)
    desk.tag(102.0, "integration", tag_of(SECOND))
    desk.tag(103.0, "integration", tag_of(FIRST))
    assert desk.judged().disordered == [f"freshdesk 7: '{SECOND}' before '{FIRST}'"]
    desk.note(104.0, f"Tags added: {tag_of(FIRST)}, {tag_of(SECOND)}")
    assert not desk.judged().disordered


def test_writes_are_counted_also_where_the_answer_was_lost_and_throttled_calls_by_their_status() -> None:
    desk = Desk()
    desk.call(1.0)
    desk.call(2.0, "PUT")
    desk.call(3.0, "PUT", 0, "timeout_after_write")
    desk.call(4.0, "PUT", 0, "reset")
    desk.call(5.0, "PUT", 429, "429")
    verdict = desk.judged()
    assert (verdict.writes, verdict.rate_limited) == (2, 1)


def line(vendor: str, *turns: tuple[float, str, str | None]) -> dict[str, Any]:
    """A desk with tickets of the queue: at each time one is given to an agent, or is solved (None)."""
    name = {"zendesk": "assignee_id", "freshdesk": "responder_id", "intercom": "assignee_id"}[vendor]
    writes = [
        {"at": at, "ticket": ticket, "actor_kind": "integration", "changes": {name: [None, agent]}}
        if agent is not None
        else {"at": at, "ticket": ticket, "actor_kind": "agent", "changes": {"status": ["open", "solved"]}}
        for at, ticket, agent in turns
    ]
    tickets = [{"id": ticket, "subject": f"The {LINE}: {FIRST}"} for ticket in {ticket for _, ticket, _ in turns}]
    agents = [{"id": 7, "email": "gus@acme.example"}, {"id": 8, "email": "hana@acme.example"}]
    return {"vendor": vendor, "writes": writes, "tickets": tickets, "agents": agents}


def test_slots_that_are_free_again_are_not_oversold_also_over_two_desks() -> None:
    one = line("zendesk", (1.0, "a", "7"), (5.0, "a", None), (6.0, "b", "7"), (7.0, "c", "8"))
    other = line("freshdesk", *((2.0 + number, f"{number}", "7") for number in range(LINE_SLOTS - 1)))
    assert oversold([one, other]) == ([], 3 + LINE_SLOTS - 1)


def test_one_ticket_more_than_slots_is_told_also_where_another_desk_gave_it() -> None:
    one = line("zendesk", *((1.0 + number, f"{number}", "7") for number in range(LINE_SLOTS)))
    found, _ = oversold([one, line("intercom", (9.0, "x", "7"))])
    assert found == [f"intercom x: gus@acme.example had {LINE_SLOTS} already"]


def test_what_was_solved_before_it_was_given_takes_no_slot() -> None:
    late = ((1.0 + number, f"{number}", None) for number in range(5))
    given = ((2.0 + number, f"{number}", "7") for number in range(5))
    assert oversold([line("freshdesk", *late, *given)]) == ([], 0)
