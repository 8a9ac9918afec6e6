"""Why a ticket goes where it goes: one given as a file, one of a desk as it is now, or a decision of the past."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bridge import enrichment, yamlfile
from bridge import memory as remembered
from bridge import wish as wishes
from bridge.binding import bind
from bridge.errors import DeskbridgeError, NotThere
from bridge.labelling import Labeller, read_again
from bridge.memory import SETTLED, Memory
from bridge.metrics import Metrics
from bridge.model import Assignment, Case, EventKind, Fact, Mode, Outcome, Place, PlaceState, Roster, Ticket, TicketRef
from bridge.pipeline import ConnectedDesk, case_of
from bridge.purpose import purpose
from bridge.queueing import load, look
from bridge.settings import Settings
from bridge.situation import Situation, wait_of
from bridge.store import Store, journal, queue
from bridge.store import mailbox as mailboxes
from bridge.store import roster as rosters
from deskbridge.wiring import utc_now
from rules import LoadedPolicy, cases
from rules.explain import Explanation
from rules.schema import Given


class NothingToExplain(DeskbridgeError):
    """No file, no ticket and no decision is meant, or it cannot be explained any more."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """A decision that was made about a ticket before: its id, when, and in which mode."""

    id: str
    at: datetime
    mode: Mode

    def plain(self) -> dict[str, str]:
        """The same as JSON can say it."""
        return {"id": self.id, "at": self.at.isoformat(), "mode": self.mode.value}


@dataclass(frozen=True, slots=True)
class Explained:
    """A ticket's explanation. `assignment` has the agents who were looked at, None where none were.

    `kept` says what the policy wants and does not get, and for whose sake; `remarks` what else there is to know.
    `decisions` are the earlier ones about the same ticket, oldest first.
    """

    ticket: str
    version: str
    at: datetime
    mode: Mode
    explanation: Explanation
    assignment: Assignment | None
    kept: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    decisions: tuple[Earlier, ...] = ()

    def plain(self) -> dict[str, Any]:
        """The whole as JSON can say it."""
        outcome = self.explanation.outcome
        return {
            "ticket": self.ticket,
            "policy": self.version,
            "at": self.at.isoformat(),
            "mode": self.mode.value,
            **self.explanation.plain(),
            "goes_to": None if outcome.target is None else _target(outcome),
            "assignment": None if self.assignment is None else asdict(self.assignment),
            "kept": list(self.kept),
            "remarks": list(self.remarks),
            "decisions": [one.plain() for one in self.decisions],
        }


def _target(outcome: Outcome) -> dict[str, Any]:
    assert outcome.target is not None
    target = outcome.target
    return {"rule": target.rule, "team": target.team, "skills": sorted(target.skills), "then": target.then}


def given_in(file: Path) -> Given:
    """The ticket in a file, JSON or YAML, in the shape of `given` in a policy's tests. Raises BadFile."""
    return yamlfile.read(file).load(Given)


def of_given(name: str, given: Given, policy: LoadedPolicy, situation: Situation | None) -> Explained:
    """The explanation of a ticket as a test would give it, as if its desk were live."""
    case = cases.case_of(policy, given)
    explanation = policy.explanation(case, desk=given.desk)
    target, assignment = explanation.outcome.target, None
    remarks: tuple[str, ...] = ()
    if target is not None and situation is not None and given.desk in situation.bindings:
        wait = wait_of(case, target)
        since = situation.now - (case.now - wait.since)  # the file's moment is its own, the agents are those of now
        assignment = look(situation, Place(case.ticket.ref, PlaceState.WAITING, replace(wait, since=since)))
    elif target is not None:
        remarks = (f"agents are not told: none were read of a desk '{given.desk}', which is what `desk` says",)
    mode = explanation.outcome.mode
    return Explained(name, policy.version, case.now, mode, explanation, assignment, remarks=remarks)


def situation_of(store: Store, policy: LoadedPolicy, settings: Settings, also: Roster | None = None) -> Situation:
    """The agents as the database has them, with those of `also` where it has none of that desk."""
    with store.reading() as connection:
        found = load(connection, policy, settings.desks, utc_now())
    if also is None or also.desk in found.bindings:
        return found
    return replace(found, bindings={**found.bindings, also.desk: bind(policy, also)})


def of_ticket(
    ref: TicketRef, connected: ConnectedDesk, policy: LoadedPolicy, settings: Settings, store: Store
) -> Explained:
    """The explanation of a desk's ticket as it is now; nothing is written there.

    Raises NothingToExplain where the desk has no such ticket, else DeskError.
    """
    with store.reading() as connection:
        known, memory = mailboxes.recall(connection, ref)
        place = queue.of(connection, ref)
        earlier = tuple(Earlier(one.id, one.at, one.mode) for one in journal.of_ticket(connection, ref.desk, ref.id))
        is_known = ref.desk in rosters.load(connection)
    with purpose("explain"):
        history = remembered.looks_back(memory, known, queued=place is not None)
        ticket = _fetched(ref, connected, history=history)
        situation = situation_of(store, policy, settings, None if is_known else connected.desk.roster())
        facts = _facts(ticket, connected, settings)
    memory = remembered.seen(memory, known, ticket, connected.desk.default_priority)
    trigger = EventKind.REQUESTER_REPLIED if memory.decided else EventKind.TICKET_CREATED
    known = connected.with_requester(ticket)
    labeller = Labeller(store, settings.models, policy=lambda: policy, metrics=Metrics())
    labeller.refresh()
    here, now = situation.bindings[ref.desk], situation.now
    case = case_of(policy, here, known, trigger, memory, facts=facts, now=now, read=labeller.triage)
    told = _as_now(case, connected, situation, policy, memory)
    remarks = (*told.remarks, *labeller.warnings().values())
    remarks = remarks if place is None else (*remarks, _in_the_queue(place))
    return replace(told, remarks=remarks, decisions=earlier)


def _fetched(ref: TicketRef, connected: ConnectedDesk, *, history: bool) -> Ticket:
    try:
        return connected.desk.fetch(ref, history=history)
    except NotThere as error:
        hint = "look for the id in the ticket's address there, and whether the credential may see it"
        raise NothingToExplain(f"desk '{ref.desk}' has no ticket '{ref.id}' ({error}); {hint}") from error


def _facts(ticket: Ticket, connected: ConnectedDesk, settings: Settings) -> Sequence[Fact]:
    deadline = timedelta(seconds=settings.enrichment.deadline_seconds)
    with ThreadPoolExecutor(max_workers=len(connected.enrichers) or 1) as pool:
        return enrichment.enrich(ticket, connected.enrichers, deadline=deadline, clock=utc_now, pool=pool)


def _as_now(
    case: Case,
    connected: ConnectedDesk,
    situation: Situation,
    policy: LoadedPolicy,
    memory: Memory,
) -> Explained:
    ticket, desk = case.ticket, connected.desk.name
    explanation = policy.explanation(case, desk=desk, desk_mode=connected.mode)
    outcome, assignment, remarks = explanation.outcome, None, []
    if outcome.target is not None and ticket.assignee_id is None:
        assignment = look(situation, Place(ticket.ref, PlaceState.WAITING, wait_of(case, outcome.target)))
    elif ticket.assignee_id is not None:
        remarks.append(f"it has an agent already, {case.standing.assignee}: none is looked for")
    if ticket.status in SETTLED:
        remarks.append(f"it is {ticket.status}: nothing is decided while it is")
    elif not memory.decided:
        remarks.append("not decided on yet: this is what the policy would do with it now")
    elif not memory.conflicts:
        remarks.append("it was decided on before: the next decision comes with its requester's next message")
    wanted = wishes.wish(policy, desk, outcome.effect, assignment)
    kept = wishes.settle(wanted, ticket, memory, connected.desk.can).kept
    return Explained(
        ticket=str(ticket.ref),
        version=policy.version,
        at=case.now,
        mode=outcome.mode,
        explanation=explanation,
        assignment=assignment,
        kept=kept,
        remarks=tuple(remarks),
    )


def _in_the_queue(place: Place) -> str:
    team, since = place.wait.target.team, f"{place.wait.since:%Y-%m-%d %H:%M} UTC"
    if place.agent is None:
        return f"it waits in the queue of {team}, its customer since {since}"
    return f"it is {place.state.value} to {place.agent} by the queue of {team}"


def of_decision(
    wanted: str, store: Store, policy_of: Callable[[str], LoadedPolicy], other: LoadedPolicy | None
) -> Explained:
    """The explanation of a past decision, by the snapshot, the facts and the policy that it was made by.

    By the `other` policy, where there is one, with the text read by that one; whom it would have gone to is then not
    told. Raises NothingToExplain where the journal does not have it, or not all of it, and NoSuchVersion.
    """
    with store.reading() as connection:
        decision = journal.find(connection, wanted)
    if decision is None:
        hint = "`deskbridge explain DESK:ID` tells the ids of a ticket's decisions; they are kept for `retention_days`"
        raise NothingToExplain(f"there is no file, desk:id or decision '{wanted}'; {hint}")
    case, desk = decision.case, decision.ref.desk
    if case is None:
        raise NothingToExplain(f"decision {wanted} was recorded before the whole case was, and cannot be explained")
    if other is not None:
        case = replace(case, triage=read_again(other, case))
    policy = other or policy_of(decision.policy_version)
    explanation = policy.explanation(case, desk=desk, desk_mode=Mode.LIVE if other is not None else decision.mode)
    name, version = str(decision.ref), policy.version
    if other is not None:
        remarks = (f"agents are not told: the decision was made by policy {decision.policy_version}",)
        return Explained(name, version, decision.at, explanation.outcome.mode, explanation, None, remarks=remarks)
    return Explained(name, version, decision.at, decision.mode, explanation, decision.assignment, decision.kept)
