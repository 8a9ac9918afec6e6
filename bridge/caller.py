"""Calls the webhooks that rules asked for: signed, each until its receiver has accepted it, always under the same id.

A process that dies after sending leaves a message that is sent again: by its id the receiver knows that it has it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

import structlog

from bridge.errors import whereabouts
from bridge.metrics import Metrics
from bridge.outbound import Answer, Forbidden, Network, NotSent, post
from bridge.pipeline import patience
from bridge.ports import Clock, Policy
from bridge.signing import signed
from bridge.store import Store, callouts
from bridge.store.callouts import Callout
from bridge.store.leases import LeaseLost
from bridge.store.session import AWAY

log = structlog.get_logger(__name__)

WAIT_MAX: Final = 3_600.0
"""Seconds between two attempts at one message, at most."""

REST_MAX: Final = 60.0
"""Seconds for which a process leaves a receiver alone that failed, at most, unless it asks for more."""


@dataclass(frozen=True, slots=True)
class Receivers:
    """How receivers are reached: the keys that sign for each of the policy's webhooks, by its name; how many seconds an
    answer may take; the private networks that may be reached.
    """

    keys: Mapping[str, Sequence[bytes]]
    seconds: float
    private: Sequence[Network] = ()


class Caller:
    """Sends one message at a time. Thread-safe.

    A receiver that fails is left alone by this process for a while, so that it does not hold up the others.
    """

    def __init__(
        self,
        store: Store,
        receivers: Receivers,
        *,
        policy: Callable[[], Policy],
        clock: Clock,
        metrics: Metrics,
        lease: timedelta,
    ) -> None:
        self._store = store
        self._receivers = receivers
        self._policy = policy
        self._clock = clock
        self._metrics = metrics
        self._lease = lease
        self._resting: dict[str, tuple[int, datetime]] = {}

    def run_one(self, owner: str) -> bool:
        """Send the message that is due next; False where there is none."""
        now = self._clock()
        apart = [webhook for webhook, (_, until) in list(self._resting.items()) if now < until]
        callout = callouts.claim(self._store, owner, now, self._lease, apart=apart)
        if callout is None:
            return False
        try:
            self._carry_out(callout, owner)
        except LeaseLost:
            log.warning("lease lost", callout=callout.id)
        except AWAY:  # no fault of the message's; the worker lets go of it
            raise
        except Exception as error:  # noqa: BLE001 - one message's trouble must not stop the others
            log.error("could not call", callout=callout.id, error=type(error).__name__, at=whereabouts(error))
            self._put_off(callout, owner, f"internal error: {type(error).__name__}")
        return True

    def _carry_out(self, callout: Callout, owner: str) -> None:
        url, keys = self._policy().webhook(callout.webhook), self._receivers.keys.get(callout.webhook)
        if url is None:
            self._end(callout, owner, "parked", f"the policy has no webhook '{callout.webhook}' any more")
        elif not keys:
            self._end(callout, owner, "parked", f"`outgoing.secrets` in deskbridge.yaml has no '{callout.webhook}'")
        else:
            self._send(callout, owner, url, keys)

    def _send(self, callout: Callout, owner: str, url: str, keys: Sequence[bytes]) -> None:
        body = callout.body.encode()
        headers = signed(keys, callout.id, self._clock(), body)
        try:
            answer = post(url, body, headers, seconds=self._receivers.seconds, private=self._receivers.private)
        except Forbidden as error:
            self._end(callout, owner, "parked", str(error))
        except NotSent as error:
            self._put_off(callout, owner, str(error))
        else:
            self._answered(callout, owner, answer)

    def _answered(self, callout: Callout, owner: str, answer: Answer) -> None:
        words = f"the receiver answered {answer.status}{f': {answer.words}' if answer.words else ''}"
        if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            self._resting.pop(callout.webhook, None)
            self._end(callout, owner, "done", None)
        elif answer.status == HTTPStatus.GONE:
            self._end(callout, owner, "parked", f"{words}; it wants no more of these")
        else:
            self._put_off(callout, owner, words, after=seconds_until(answer.retry_after, self._clock()))

    def _put_off(self, callout: Callout, owner: str, words: str, after: float | None = None) -> None:
        """Try again later, at the latest when the message's time is over; and leave its receiver alone meanwhile."""
        now = self._clock()
        self._rest(callout.webhook, now, after)
        if now >= callout.give_up_at:
            self._end(callout, owner, "parked", words)
            return
        wait = patience(callout.attempts, callout.id, after, most=WAIT_MAX)
        due_at = min(now + wait, callout.give_up_at)
        with self._store.writing() as connection:
            callouts.postpone(connection, owner, callout.id, due_at, words)
        self._metrics.callouts.labels(callout.webhook, "put_off").inc()
        log.info("call put off", callout=callout.id, webhook=callout.webhook, until=due_at.isoformat())

    def _rest(self, webhook: str, now: datetime, after: float | None) -> None:
        failures = self._resting.get(webhook, (0, now))[0]
        rest = patience(failures, webhook, after, most=REST_MAX)
        self._resting[webhook] = failures + 1, now + rest

    def _end(self, callout: Callout, owner: str, state: str, words: str | None) -> None:
        with self._store.writing() as connection:
            callouts.finish(connection, owner, callout.id, state, now=self._clock(), words=words)
        self._metrics.callouts.labels(callout.webhook, state).inc()
        # A receiver's words may repeat what it was told; they are kept with the message and not logged.
        (log.info if state == "done" else log.error)(f"call {state}", callout=callout.id, webhook=callout.webhook)


def seconds_until(retry_after: str | None, now: datetime) -> float | None:
    """Seconds to wait by a Retry-After header (a number or an HTTP date), a day at most; None where it says nothing."""
    if retry_after is None:
        return None
    try:
        wait = float(retry_after) if retry_after.strip().isdecimal() else _until(retry_after, now)
    except ValueError:
        return None
    return min(max(0.0, wait), callouts.PATIENCE.total_seconds())


def _until(date: str, now: datetime) -> float:
    until = parsedate_to_datetime(date)
    return ((until if until.tzinfo else until.replace(tzinfo=UTC)) - now).total_seconds()
