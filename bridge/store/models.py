"""The models that were trained for this bridge, and which of them is in effect."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select

from bridge.errors import DeskbridgeError
from bridge.store import codec
from bridge.store.activations import Activation, How, Log
from bridge.store.session import Store
from bridge.store.tables import model_activations, models

_LOG: Final = Log(model_activations, lock=0x6D6F64)  # "mod": any number, the same in every process

active, history = _LOG.active, _LOG.history


class NoSuchModel(DeskbridgeError):
    """No model that was trained for this bridge is meant."""


@dataclass(frozen=True, slots=True)
class Usual:
    """How a model fared on tickets that it had not seen, for the world to be compared with later.

    `mix` is the share of each label among its predictions, `left` the share that it left to a human, `novel` the share
    of words that it had never seen, `accuracy` that of its labels which people agreed with.
    """

    tickets: int
    mix: Mapping[str, float] = field(default_factory=dict)
    left: float = 0.0
    novel: float = 0.0
    accuracy: float = 0.0


@dataclass(frozen=True, slots=True)
class Model:
    """A trained model. `digest` is that of its manifest, so that a folder which was changed is noticed.

    It learnt from `tickets` tickets of `desk`, up to `trained_until`, whose label stands at `place`.
    """

    version: str
    made_at: datetime
    desk: str
    place: str
    tickets: int
    trained_until: datetime
    digest: str
    usual: Usual


def keep(connection: Connection, model: Model) -> None:
    """Keep what a new model is."""
    row = {"version": model.version, "made_at": model.made_at, "body": codec.dump(model)}
    connection.execute(models.insert().values(row))


def listed(connection: Connection, limit: int) -> list[Model]:
    """The newest models, newest first."""
    rows = connection.execute(select(models.c.body).order_by(models.c.made_at.desc()).limit(limit)).scalars()
    return [codec.parse(Model, body) for body in rows]


def find(connection: Connection, version: str) -> Model:
    """The model of a version. Raises NoSuchModel."""
    body = connection.execute(select(models.c.body).where(models.c.version == version)).scalar()
    if body is None:
        raise NoSuchModel(f"there is no model '{version}'; `deskbridge triage models` lists those there are")
    return codec.parse(Model, body)


def in_effect(connection: Connection) -> Model | None:
    """The model that names labels, None before the first."""
    holds = active(connection)
    return find(connection, holds.version) if holds is not None else None


def before(connection: Connection) -> str:
    """The version that held before the one that holds. Raises NoSuchModel where there was none."""
    found = _LOG.before(connection)
    if found is None:
        raise NoSuchModel("no model was in effect before the present one, so there is none to go back to")
    return found


def activate(store: Store, version: str, *, how: How, who: str, now: datetime) -> Activation:
    """Bring a model into effect; one that holds already goes on by its own activation. Raises NoSuchModel."""
    with store.writing() as connection:
        _LOG.lock(store, connection)
        find(connection, version)
        return _LOG.add(connection, version, how=how, who=who, now=now)
