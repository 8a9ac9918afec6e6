"""Intercom's webhooks are put up by a person in the Developer Hub, for it has no API for them: the steps.

Source: webhooks documentation (one address and a list of topics for an app; a HEAD and a ping when it is saved).
"""

from collections.abc import Sequence
from typing import Final

from adapters.intercom.events import AWAY_MODE, TOPICS
from adapters.intercom.options import IntercomOptions
from bridge.errors import Unsupported
from bridge.ports import Act, Clock, Gate, Piece, Survey

HUB: Final = "https://app.intercom.com/a/apps/_/developer-hub"


class IntercomInstaller:
    """See `bridge.ports.Installer`; makes no call."""

    needs = ""
    ways: tuple[str, ...] = ()
    makes_up: tuple[str, ...] = ()

    def __init__(self, name: str, options: IntercomOptions, *, gate: Gate, clock: Clock) -> None:
        del options, gate, clock
        self.name = name

    def close(self) -> None:
        """There is nothing to give back."""

    def survey(self, addresses: Sequence[str], known: Sequence[Piece]) -> Survey:
        """Intercom shows none of it."""
        del addresses, known
        return Survey()

    def put_up(self, found: Survey, address: str, way: str) -> Sequence[Act]:
        """No call does."""
        del found, address, way
        return ()

    def take_down(self, found: Survey) -> Sequence[Act]:
        """No call does."""
        del found
        return ()

    def carry_out(self, act: Act, made: Sequence[Piece]) -> Piece:
        """Raises Unsupported."""
        del made
        raise Unsupported(f"Intercom has no call to {act.verb} a {act.piece.kind}")

    def signing_secret(self, pieces: Sequence[Piece]) -> str | None:
        """The app's client secret, which only its owner sees."""
        del pieces
        return None

    def by_hand(self, address: str) -> Sequence[str]:
        """What to do in the Developer Hub."""
        return (
            f"Open {HUB} and choose the app whose access token this desk has.",
            "Configure > Basic information: the client secret there is what `webhook_secrets` of this desk needs.",
            "Configure > Webhooks > Edit.",
            f"Endpoint URL: {address}",
            f"Topics: {', '.join(sorted([*TOPICS, AWAY_MODE]))}",
            "Save. Intercom looks whether the address answers, and sends a ping there.",
        )
