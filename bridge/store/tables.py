"""The tables: what each row is, and the index that each query stands on."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Instant(TypeDecorator[datetime]):
    """A UTC time kept as microseconds since 1970: the same order and precision on every engine."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """An aware datetime as a count of microseconds."""
        del dialect
        return None if value is None else (value - _EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """A count of microseconds as an aware datetime."""
        del dialect
        return None if value is None else _EPOCH + timedelta(microseconds=value)


_Serial = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows by itself only for INTEGER PRIMARY KEY

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
    }
)


def _partial_index(name: str, *columns: Column[Any], where: str) -> None:
    """An index of the rows for which `where` holds, on either engine."""
    Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


allowances = Table(
    "allowances",
    metadata,
    Column("desk", String, primary_key=True),
    Column("body", Text, nullable=False),
)
"""What each desk still lets all processes together do (`bridge.allowance`)."""

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", _Serial, primary_key=True),
    Column("desk", String, nullable=False),
    Column("dedupe_key", String, nullable=False),
    Column("ticket", String),
    Column("kinds", String, nullable=False),
    Column("state", String, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("settled_at", Instant),
    Column("headers", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("packed", Boolean, nullable=False, server_default=false()),
    Column("words", Text),
    UniqueConstraint("desk", "dedupe_key"),
)
"""The inbox: one row per delivery that was answered 2xx. `state`: waiting, done, unknown (kept for a person), parked.

`words` says why a row is unknown or parked; `packed` that the body is compressed (`bridge.store.retention`).
"""
_partial_index("ix_deliveries_settled", deliveries.c.packed, deliveries.c.settled_at, where="state = 'done'")
_partial_index("ix_deliveries_waiting", deliveries.c.desk, deliveries.c.ticket, where="state = 'waiting'")

tickets = Table(
    "tickets",
    metadata,
    Column("desk", String, primary_key=True),
    Column("ticket", String, primary_key=True),
    Column("due_at", Instant),
    Column("lease_owner", String),
    Column("lease_until", Instant),
    Column("operation", String),
    Column("snapshot", Text),
    Column("memory", Text),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("rank", Integer, nullable=False, server_default="0"),
    Column("seen_until", Instant),
)
"""The mailboxes: `due_at` is when the ticket wants to be looked at (NULL: nothing to do), `operation` the write that
must end first. `snapshot` is the ticket as last known, our own writes included; `memory` its past (`bridge.memory`).

`rank` puts what webhooks told before what polling found (`mailbox.RANKS`). `seen_until` is the newest update of the
ticket, by the desk's own stamp, that a read has certainly seen whole.
"""
_partial_index("ix_tickets_due", tickets.c.rank, tickets.c.due_at, where="due_at IS NOT NULL AND operation IS NULL")
_partial_index("ix_tickets_leased", tickets.c.lease_owner, where="lease_owner IS NOT NULL")

operations = Table(
    "operations",
    metadata,
    Column("id", String, primary_key=True),
    Column("desk", String, nullable=False),
    Column("ticket", String, nullable=False),
    Column("decision", String, nullable=False),
    Column("state", String, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("lease_owner", String),
    Column("lease_until", Instant),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("change", Text, nullable=False),
    Column("received_at", Instant),
    Column("created_at", Instant, nullable=False),
    Column("finished_at", Instant),
    Column("words", Text),
    Column("together", Boolean, nullable=False, server_default=false()),
    Column("bulk", String),
)
"""The outbox: `state` is open, done, parked (a person must look), superseded (decided anew) or dropped (ticket gone).

`rank` puts an urgent ticket's write first (0 first); `received_at` is when the delivery behind it came; `words` are
the vendor's. `together` is true of a single step that was never tried: it may go to the desk with others; `bulk` is the
job that it went with and that holds it until it has told (`bulk_jobs`).
"""
_partial_index("ix_operations_due", operations.c.rank, operations.c.due_at, where="state = 'open'")
Index("ix_operations_ticket", operations.c.desk, operations.c.ticket)
Index("ix_operations_finished", operations.c.finished_at)
_partial_index("ix_operations_leased", operations.c.lease_owner, where="lease_owner IS NOT NULL")
_partial_index("ix_operations_together", operations.c.desk, operations.c.due_at, where="state = 'open' AND together")
_partial_index("ix_operations_bulk", operations.c.bulk, where="bulk IS NOT NULL")

callouts = Table(
    "callouts",
    metadata,
    Column("id", String, primary_key=True),
    Column("webhook", String, nullable=False),
    Column("desk", String, nullable=False),
    Column("ticket", String, nullable=False),
    Column("decision", String, nullable=False),
    Column("state", String, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("give_up_at", Instant, nullable=False),
    Column("lease_owner", String),
    Column("lease_until", Instant),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("body", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("finished_at", Instant),
    Column("words", Text),
)
"""Messages to the webhooks that rules call: `state` is open, done, parked (a person must look) or dropped (put aside).

`webhook` is the policy's name for the receiver, `words` say why a message did not get there.
"""
_partial_index("ix_callouts_due", callouts.c.due_at, where="state = 'open'")
_partial_index("ix_callouts_leased", callouts.c.lease_owner, where="lease_owner IS NOT NULL")
Index("ix_callouts_finished", callouts.c.finished_at)
Index("ix_callouts_ticket", callouts.c.desk, callouts.c.ticket, callouts.c.created_at)

bulk_jobs = Table(
    "bulk_jobs",
    metadata,
    Column("id", String, primary_key=True),
    Column("desk", String, nullable=False),
    Column("job", String),
    Column("rehearses", String),
    Column("begun_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("lease_owner", String),
    Column("lease_until", Instant),
)
"""Jobs that a desk works on for us: `job` is its own name for one (NULL: it was not heard), asked after at `due_at`.

`rehearses` is the ticket of a job that was only to show whether the lock holds; such a job holds no operation.
"""

bulk_trust = Table(
    "bulk_trust",
    metadata,
    Column("desk", String, primary_key=True),
    Column("trust", String, nullable=False),
    Column("at", Instant),
    Column("words", Text),
)
"""How far each desk's bulk calls are trusted (`bridge.store.bulk.Trust`), since when and why."""

steps = Table(
    "steps",
    metadata,
    Column("operation", String, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("name", String, nullable=False),
    Column("marker", String, nullable=False),
    Column("data", Text, nullable=False),
    Column("state", String, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("finished_at", Instant),
    Column("words", Text),
)
"""One vendor call of an operation each, with its own state (`StepState`)."""

decisions = Table(
    "decisions",
    metadata,
    Column("id", String, primary_key=True),
    Column("desk", String, nullable=False),
    Column("ticket", String, nullable=False),
    Column("at", Instant, nullable=False),
    Column("mode", String, nullable=False),
    Column("policy_version", String, nullable=False),
    Column("body", Text, nullable=False),
)
"""The journal: every decision whole, as it was made."""
Index("ix_decisions_ticket", decisions.c.desk, decisions.c.ticket)
Index("ix_decisions_at", decisions.c.at)

reservations = Table(
    "reservations",
    metadata,
    Column("desk", String, primary_key=True),
    Column("ticket", String, primary_key=True),
    Column("agent", String, nullable=False),
    Column("since", Instant, nullable=False),
    Column("written_at", Instant),
)
"""Capacity promised to a ticket and not yet certain to be in the desk's own count: one place of `agent` each."""

rosters = Table(
    "rosters",
    metadata,
    Column("desk", String, primary_key=True),
    Column("taken_at", Instant, nullable=False),
    Column("body", Text, nullable=False),
)
"""The newest roster of each desk."""

jobs = Table(
    "jobs",
    metadata,
    Column("name", String, primary_key=True),
    Column("lease_owner", String),
    Column("lease_until", Instant),
    Column("last_run", Instant),
    Column("healthy", Boolean),
    Column("words", Text),
)
"""Scheduled work: the lease that makes a job run once however many processes there are, and how it last went."""

cursors = Table(
    "cursors",
    metadata,
    Column("desk", String, primary_key=True),
    Column("cursor", Text, nullable=False),
    Column("since", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("completed_at", Instant),
)
"""How far each desk's changes have been followed: `since` is from when on, `completed_at` when their end was last
reached (NULL: the first round is still under way).
"""

policies = Table(
    "policies",
    metadata,
    Column("version", String, primary_key=True),
    Column("body", Text, nullable=False),
)
"""Every version of the policy that ever took effect, as its file stood, so that each decision can be explained."""

activations = Table(
    "activations",
    metadata,
    Column("number", _Serial, primary_key=True),
    Column("version", String, nullable=False),
    Column("at", Instant, nullable=False),
    Column("who", String, nullable=False),
    Column("how", String, nullable=False),
)
"""When a version of the policy took effect, by whom and how (`activations.How`); the highest number holds."""

queue = Table(
    "queue",
    metadata,
    Column("desk", String, primary_key=True),
    Column("ticket", String, primary_key=True),
    Column("state", String, nullable=False),
    Column("team", String, nullable=False),
    Column("since", Instant, nullable=False),
    Column("agent", String),
    Column("bound_at", Instant),
    Column("moved_at", Instant),
    Column("body", Text, nullable=False),
    Column("assignment", Text),
)
"""Every ticket in the router's care: `state` is waiting, offered (bound to `agent`, whose place is reserved, and not
decided on yet), given (the decision stands) or recalled (about to be taken out of `agent`'s hands).

`team` and `agent` are the policy's names, `since` is when the ticket's customer began to wait, `moved_at` when the
router last took it from somebody. `assignment` has the reasons of an offer.
"""
Index("ix_queue_state", queue.c.state, queue.c.since)

agent_turns = Table(
    "agent_turns",
    metadata,
    Column("agent", String, primary_key=True),
    Column("at", Instant, nullable=False),
)
"""When the router last gave each agent something, by the policy's name: whose turn it is."""

alarms = Table(
    "alarms",
    metadata,
    Column("name", String, primary_key=True),
    Column("due_at", Instant),
)
"""When the matcher wants to look next (NULL: when somebody wakes it)."""

secrets = Table(
    "secrets",
    metadata,
    Column("name", String, primary_key=True),
    Column("body", Text, nullable=False),
    Column("changed_at", Instant, nullable=False),
)
"""Secrets that the settings refer to by `${secret:name}`; `body` is sealed (`bridge.sealing`)."""

tokens = Table(
    "tokens",
    metadata,
    Column("desk", String, primary_key=True),
    Column("body", Text, nullable=False),
    Column("serial", BigInteger, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("lease_owner", String),
    Column("lease_until", Instant),
)
"""The token pair of each desk that a person signed in to; `body` is sealed, `serial` counts the pairs.

Whoever holds the lease may use the refresh token, which the vendor takes only once.
"""

installations = Table(
    "installations",
    metadata,
    Column("desk", String, primary_key=True),
    Column("body", Text, nullable=False),
)
"""What we put up at each desk so that it sends webhooks (`bridge.installing.Installation`), without any secret."""

pings = Table(
    "pings",
    metadata,
    Column("desk", String, primary_key=True),
    Column("at", Instant, nullable=False),
)
"""When each desk last made a call that is no event, to see whether we listen."""

refusals = Table(
    "refusals",
    metadata,
    Column("desk", String, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("reason", Text, nullable=False),
)
"""The last call to each desk's address that could not be proven to be the desk's, and why not."""

models = Table(
    "models",
    metadata,
    Column("version", String, primary_key=True),
    Column("made_at", Instant, nullable=False),
    Column("body", Text, nullable=False),
)
"""Every model that was trained for this bridge, by what it is and how it did (`bridge.store.models.Model`); its numbers
lie in the folder of that name in the settings' `models`.
"""

model_activations = Table(
    "model_activations",
    metadata,
    Column("number", _Serial, primary_key=True),
    Column("version", String, nullable=False),
    Column("at", Instant, nullable=False),
    Column("who", String, nullable=False),
    Column("how", String, nullable=False),
)
"""When a model took effect, by whom and how (`activations.How`); the highest number holds."""

feedback = Table(
    "feedback",
    metadata,
    Column("desk", String, primary_key=True),
    Column("ticket", String, primary_key=True),
    Column("place", String, primary_key=True),
    Column("decision", String, nullable=False),
    Column("model", String),
    Column("said", String, nullable=False),
    Column("written", Boolean, nullable=False),
    Column("became", String),
    Column("at", Instant, nullable=False),
)
"""What we said of a ticket at a place that holds a label (`bridge.labels`), whether we wrote it there, and what stands
there since. `model` is the version whose word it was, NULL where a rule's.
"""
Index("ix_feedback_at", feedback.c.at)

answers = Table(
    "answers",
    metadata,
    Column("number", _Serial, primary_key=True),
    Column("agent", String, nullable=False),
    Column("topic", String, nullable=False),
    Column("skills", Text, nullable=False),
    Column("minutes", Float, nullable=False),
    Column("at", Instant, nullable=False),
)
"""First answers that agents gave to tickets which the router gave them, with the minutes of working time since: by them
it learns what takes whom how long. `agent` is the policy's name, `skills` what the ticket asked for.
"""
Index("ix_answers_at", answers.c.at)

sightings = Table(
    "sightings",
    metadata,
    Column("desk", String, primary_key=True),
    Column("agent_id", String, primary_key=True),
    Column("at", Instant, nullable=False),
)
"""When each agent, by the desk's id, was last seen to do something; only of desks that hide who is at work."""

help_centers = Table(
    "help_centers",
    metadata,
    Column("desk", String, primary_key=True),
    Column("locale", String, primary_key=True),
    Column("due_at", Instant, nullable=False),
    Column("cursor", Text),
    Column("partly", LargeBinary),
    Column("articles", LargeBinary),
    Column("digest", String),
    Column("words", Text),
)
"""The articles of each help centre that the settings name, compressed, as they were last read whole; `locale` is empty
where each comes in its main language. `digest` differs where they do, `words` say why they could not be read since.

`due_at` is when to read on, `cursor` where, and `partly` what was read before it of the reading under way.
"""
