"""What a check-up says of a desk by asking it: credential, permissions, clock, limits, webhooks, people."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, cast

import httpx

from bridge.allowance import Terms
from bridge.errors import BadCredential, DeskError, Permanent
from bridge.installing import Installation
from bridge.metrics import CountingGate, Metrics
from bridge.model import Mode
from bridge.ports import Call, Clock, Desk, Diagnosis, Health, HelpDesk, Inspector, Installer, Introduces, Introduction
from bridge.settings import Settings
from deskbridge.doctor import people
from deskbridge.proofs import SIGNING
from deskbridge.vendors import VENDORS
from deskbridge.wiring import fitted, terms
from rules import LoadedPolicy

SKEW_SOME: Final = timedelta(seconds=30)
SKEW_MUCH: Final = timedelta(minutes=4)
"""How far clocks may be from each other; beyond five minutes Zendesk's signatures no longer hold."""

ENDS_SOON: Final = timedelta(days=7)
"""A running bridge renews a sign-in every half hour, so that a week is near."""

SECONDS: Final = 10.0
"""How long our own address may take to answer."""

Look = Callable[[], Iterator[Diagnosis]]


class Ears(CountingGate):
    """A gate that remembers what the vendor's headers said, and how far its clock is from ours."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(Metrics())
        self._clock = clock
        self.calls: list[Call] = []
        self.skews: list[timedelta] = []

    def record(self, call: Call) -> None:
        """Hear a call's answer."""
        super().record(call)
        self.calls.append(call)
        if call.clock is not None:
            self.skews.append(call.clock - self._clock())


def of_desk(
    settings: Settings, name: str, policy: LoadedPolicy | None, begun: Installation | None, clock: Clock
) -> Iterator[Diagnosis]:
    """Everything that a desk tells when it is asked; where it refuses us there is no more to ask."""
    ears, vendor = Ears(clock), VENDORS[settings.desks[name].vendor]
    with (
        _made(vendor.desk, settings, name, ears, clock) as desk,
        _made(vendor.inspector, settings, name, ears, clock) as inspector,
        _made(vendor.installer, settings, name, ears, clock) as installer,
    ):
        try:
            introduction = cast("Introduces", desk).introduce()
        except DeskError as error:
            refused = isinstance(error, BadCredential)
            another = f"`deskbridge connect {settings.desks[name].vendor} {name}` says how to give another credential."
            yield Diagnosis("account", Health.FAULT, str(error), another if refused else "Then run this again.")
            return
        yield from _introduced(introduction, settings.desks[name].options)
        yield from _lasting(introduction, clock())
        yield _clocks(ears)
        yield from _budget(ears, inspector, terms(settings)[name])
        for look in (
            partial(_people, settings, name, desk, inspector, policy),
            partial(_proofs, settings.desks[name].options, installer, begun),
            partial(_webhooks, installer, begun),
            partial(inspector.inspect, begun.pieces if begun else ()),
            partial(_help_center, settings, desk),
        ):
            yield from _surviving(look)


@contextmanager
def _made(part: Any, settings: Settings, name: str, gate: Ears, clock: Clock) -> Iterator[Any]:
    found = fitted(part, name, settings, gate, clock)
    try:
        yield found
    finally:
        found.close()


def _surviving(look: Look) -> Iterator[Diagnosis]:
    """What a look tells, up to where the desk does not answer it."""
    try:
        yield from look()
    except DeskError as error:
        yield Diagnosis("desk", Health.FAULT, f"could not be looked at to the end: {error}", "Run this again.")


def _introduced(found: Introduction, options: object) -> Iterator[Diagnosis]:
    yield Diagnosis("account", Health.OK, f"{found.account}: writes as {found.user}")
    for remark in found.remarks:
        yield Diagnosis("account", Health.WARNING, remark)
    refused = [each for each in found.permissions if each.refused is not None]
    for each in refused:
        words = f"{each.name}, to {each.use}: {each.refused}"
        advice = "Give the credential this permission at the vendor."
        yield Diagnosis("permissions", Health.FAULT if each.needed else Health.WARNING, words, advice)
    if not refused:
        yield Diagnosis("permissions", Health.OK, f"all {len(found.permissions)} that are used are there")
    for key, value in found.suggests.items():
        if getattr(options, key, value) != value:
            written = getattr(options, key)
            health = Health.NOTE if written is None else Health.WARNING
            words = f"the desk says {key} is {value}, the settings {'say nothing' if written is None else written}"
            yield Diagnosis("settings", health, words, f"Write `{key}: {value}` to this desk's settings.")


def _lasting(found: Introduction, now: datetime) -> Iterator[Diagnosis]:
    """How long the credential still holds, where it ends at all."""
    if found.ends is None:
        return
    near = found.ends - now < ENDS_SOON
    advice = (
        "Start `deskbridge serve`, which renews it if it can be; else connect by another credential." if near else None
    )
    words = f"holds until {found.ends:%Y-%m-%d}, if nothing renews it before"
    yield Diagnosis("credential", Health.WARNING if near else Health.OK, words, advice)


def _clocks(ears: Ears) -> Diagnosis:
    """By the answer that travelled least; a Date header counts whole seconds."""
    if not ears.skews:
        return Diagnosis("clocks", Health.NOTE, "the desk's answers do not tell its time")
    skew = min(ears.skews, key=abs)
    health = Health.FAULT if abs(skew) > SKEW_MUCH else Health.WARNING if abs(skew) > SKEW_SOME else Health.OK
    advice = None if health is Health.OK else "Set this machine's clock (NTP): signed webhooks are refused otherwise."
    return Diagnosis("clocks", health, f"the desk's clock is {round(skew.total_seconds())} s from ours", advice)


def _budget(ears: Ears, inspector: Inspector, own: Terms) -> Iterator[Diagnosis]:
    told = [call for call in ears.calls if call.limit is not None]
    if not told:
        yield Diagnosis("call budget", Health.NOTE, "the desk's answers do not tell its limit")
        return
    limit, left = told[-1].limit or 0, told[-1].remaining
    plan = inspector.plan(limit)
    window = own.window.total_seconds()
    words = f"{limit} calls in {window:.0f} s{f' ({plan})' if plan else ''}, of which we take {own.budget(limit)}"
    if left is not None and left < limit * own.headroom / 2:
        advice = "Other apps take most of it: ask which, or raise the plan."
        yield Diagnosis("call budget", Health.WARNING, f"{words}; {left} are left just now", advice)
    else:
        yield Diagnosis("call budget", Health.OK, words)


def _people(
    settings: Settings, name: str, desk: Desk, inspector: Inspector, policy: LoadedPolicy | None
) -> Iterator[Diagnosis]:
    yield people.of_statuses(name, inspector.statuses())
    if policy is not None:
        yield from people.of_roster(policy, desk.roster(), settings.desks[name].mode is not Mode.SHADOW)


def _help_center(settings: Settings, desk: HelpDesk) -> Iterator[Diagnosis]:
    """Whether the help centre that the settings name can be read, by its first page."""
    for source in settings.knowledge.help_centers:
        if source.desk == desk.name:
            what = f"of {source.locale or 'the main language'}"
            try:
                desk.articles(None, locale=source.locale)
            except Permanent as error:
                advice = "Switch it on at the vendor and let the credential read it, or take it out of `knowledge`."
                yield Diagnosis("help centre", Health.WARNING, f"that {what} cannot be read: {error}", advice)
            else:
                yield Diagnosis("help centre", Health.OK, f"that {what} answers")


def _proofs(options: object, installer: Installer, begun: Installation | None) -> Iterator[Diagnosis]:
    """Whether webhooks can be proven at all, and by what the desk really signs with, where it tells that."""
    again = f"`deskbridge install webhooks {installer.name}`"
    lacking = [key for key in dict.fromkeys((SIGNING, *installer.makes_up)) if not getattr(options, key)]
    if lacking:
        words = f"{' and '.join(lacking)} in the settings hold nothing, so that every webhook is refused"
        yield Diagnosis("webhook secrets", Health.WARNING, words, f"{again} sees to them, or says where they are.")
        return
    secret = installer.signing_secret(begun.pieces) if begun else None
    if secret is not None and secret not in [each.get_secret_value() for each in getattr(options, SIGNING)]:
        words = "the desk signs with another secret than those in the settings, so that every webhook is refused"
        yield Diagnosis("webhook secrets", Health.FAULT, words, f"{again} fetches it; then start (or restart) `serve`.")
    else:
        yield Diagnosis("webhook secrets", Health.OK, "there, and so far as the desk tells, those that it uses")


def _webhooks(installer: Installer, begun: Installation | None) -> Iterator[Diagnosis]:
    """Whether what was put up is still as it was, which also shows whether the desk kept what it was told."""
    again = f"`deskbridge install webhooks {installer.name}`"
    if begun is None:
        words = "none were put up from here"
        yield Diagnosis("webhook set-up", Health.NOTE, words, f"{again} does, unless they were made by hand.")
        return
    found = installer.survey(begun.addresses, begun.pieces)
    missing = installer.put_up(found, begun.address, begun.way)
    if missing:
        each = ", ".join(f"{act.verb} {act.piece.kind} '{act.piece.name}'" for act in missing)
        yield Diagnosis("webhook set-up", Health.FAULT, f"not as it was put up; to do: {each}", f"{again} does it.")
    elif begun.pieces:
        names = ", ".join(f"{piece.kind} '{piece.name}'" for piece in begun.pieces)
        yield Diagnosis("webhook set-up", Health.OK, f"as it was put up: {names}")
    for piece in found.others:
        words = f"{piece.kind} '{piece.name}' was put up for another address"
        yield Diagnosis("webhook set-up", Health.NOTE, words, "Where no other bridge needs it, take it out by hand.")
    yield _reached(begun.address)


def _reached(address: str) -> Diagnosis:
    """Whether somebody listens where the desk sends to, as seen from here."""
    try:
        answer = httpx.get(address, timeout=SECONDS)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        words = f"{address} does not answer from here ({type(error).__name__})"
        advice = "Start `deskbridge serve`, and see that name, certificate and proxy lead to it."
        return Diagnosis("address", Health.WARNING, words, advice)
    if answer.is_success:
        return Diagnosis("address", Health.OK, f"{address} is listened at")
    words = f"{address} answers {answer.status_code}"
    return Diagnosis(
        "address", Health.FAULT, words, "Is it this bridge that answers there, with this desk in its settings?"
    )
