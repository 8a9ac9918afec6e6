"""Has a desk send its webhooks to us, and undoes that: what is begun is written down first, so that any run goes on.

Nothing hangs on a run's reaching its end. Each looks at what is at the desk, and does what is missing. Ours there is
what we wrote down, and what has our mark in its name and sends to an address that we wrote down before the first call.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from http import HTTPStatus
from typing import Final

from bridge.errors import BadCredential, DeskbridgeError, NotThere, Unclear
from bridge.ports import Act, Installer, Piece, Survey
from bridge.store import Store, codec
from bridge.store import installations as kept

LOOKS: Final = 3
"""How often a desk is looked at anew where it stays unclear whether a call took effect."""

MASK: Final = "***"

Tell = Callable[[Act], None]
"""Hears of each call before it is made."""


class InstallFailed(DeskbridgeError):
    """The desk's webhooks could not be put up or taken down to the end; run it again, it goes on from there."""


@dataclass(frozen=True, slots=True)
class Installation:
    """What we put up at a desk.

    `addresses` are those its webhooks go to, the newest first: more than one until nothing sends to an older any more.
    `moved_at` is when another address became the newest, None where it is the first: earlier calls came to an older.
    """

    desk: str
    addresses: tuple[str, ...]
    way: str
    pieces: tuple[Piece, ...] = ()
    moved_at: datetime | None = None

    @property
    def address(self) -> str:
        """Where the webhooks go."""
        return self.addresses[0]


def find(store: Store, desk: str) -> Installation | None:
    """What is written down of a desk, None where nothing was begun or all was taken down."""
    with store.reading() as connection:
        body = kept.load(connection, desk)
    return None if body is None else codec.parse(Installation, body)


def outline(store: Store, installer: Installer, address: str, way: str) -> Sequence[Act]:
    """The calls that `install` would make now. Nothing is written anywhere."""
    return installer.put_up(_survey(store, installer, address), address, way)


def install(store: Store, installer: Installer, address: str, way: str, *, now: datetime, tell: Tell) -> Installation:
    """Have the desk send its webhooks to the address. Raises InstallFailed, and DeskError where the desk is away."""
    begun = _begin(store, installer.name, address, way, now)
    for left in reversed(range(LOOKS)):
        try:
            return _put_up(store, installer, begun, tell)
        except BadCredential as error:
            raise InstallFailed(_refused(installer, error)) from error
        except Unclear as error:  # the next look shows whether it took effect
            if not left:
                raise InstallFailed(f"desk '{installer.name}': {error}; {_HINT}") from error
    raise AssertionError


_HINT: Final = "run it again; where it stays so, make one such webhook or rule by hand, whose shape is then copied"


def outline_of_removal(
    store: Store, installer: Installer, address: str | None = None
) -> tuple[Sequence[Act], Sequence[Piece]]:
    """The calls that `uninstall` would make now, and what it would leave. Nothing is written anywhere."""
    found = _survey(store, installer, address)
    return installer.take_down(found), found.others


def uninstall(store: Store, installer: Installer, address: str | None = None, *, tell: Tell) -> Sequence[Piece]:
    """Take down what we put up; what looks like ours and is not, and stays. Raises as `install` does.

    `address` is where webhooks went of which nothing is written down any more.
    """
    try:
        found = _survey(store, installer, address)
        for act in installer.take_down(found):
            tell(act)
            with suppress(NotThere):
                installer.carry_out(act, ())
    except BadCredential as error:
        raise InstallFailed(_refused(installer, error)) from error
    except Unclear as error:
        raise InstallFailed(f"desk '{installer.name}': {error}; run it again") from error
    kept.forget(store, installer.name)
    return found.others


def _survey(store: Store, installer: Installer, address: str | None) -> Survey:
    """What is at the desk; ours also what goes to an address that nothing is written down of."""
    begun = find(store, installer.name)
    addresses = [*(begun.addresses if begun else ()), *([address] if address else ())]
    return installer.survey(addresses, begun.pieces if begun else ())


def shown(act: Act) -> dict[str, object]:
    """A call as it may be printed: every secret in it masked."""
    body = json.dumps(act.body, ensure_ascii=False)
    for secret in act.secrets:
        body = body.replace(json.dumps(secret, ensure_ascii=False)[1:-1], MASK)
    masked: Mapping[str, object] | None = json.loads(body)
    piece = {"kind": act.piece.kind, "id": act.piece.id or None, "name": act.piece.name}
    return {"verb": act.verb, **piece, "method": act.method, "path": act.path, "body": masked}


def _begin(store: Store, desk: str, address: str, way: str, now: datetime) -> Installation:
    """What will be, written down before the first call is made; the same again leaves it as it is."""
    before = find(store, desk)
    if before is None:
        begun = Installation(desk, (address,), way)
    else:
        moved_at = before.moved_at if before.address == address else now
        addresses = tuple(dict.fromkeys((address, *before.addresses)))
        begun = replace(before, addresses=addresses, way=way, moved_at=moved_at)
    return _keep(store, begun)


def _keep(store: Store, state: Installation) -> Installation:
    kept.save(store, state.desk, codec.dump(state))
    return state


def _put_up(store: Store, installer: Installer, state: Installation, tell: Tell) -> Installation:
    found = installer.survey(state.addresses, state.pieces)
    state = _keep(store, replace(state, pieces=tuple(each.piece for each in found.ours)))
    made: list[Piece] = []
    for act in installer.put_up(found, state.address, state.way):
        tell(act)
        pieces = [piece for piece in state.pieces if (piece.kind, piece.id) != (act.piece.kind, act.piece.id)]
        if act.verb == "delete":
            with suppress(NotThere):
                installer.carry_out(act, made)
        else:
            made.append(installer.carry_out(act, made))
            pieces.append(made[-1])
        state = _keep(store, replace(state, pieces=tuple(pieces)))
    return _keep(store, replace(state, addresses=(state.address,)))


def _refused(installer: Installer, error: BadCredential) -> str:
    lacks = error.code == HTTPStatus.FORBIDDEN
    advice = f"This needs {installer.needs}" if lacks else f"`deskbridge doctor {installer.name}` tells what to do"
    return f"desk '{installer.name}' refuses: {error}. {advice}"
